# SPDX-License-Identifier: MIT
"""A page of several reports: contents, widths, colours, names for screen readers, pictures."""
import json
import os
import pathlib
import struct

from page_case import PageTest

SHOTS = pathlib.Path(os.environ["LINFORMER_SHOTS"] or "shots")


class TogetherTest(PageTest):
    reports = ("spectrum.json", "bench.json", "maps.json", "accuracy.json", "advise.json", "fit.json")

    def test_each_report_is_in_the_contents(self):
        self.assertEqual(self.texts("nav a span"), ["spectrum", "bench", "maps", "accuracy", "advise", "fit"])
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
