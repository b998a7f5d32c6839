# SPDX-License-Identifier: MIT
"""The part of an advise report: its verdict, every way to run the model, the frontier."""
from page_case import PageTest, percent, report


class AdviseTest(PageTest):
    reports = ("advise.json",)

    def setUp(self):
        super().setUp()
        self.results = report("advise.json")["results"]

    def test_it_begins_with_the_verdict(self):
        self.assertEqual(self.texts(".verdicts h3"), ["Claimed", "Measured here", "How far to trust it"])
        self.assertEqual(self.page.text(".verdicts .lead"), self.results["verdict"])

    def test_every_way_is_in_the_table_with_what_it_loses_and_gains(self):
        rows = self.texts(".report > .card tbody tr")
        self.assertEqual(len(rows), len(self.results["points"]))
        for row, point in zip(rows, self.results["points"]):
            self.assertTrue(row.startswith(point["name"]))
            self.assertIn(percent(point["increase"]).replace("-", "−"), row)
            self.assertEqual("put together" in row, point["time_estimated"] or point["increase_estimated"])
            self.assertEqual("none is better in both" in row, point["pareto"])
            self.assertEqual("near enough" in row, point["good_enough"])

    def test_every_way_is_a_mark_and_the_best_are_joined(self):
        marks = self.page.value("""Chart.getChart(document.querySelector('.explorer canvas')).data.datasets
            .map((d) => [d.label, d.data.map((p) => [p.x, p.y])])""")
        points = self.results["points"]
        best = sorted([p["speed_up"], p["increase"]] for p in points if p["pareto"])
        self.assertEqual(marks[-1], ["none is better in both", best])
        self.assertEqual(marks[:-1], [[p["name"], [[p["speed_up"], p["increase"]]]] for p in points])
        self.page.click(".explorer .lines input[value=flash]")
        self.assertNotIn("flash", self.lines(".explorer"))

    def test_each_layer_has_its_k_or_stays_exact(self):
        rows = self.texts(".explorer table tbody tr")
        self.assertEqual(len(rows), len(self.results["layers"]))
        for row, layer in zip(rows, self.results["layers"]):
            self.assertIn("nothing is near enough" if layer["k"] is None else layer["cell"], row)
