# SPDX-License-Identifier: MIT
"""The part of a report of the batches that fit."""
from page_case import PageTest, report


class BatchFitTest(PageTest):
    reports = ("fit.json",)

    def setUp(self):
        super().setUp()
        self.cells = report("fit.json")["results"]["cells"]

    def test_what_one_more_sequence_takes_is_drawn_against_length(self):
        self.assertEqual(self.texts(".verdicts h3"), ["Claimed", "Measured here", "How far to trust it"])
        drawn = self.page.value("""Object.fromEntries(Chart.getChart(document.querySelector('canvas')).data.datasets
            .map((d) => [d.label, d.data.map((p) => [p.x, p.y])]))""")
        lines = {}
        for one in self.cells:
            points = lines.setdefault(one["mechanism"], [])
            if one["bytes_per_sequence"] is not None:
                points.append([one["length"], one["bytes_per_sequence"]])
        self.assertEqual(drawn, lines)

    def test_every_cell_is_in_the_table_with_its_batch_or_the_reason(self):
        rows = self.texts(".report > .card:last-of-type tbody tr")
        self.assertEqual(len(rows), len(self.cells))
        for row, one in zip(rows, self.cells):
            self.assertTrue(row.startswith(one["mechanism"]))
            if one["largest_batch"] is None:
                self.assertIn(one["reason"] or one["largest_batch_reason"], row)
            else:
                self.assertIn(f"{one['largest_batch']:,}", row)
