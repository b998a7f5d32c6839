// SPDX-License-Identifier: MIT
#include "report/table.h"

#include "catch.h"

using namespace linformer;

namespace {

Table made_table() {
  return {.title = "A title",
          .columns = {{"name", Align::kLeft}, {"σ", Align::kRight}},
          .rows = {{"a", "1 ± 2"}, {"with, comma", "33"}, {"pipe | \"quoted\"", ""}}};
}

}  // namespace

TEST_CASE("a terminal table is aligned by display width") {
  CHECK(terminal_table(made_table()) ==
        "A title\n"
        "name                 σ\n"
        "───────────────  ─────\n"
        "a                1 ± 2\n"
        "with, comma         33\n"
        "pipe | \"quoted\"\n");
}

TEST_CASE("a Markdown table escapes what would end a cell") {
  CHECK(markdown_table(made_table()) ==
        "**A title**\n\n"
        "| name | σ |\n"
        "|---|---:|\n"
        "| a | 1 ± 2 |\n"
        "| with, comma | 33 |\n"
        "| pipe \\| \"quoted\" |  |\n");
}

TEST_CASE("a CSV table quotes what must be quoted") {
  CHECK(csv_table(made_table()) ==
        "name,σ\n"
        "a,1 ± 2\n"
        "\"with, comma\",33\n"
        "\"pipe | \"\"quoted\"\"\",\n");
  CHECK(csv_cell("two\nlines") == "\"two\nlines\"");
}

TEST_CASE("display width counts columns of a terminal, not bytes") {
  CHECK(display_width("") == 0);
  CHECK(display_width("Σσ ± ▓") == 6);
  CHECK(display_width("e\xcc\x81") == 1);         // combining acute
  CHECK(display_width("\xe6\xbc\xa2") == 2);      // a Chinese character
  CHECK(display_width("a\xff\xe6z") == 4);        // not UTF-8
  CHECK(display_width("\xf0\x9f\x98\x80") == 2);  // an emoji
  CHECK(padded("σ", 3, Align::kRight) == "  σ");
  CHECK(padded("σσσσ", 3, Align::kLeft) == "σσσσ");
}
