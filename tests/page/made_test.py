# SPDX-License-Identifier: MIT
"""Kinds whose parts are tried on reports made by hand, in made/."""
import json
import pathlib

from page_case import HERE, PageTest

MADE = pathlib.Path(__file__).parent / "made"


class MadeTest(PageTest):
    reports = ("few.json",)
    made_reports = ("reproduce",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = [{"name": name, "report": json.loads((MADE / f"{name}.json").read_text())}
                for name in cls.made_reports]
        before, rest = cls.made.read_text().split('id="data">')
        cls.made = HERE / "made.html"
        cls.made.write_text(f'{before}id="data">{json.dumps(made)}{rest[rest.index("</script>"):]}')

    def test_each_says_what_was_claimed_what_was_measured_and_how_far_to_trust_it(self):
        self.assertEqual(self.texts(".verdicts h3"), ["Claimed", "Measured here", "How far to trust it"])

    def test_reproduce_sets_numbers_beside_the_papers(self):
        rows = self.texts("#report-1 tbody tr")
        self.assertEqual(rows[0], "time saved, n = 512, k = 1281.51.251.13 to 1.380.833another machine")
        self.assertIn("20does not fit the budget–", rows[1])
