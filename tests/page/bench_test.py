# SPDX-License-Identifier: MIT
"""The part of a bench report: lines, metrics, ratios."""
from page_case import PageTest, report


class BenchTest(PageTest):
    reports = ("bench.json",)

    def setUp(self):
        super().setUp()
        self.results = report("bench.json")["results"]
        self.mechanisms = list(dict.fromkeys(c["mechanism"] for c in self.results["cells"]))
        self.names = [name.removesuffix(",sharing=layerwise") for name in self.mechanisms]

    def test_every_mechanism_has_its_line_and_can_be_switched_off(self):
        self.assertEqual(self.lines(".explorer"), self.names)
        columns = len(self.texts(".ratios th[scope=col]"))
        self.page.click(f".explorer .lines input[value='{self.mechanisms[-1]}']")
        self.assertEqual(self.lines(".explorer"), self.names[:-1])
        self.assertEqual(len(self.texts(".ratios th[scope=col]")), columns - 1)

    def test_time_memory_and_rate_are_drawn_from_the_cells(self):
        drawn = "Chart.getChart(document.querySelector('.explorer canvas')).data.datasets[0].data.map((p) => p.y)"
        cells = [c for c in self.results["cells"] if c["mechanism"] == self.mechanisms[0]]
        memory = [c["tensor_bytes"] + c["workspace_bytes"] + c["parameter_bytes"] for c in cells]
        for metric, values in (("rate", [c["gflops"] for c in cells]), ("memory", memory),
                               ("time", [c["median_ns"] for c in cells])):
            self.page.click(f".explorer input[value={metric}]")
            self.assertEqual(self.page.value(drawn), values, metric)

    def test_the_ratios_are_the_reports(self):
        self.page.choose(".ratios select", "standard")
        shown = self.page.text(".ratios")
        for one in self.results["cells"]:
            for ratio in one["ratios"]:
                if ratio["reference"] == "standard":
                    self.assertIn(f"{ratio['ratio']:#.3g}".rstrip(".") + " ×", shown)

    def test_the_machine_is_told_at_once(self):
        self.assertTrue(self.page.value("document.querySelector('.report > details').open"))
        self.assertIn(report("bench.json")["machine"]["cpu"], self.page.text(".report > details"))
