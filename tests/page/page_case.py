# SPDX-License-Identifier: MIT
"""What tests of the page have in common. run.sh has made the reports in this folder, and says by LINFORMER_* what to use."""
import json
import os
import pathlib
import subprocess
import unittest

from chromium import Page

PROGRAM, BROWSER = os.environ["LINFORMER_PROGRAM"], os.environ["LINFORMER_BROWSER"]
HERE = pathlib.Path.cwd()

LAYERS = ".heat tbody tr"


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
