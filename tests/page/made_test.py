# SPDX-License-Identifier: MIT
"""Kinds whose parts are tried on reports made by hand, in made/."""
import json
import pathlib

from page_case import HERE, PageTest

MADE = pathlib.Path(__file__).parent / "made"


class MadeTest(PageTest):
    reports = ("few.json",)
    made_reports = ("accuracy", "advise", "reproduce")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = [{"name": name, "report": json.loads((MADE / f"{name}.json").read_text())}
                for name in cls.made_reports]
        before, rest = cls.made.read_text().split('id="data">')
        cls.made = HERE / "made.html"
        cls.made.write_text(f'{before}id="data">{json.dumps(made)}{rest[rest.index("</script>"):]}')

    def test_each_says_what_was_claimed_what_was_measured_and_how_far_to_trust_it(self):
        self.assertEqual(self.texts(".verdicts h3"), ["Claimed", "Measured here", "How far to trust it"] * 3)

    def test_accuracy_draws_a_cost_against_k_of_each_method(self):
        part = "#report-1"
        self.assertEqual(self.lines(part), ["svd", "fitted:sharing=head", "flash"])
        drawn = f"Chart.getChart(document.querySelector('{part} canvas')).data.datasets.map((d) => d.data.map((p) => [p.x, p.y]))"
        self.assertEqual(self.page.value(drawn), [[[16, 0.125], [32, 0.0625]], [[16, 0.5], [32, 0.25]], [[16, 0], [32, 0]]])
        self.page.choose(f"{part} .explorer .card:nth-child(1) select", "loss_increase_nats")
        self.assertEqual(self.page.value(drawn)[1], [[16, 0.125], [32, 0.0625]])

    def test_accuracy_begins_with_the_loss_as_it_is(self):
        self.assertIn("masked lm loss as it is, in nats3.002.98 to 3.02", self.page.text("#report-1 .headline"))

    def test_accuracy_tells_what_each_head_costs(self):
        card = "#report-1 .explorer .card:nth-child(2)"
        self.page.choose(f"{card} select", "fitted:k=32,sharing=head")
        self.assertEqual(self.texts(f"{card} tbody td"), ["6", "13", "13", "13", "25", "25"])
        self.page.click(f"{card} tbody tr:nth-child(2) td:nth-child(3)")
        self.assertEqual(self.page.text(f"{card} output"), "layer 1, head 1: Output error 25.0 %, Skill 0.938")

    def test_advise_begins_with_its_verdict_and_lists_every_way(self):
        self.assertIn("Do not bother", self.page.text("#report-2 .verdicts"))
        ways = self.texts("#report-2 > .card tbody tr")
        self.assertEqual(len(ways), 3)
        self.assertIn("2.00 ×1.50 to 2.5012.5 %", ways[1])
        self.assertIn("put together", ways[2])
        self.assertIn("nothing is near enough", self.page.text("#report-2 .explorer table"))

    def test_reproduce_sets_numbers_beside_the_papers(self):
        rows = self.texts("#report-3 tbody tr")
        self.assertEqual(rows[0], "time saved, n = 512, k = 1281.51.251.13 to 1.380.833another machine")
        self.assertIn("20does not fit the budget–", rows[1])
