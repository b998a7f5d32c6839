// SPDX-License-Identifier: MIT
#include "report/page.h"

#include <algorithm>

#include "catch.h"
#include "io/embedded.h"
#include "io/json.h"

using namespace linformer;

namespace {

ReportFile report(const std::string& path, const std::string& text) {
  return {.path = path, .text = text, .json = parse_json(text, path)};
}

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// What the script element with the reports holds, as a browser reads it: up to the next end of a script.
std::string carried(const std::string& page) {
  const std::string_view begin = R"(<script type="application/json" id="data">)";
  const size_t from = page.find(begin) + begin.size();
  return page.substr(from, page.find("</script", from) - from);
}

}  // namespace

TEST_CASE("a page carries its reports under their names, in their order") {
  const std::string page = report_page(
      {report("runs/first.json", R"({"schema": "linformer/spectrum/1", "zebra": 0.1, "ant": [1, null]})"),
       report("second", R"({"schema": "linformer/bench/1"})")});
  CHECK(carried(page) ==
        R"([{"name":"first","report":{"schema":"linformer/spectrum/1","zebra":0.1,"ant":[1,null]}},)"
        R"({"name":"second","report":{"schema":"linformer/bench/1"}}])");
}

TEST_CASE("a page of no reports is still a page") { CHECK(carried(report_page({})) == "[]"); }

TEST_CASE("text in a report cannot leave the place that it has in the page") {
  const std::string attack = R"(</script><script>alert(1)</script><!-- <SCRIPT {{script}} {{style}})";
  const std::string text = dump_json({{"schema", "linformer/spectrum/1"}, {attack, attack}});
  const std::string harmless = report_page({report("a.json", R"({"schema": "linformer/spectrum/1"})")});
  const std::string page = report_page({report(attack, text)});
  for (const char* part : {"<script", "</script", "<!--", "<SCRIPT"}) {
    INFO(part);
    CHECK(count(page, part) == count(harmless, part));
  }
  const nlohmann::json read = parse_json(carried(page), "page");
  CHECK(read[0]["report"][attack] == attack);
}

TEST_CASE("every part of a page is in it once and ends no element before its end") {
  const PageParts parts = embedded_page();
  const std::string page = report_page({});
  for (const std::string_view part : {parts.style, parts.chart, parts.script}) {
    CHECK(count(page, part) == 1);
    CHECK(count(part, "</script") == 0);
    CHECK(count(part, "</style") == 0);
    CHECK(count(part, "<!--") == 0);
  }
  CHECK(count(page, "{{") == count(parts.chart, "{{") + count(parts.script, "{{"));
  CHECK(parts.chart.find("Chart.js v") != std::string_view::npos);
}

TEST_CASE("a page names nothing outside itself that a browser would load") {
  const PageParts parts = embedded_page();
  for (const std::string_view part : {parts.html, parts.style, parts.script})
    for (const char* loads : {"src=", "@import", "url(", "fetch(", "XMLHttpRequest", "import("}) {
      INFO(loads);
      CHECK(count(part, loads) == 0);
    }
  CHECK(count(parts.html, "default-src 'none'") == 1);
}

TEST_CASE("bytes in a report that are not UTF-8 become the replacement character") {
  ReportFile broken = report("a.json", R"({"schema": "linformer/spectrum/1"})");
  broken.path = "a\xff.json";
  CHECK(carried(report_page({broken})).find("a\xEF\xBF\xBD") != std::string::npos);
}
