# SPDX-License-Identifier: MIT
"""The part of an accuracy report: costs against k, and of each head."""
from page_case import PageTest, percent, report

DRAWN = """Object.fromEntries(Chart.getChart(document.querySelector('.explorer canvas')).data.datasets
    .map((d) => [d.label, d.data.map((p) => [p.x, p.y])]))"""


class AccuracyTest(PageTest):
    reports = ("accuracy.json",)

    def setUp(self):
        super().setUp()
        self.results = report("accuracy.json")["results"]
        self.cells = self.results["cells"]

    def expected(self, of):
        """The lines of a cost: methods without k are drawn across."""
        ks = sorted({c["k"] for c in self.cells if c["k"] is not None})
        lines = {}
        for one in self.cells:
            at = [ks[0], ks[-1]] if one["k"] is None else [one["k"]]
            lines.setdefault(one["method"], []).extend([x, of(one)["mean"]] for x in at)
        return lines

    def test_it_says_what_was_claimed_what_was_measured_and_how_far_to_trust_it(self):
        self.assertEqual(self.texts(".verdicts h3"), ["Claimed", "Measured here", "How far to trust it"])
        self.assertIn(f"{self.results['loss_nats']['mean']:.2f}", self.page.text(".headline"))
        self.assertIn("masked lm loss as it is, in nats", self.page.text(".headline"))

    def test_every_cost_is_drawn_against_k_of_each_method(self):
        self.assertEqual(self.page.value(DRAWN), self.expected(lambda c: c["model"]["output_error"]))
        for cost in ("loss_increase_nats", "hidden_error", "agreement"):
            self.page.choose(".explorer .card:nth-child(1) select", cost)
            self.assertEqual(self.page.value(DRAWN), self.expected(lambda c: c["all_replaced"][cost]), cost)

    def test_what_means_nothing_without_training_is_switched_off_at_first(self):
        untrained = "linformer:sharing=layerwise,projection=gaussian"
        self.assertIn(untrained, {c["method"] for c in self.cells})
        meant = [m for m in self.expected(lambda c: c["model"]["skill"]) if m != untrained]
        self.assertEqual(self.lines(".explorer"), meant)
        self.page.click(f".explorer .lines input[value='{untrained}']")
        self.assertIn(untrained, self.lines(".explorer"))

    def test_it_tells_what_each_head_costs(self):
        card = ".explorer .card:nth-child(2)"
        name = next(c["name"] for c in self.cells if c["method"].startswith("fitted"))
        self.page.choose(f"{card} select", name)
        of = next(c for c in self.cells if c["name"] == name)
        for i, layer in enumerate(of["layers"]):
            errors = [h["output_error"] for h in layer["heads"]] + [layer["output_error"]["mean"]]
            self.assertEqual(self.texts(f"{card} tbody tr:nth-child({i + 1}) td"), [f"{100 * e:.0f}" for e in errors])
        self.page.click(f"{card} tbody tr:nth-child(2) td:nth-child(3)")
        head = of["layers"][1]["heads"][1]
        self.assertEqual(self.page.text(f"{card} output"), f"layer 1, head 1: Output error {percent(head['output_error'])}, "
                         f"Skill {head['skill']:.3f}".replace("-", "−"))

    def test_every_replacement_is_in_the_table(self):
        self.assertEqual(self.texts(".report > .card tbody th"), [c["name"] for c in self.cells])
