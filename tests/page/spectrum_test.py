# SPDX-License-Identifier: MIT
"""The part of a spectrum report: picking heads, curves, the slider."""
import json

from chromium import CTRL
from page_case import HERE, LAYERS, PageTest, cell, make_page, percent, report

PANEL, HEAT = ".panel", "table.heat"


class SpectrumTest(PageTest):
    reports = ("spectrum.json",)

    def setUp(self):
        super().setUp()
        self.results = report("spectrum.json")["results"]
        self.own = self.results["series"][0]

    def picked(self):
        """The one cell that is selected, and can be reached by Tab, as (row, column)."""
        places = self.page.value(f"""["[aria-selected=true]", "[tabindex='0']"].map((which) =>
            [...document.querySelectorAll(`{HEAT} td${{which}}`)].map((e) => [e.parentNode.rowIndex - 1, e.cellIndex - 1]))""")
        self.assertEqual(places[0], places[1])
        self.assertEqual(len(places[0]), 1)
        return tuple(places[0][0])

    def test_it_says_what_was_claimed_what_was_measured_and_how_far_to_trust_it(self):
        self.assertEqual(self.texts(".verdicts h3"), ["Claimed", "Measured here", "How far to trust it"])
        self.assertIn(report("spectrum.json")["summary"], self.page.text(".verdicts"))
        self.assertIn(percent(self.own["model"]["statistics"]["cumulative_at_16"]["mean"]), self.page.text(".headline"))

    def test_the_heat_map_has_the_reports_numbers(self):
        for i, layer in enumerate(self.own["layers"]):
            values = [head["statistics"]["cumulative_at_16"]["mean"] for head in layer["heads"]]
            values.append(layer["statistics"]["cumulative_at_16"]["mean"])
            self.assertEqual(self.texts(f"{LAYERS}:nth-child({i + 1}) td"), [f"{100 * v:.0f}" for v in values])
            for j, v in enumerate(values):
                self.assertIn(percent(v), self.page.value(f"document.querySelector({json.dumps(cell(i, j))}).ariaLabel"))

    def test_a_click_picks_a_head(self):
        self.page.click(cell(1, 2))
        self.assertEqual(self.picked(), (1, 2))
        self.assertEqual(self.page.text(f"{PANEL} h4"), "Layer 1, head 2")
        difference = self.results["comparisons"][0]["layers"][1]["heads"][2]["difference"]["mean"]
        self.assertIn(f"{100 * difference:+.1f} points".replace("-", "−"), self.page.text(f"{PANEL} .verdict"))

    def test_the_keyboard_picks_heads_and_stops_at_the_edges(self):
        self.page.click(cell(0, 0))
        for key, modifiers, place in (("ArrowRight", 0, (0, 1)), ("ArrowDown", 0, (1, 1)), ("End", 0, (1, 3)),
                                      ("ArrowRight", 0, (1, 3)), ("PageDown", 0, (3, 3)), ("ArrowDown", 0, (3, 3)),
                                      ("Home", 0, (3, 0)), ("ArrowLeft", 0, (3, 0)), ("ArrowUp", 0, (2, 0)),
                                      ("End", CTRL, (3, 3)), ("Home", CTRL, (0, 0))):
            self.page.press(key, modifiers)
            self.assertEqual(self.picked(), place, key)
            self.assertTrue(self.page.value(f"document.activeElement.matches({json.dumps(cell(*place))})"))
        self.page.press("End")
        self.assertEqual(self.page.text(f"{PANEL} h4"), "Layer 0, mean of its heads")

    def test_the_slider_says_what_is_kept_at_each_k(self):
        self.page.click(cell(2, 1))
        head = self.own["layers"][2]["heads"][1]
        self.page.value(f"document.querySelector('{PANEL} input[type=range]').focus()")
        at = self.results["curves_at"].index(16)
        for key, to in (("ArrowRight", at + 1), ("ArrowRight", at + 2), ("Home", 0), ("End", len(self.results["curves_at"]) - 1)):
            self.page.press(key)
            k = self.results["curves_at"][to]
            answer = self.page.text(f"{PANEL} output")
            self.assertIn(f"k = {k} keeps {percent(head['curves']['cumulative'][to])} of Σσ and "
                          f"{percent(head['curves']['energy'][to])} of Σσ²", answer)
            k95 = head["statistics"]["k95_sigma"]
            self.assertIn(f"and {k95['max']:g} for all of them", answer)
            self.assertEqual(self.page.value(f"document.querySelector('{PANEL} input[type=range]').ariaValueText"), f"k = {k}")
            self.assertEqual(self.page.value("Chart.getChart(document.querySelector('.panel canvas')).options.plugins.ruler.at"), k)

    def test_a_line_is_switched_off_and_on(self):
        self.assertEqual(self.lines(PANEL), ["this head", "its layer", "all layers", "matched control of this head"])
        layer = f"{PANEL} .lines input[value=layer]"
        self.page.click(layer)
        self.assertEqual(self.lines(PANEL), ["this head", "all layers", "matched control of this head"])
        self.page.value(f"document.querySelector('{layer}').focus()")
        self.page.press(" ")
        self.assertIn("its layer", self.lines(PANEL))

    def test_the_curves_are_of_values_or_of_squares(self):
        drawn = "Chart.getChart(document.querySelector('.panel canvas')).data.datasets[0].data.map((p) => p.y)"
        curves = self.own["layers"][0]["heads"][0]["curves"]
        self.assertEqual(self.page.value(drawn), curves["cumulative"])
        self.page.click(f"{PANEL} input[value=energy]")
        self.assertEqual(self.page.value(drawn), curves["energy"])

    def test_the_map_shows_other_statistics_and_differences(self):
        statistic, of = ".explorer .field:nth-child(1) select", ".explorer .field:nth-child(2) select"
        self.page.choose(statistic, "effective_rank")
        value = self.own["layers"][0]["heads"][0]["statistics"]["effective_rank"]["mean"]
        self.assertIn(f"{value:.1f}", self.page.value(f"document.querySelector('{cell(0, 0)}').ariaLabel"))
        self.page.choose(statistic, "cumulative_at_16")
        self.page.choose(of, "minus matched")
        value = self.results["comparisons"][0]["layers"][3]["heads"][0]["difference"]["mean"]
        self.assertIn(f"{100 * value:+.1f} %".replace("-", "−"), self.page.value(f"document.querySelector('{cell(3, 0)}').ariaLabel"))

    def test_tables_stand_behind_the_charts(self):
        rows = self.texts(f"{PANEL} details tbody tr:last-child td")
        self.assertEqual(rows, ["100.00 %"] * 4)
        self.assertEqual(len(self.texts(f"{PANEL} details tbody tr")), len(self.results["curves_at"]))

    def test_a_table_that_was_opened_stays_open(self):
        self.page.click(f"{PANEL} summary")
        self.page.click(cell(1, 1))
        self.assertTrue(self.page.value(f"document.querySelector('{PANEL} details').open"))
        self.assertIn("layer 1, head 1", self.page.text(f"{PANEL} details caption"))

    def test_a_report_without_curves_says_so(self):
        bare = report("spectrum.json")
        for series in bare["results"]["series"]:
            for one in [series["model"], *series["layers"], *(h for layer in series["layers"] for h in layer["heads"])]:
                one.pop("curves")
        bare["results"].pop("curves_at")
        (HERE / "bare.json").write_text(json.dumps(bare))
        self.open(make_page("bare.json"))
        self.page.click(cell(1, 1))
        self.assertIn("no curves", self.page.text(PANEL))
