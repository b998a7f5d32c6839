# SPDX-License-Identifier: MIT
"""Reports that lack something, are of an unknown kind, or hostile."""
import json

from page_case import HERE, PageTest, make_page, report


class UnusualTest(PageTest):
    reports = ("unequal.json", "few.json", "alone.json", "too-large.json")

    def test_what_a_report_lacks_leaves_no_hole(self):
        lists = self.page.value("[...document.querySelectorAll('select')].map((s) => [...s.options].map((o) => o.value))")
        self.page.value("document.querySelectorAll('select').forEach((s, i) => (s.id = `list-${i}`))")
        for i, values in enumerate(lists):
            for value in values:
                self.page.choose(f"#list-{i}", value)
        shown = self.page.value("document.body.innerText")
        for hole in ("undefined", "NaN", "null", "[object", "Infinity"):
            self.assertNotIn(hole, shown)

    def test_a_kind_without_a_part_is_shown_as_tables(self):
        page = self.made.read_text().replace('"schema":"linformer/bench/1"', '"schema":"linformer/other/1"')
        (HERE / "other.html").write_text(page)
        self.open(HERE / "other.html")
        self.assertEqual(self.page.text("#report-4 h2"), "Other report")
        cells = report("too-large.json")["results"]["cells"]
        shown = self.texts("#report-4 table:first-of-type tbody tr")
        self.assertTrue(any(cells[0]["mechanism"] in row and cells[0]["reason"] in row for row in shown))

    def test_markup_in_a_report_stays_text(self):
        attack = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
        hostile = report("few.json")
        hostile["summary"] = hostile["input"]["checkpoint"] = attack
        (HERE / "hostile.json").write_text(json.dumps(hostile))
        self.open(make_page("hostile.json"))
        self.assertIn(attack, self.page.text(".about"))
        self.assertIn(attack, self.page.text(".verdicts"))
        self.assertIsNone(self.page.value("window.broken"))

    def test_it_says_when_nothing_can_be_said(self):
        self.assertIn("too few for intervals and verdicts", self.page.text("#report-2 .verdicts"))
        self.assertIn("No control was asked for", self.page.text("#report-3 .verdict"))
        self.assertEqual(self.texts("#report-4 .explorer"), [])
