# SPDX-License-Identifier: MIT
"""The attention of the head that is picked, as an image."""
import base64

from page_case import PageTest, cell, report

CANVAS = "canvas.attention-map"


class MapTest(PageTest):
    reports = ("maps.json",)

    def setUp(self):
        super().setUp()
        self.maps = report("maps.json")["results"]["attention_maps"]

    def pixels(self, down, across):
        """RGBA of each block, read at once: a browser warns of more."""
        data = self.page.value(f"[...document.querySelector('{CANVAS}').getContext('2d').getImageData(0, 0, {across}, {down}).data]")
        return [data[i:i + 4] for i in range(0, len(data), 4)]

    def test_the_image_has_the_reports_levels_of_the_head_that_is_picked(self):
        self.page.click(cell(1, 2))
        layer = self.maps["layers"][1]
        levels = base64.b64decode(layer["heads"][2]["levels"])
        across = layer["block_columns"]
        size = f"[document.querySelector('{CANVAS}').height, document.querySelector('{CANVAS}').width]"
        self.assertEqual(self.page.value(size), [layer["block_rows"], across])
        pixels = self.pixels(layer["block_rows"], across)
        self.assertEqual(pixels[levels.index(255)], [255, 234, 70, 255])
        by_level = sorted(zip(levels, pixels), key=lambda one: one[0])
        for (low, darker), (high, lighter) in zip(by_level, by_level[1:]):
            self.assertLessEqual(sum(darker), sum(lighter), (low, high))

    def test_a_caption_and_a_text_say_what_is_seen(self):
        self.page.click(cell(2, 1))
        caption = self.page.text("figcaption")
        self.assertIn(f"Sequence {self.maps['sequence']} (document {self.maps['document']})", caption)
        self.assertIn("means over blocks of 1.25 × 1.25 weights", caption)
        self.assertIn("logarithmic", caption)
        text = self.page.value(f"document.querySelector('{CANVAS}').ariaLabel")
        self.assertTrue(text.startswith("Attention of layer 2, head 1 on sequence"))
        self.assertIn("strongest where queries", text)

    def test_the_mean_of_a_layer_has_no_image(self):
        heads = len(self.maps["layers"][0]["heads"])
        self.page.click(cell(0, heads))
        self.assertTrue(self.page.value("document.querySelector('figure').hidden"))
        self.assertIn("Pick a single head", self.page.text(".stack:last-child .notice"))
        self.page.press("ArrowLeft")
        self.assertFalse(self.page.value("document.querySelector('figure').hidden"))
