# SPDX-License-Identifier: MIT
"""The part of spectra that were found without P."""
from page_case import PageTest, report


class CertifiedTest(PageTest):
    reports = ("free.json",)

    def setUp(self):
        super().setUp()
        self.results = report("free.json")["results"]

    def test_the_energy_is_drawn_of_each_length_with_its_interval(self):
        drawn = self.page.value("""Object.fromEntries(Chart.getChart(document.querySelector('.explorer canvas')).data.datasets
            .map((d) => [d.label, d.data.map(({x, low, high}) => [x, low, high])]))""")
        self.assertEqual(list(drawn), ["n = 64", "n = 128"])
        for n in (64, 128):
            heads = [h for h in self.results["certified"] if h["rows"] == n]
            for m, low, high in drawn[f"n = {n}"]:
                ends = [next(p for p in h["at"] if p["m"] == m)["energy_interval"] for h in heads]
                self.assertAlmostEqual(low, sum(e[0] for e in ends) / len(ends), 12)
                self.assertAlmostEqual(high, sum(e[1] for e in ends) / len(ends), 12)
        self.assertEqual([m for m, _, _ in drawn["n = 128"]], [1, 2, 4, 8, 16])

    def test_lengths_and_layers_are_in_the_table_and_the_sentence_at_the_head(self):
        rows = self.texts(".explorer table tbody tr")
        self.assertEqual(len(rows), 2 * len(self.results["layers"]))
        self.assertTrue(rows[0].startswith("640"))
        self.assertIn(report("free.json")["summary"], self.page.text(".verdicts"))
        self.assertNotIn("undefined", self.page.value("document.body.innerText"))
