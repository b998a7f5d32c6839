# SPDX-License-Identifier: MIT
"""What the page does when it is used: run.sh has made spectrum.json and bench.json in this folder."""
import json
import os
import pathlib
import struct
import subprocess
import unittest

from chromium import CTRL, Page

PROGRAM, BROWSER = os.environ["LINFORMER_PROGRAM"], os.environ["LINFORMER_BROWSER"]
SHOTS = pathlib.Path(os.environ["LINFORMER_SHOTS"] or "shots")
HERE = pathlib.Path.cwd()

PANEL, HEAT, LAYERS = ".panel", "table.heat", ".heat tbody tr"


def report(name):
    return json.loads((HERE / name).read_text())


def cell(row, column):
    return f"{LAYERS}:nth-child({row + 1}) td:nth-child({column + 2})"


def percent(share, decimals=1):
    return f"{100 * share:.{decimals}f} %"


def make_page(*names):
    page = HERE / f"{names[0]}.html"
    subprocess.run([PROGRAM, "report", *names, "--page", page, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return page


class PageTest(unittest.TestCase):
    """Each test opens the page of `reports` anew; none may leave a fault or ask for anything but the file."""
    reports = ()

    @classmethod
    def setUpClass(cls):
        if cls is PageTest:
            raise unittest.SkipTest("what the others have in common")
        cls.made = make_page(*cls.reports)
        cls.page = Page(BROWSER)
        cls.addClassCleanup(cls.page.close)

    def setUp(self):
        self.page.resize(1280, 1600)
        self.page.prefer("light")
        self.open(self.made)

    def open(self, file):
        self.file = file
        self.page.faults.clear()
        self.page.requests.clear()
        self.page.open(file)

    def tearDown(self):
        self.page.drawn()
        self.assertEqual(self.page.faults, [])
        self.assertEqual(set(self.page.requests), {f"file://{self.file}"})

    def texts(self, selector):
        return self.page.value(f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.textContent)")

    def lines(self, within):
        """Names of the lines that the chart there shows."""
        return self.page.value(f"""(() => {{
            const chart = Chart.getChart(document.querySelector({json.dumps(within + " canvas")}));
            return chart.data.datasets.filter((_, i) => chart.isDatasetVisible(i)).map((d) => d.label);
        }})()""")


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


class TogetherTest(PageTest):
    reports = ("spectrum.json", "bench.json")

    def test_each_report_is_in_the_contents(self):
        self.assertEqual(self.texts("nav a span"), ["spectrum", "bench"])
        self.page.click("nav a:nth-child(2)")
        self.assertEqual(self.page.value("location.hash"), "#report-2")

    def test_nothing_is_wider_than_the_screen(self):
        for width in (360, 390, 768, 1280, 2560):
            self.page.resize(width, 1000)
            self.page.drawn()
            self.assertLessEqual(self.page.value("document.documentElement.scrollWidth"), width)

    def test_light_and_dark_follow_the_system_until_one_is_chosen(self):
        colour = "getComputedStyle(document.documentElement).backgroundColor"
        line = "Chart.getChart(document.querySelector('canvas')).data.datasets[0].borderColor"
        light = self.page.value(colour), self.page.value(line)
        self.page.prefer("dark")
        self.page.wait(f"{line} !== {json.dumps(light[1])}")
        dark = self.page.value(colour), self.page.value(line)
        self.assertNotEqual(light[0], dark[0])
        self.page.click("#theme")
        self.assertEqual((self.page.value(colour), self.page.value(line)), light)
        self.page.click("#theme")
        self.assertEqual((self.page.value(colour), self.page.value(line)), dark)

    def test_a_screen_reader_finds_names_for_everything(self):
        nameless = """[...document.querySelectorAll("input, select, button, canvas, table, section.report, nav")].filter((e) =>
            !(e.ariaLabel || e.getAttribute("aria-labelledby") || e.labels?.length || e.caption?.textContent || e.textContent.trim()))
            .map((e) => e.outerHTML)"""
        self.assertEqual(self.page.value(nameless), [])
        levels = self.page.value("[...document.querySelectorAll('h1,h2,h3,h4')].map((e) => Number(e.tagName[1]))")
        self.assertEqual(levels[0], 1)
        for before, after in zip(levels, levels[1:]):
            self.assertLessEqual(after, before + 1)
        self.assertEqual(self.page.value("document.querySelectorAll('thead th:not([scope]), tbody th:not([scope])').length"), 0)

    def test_text_can_be_read_on_its_ground(self):
        """WCAG's contrast of every text with what is behind it, 4.5 at least, in light and in dark."""
        for scheme in ("light", "dark"):
            self.page.prefer(scheme)
            self.page.wait(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
            self.assertEqual(self.page.value((pathlib.Path(__file__).parent / "contrast.js").read_text()), [], scheme)

    def test_pictures_of_it_can_be_looked_at(self):
        SHOTS.mkdir(parents=True, exist_ok=True)
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("light", 2560)):
            self.page.prefer(scheme)
            self.page.resize(width, 1000)
            self.page.drawn()
            self.page.resize(width, self.page.value("document.documentElement.scrollHeight"))
            picture = SHOTS / f"page-{scheme}-{width}.png"
            self.page.screenshot(picture)
            head = picture.read_bytes()[:24]
            self.assertEqual(struct.unpack(">I", head[16:20])[0], width)
            self.assertGreater(picture.stat().st_size, 50_000)


class MadeTest(PageTest):
    """Kinds whose parts are tried on reports made by hand, in made/."""
    reports = ("few.json",)
    made_reports = ("accuracy", "advise", "reproduce")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = [{"name": name, "report": json.loads((pathlib.Path(__file__).parent / "made" / f"{name}.json").read_text())}
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


if __name__ == "__main__":
    unittest.main()
