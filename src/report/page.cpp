// SPDX-License-Identifier: MIT
#include "report/page.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "io/embedded.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

// JSON as the content of a script element, which ends at "</script" wherever that stands: in JSON a "<" is
// always within a string, where \u003c means the same.
std::string script_json(const Json& value) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

// The members in the order of the files, which the parsed reports have lost.
std::string reports_json(const std::vector<ReportFile>& files) {
  Json reports = Json::array();
  for (const ReportFile& file : files)
    reports.push_back(
        {{"name", file.title.empty() ? file.name() : file.title}, {"report", Json::parse(file.text)}});
  return script_json(reports);
}

}  // namespace

std::string report_page(const std::vector<ReportFile>& files) {
  const PageParts parts = embedded_page();
  const std::string reports = reports_json(files);
  const std::pair<std::string_view, std::string_view> places[] = {{"{{style}}", parts.style},
                                                                  {"{{reports}}", reports},
                                                                  {"{{chart}}", parts.chart},
                                                                  {"{{script}}", parts.script}};
  std::string page;
  page.reserve(parts.html.size() + parts.style.size() + reports.size() + parts.chart.size() +
               parts.script.size());
  std::string_view rest = parts.html;
  for (const auto& [mark, content] : places) {
    const size_t at = rest.find(mark);
    if (at == std::string_view::npos)
      throw Error(ErrorCode::kInternal, {.subject = "the page's template", .expected = std::string(mark)});
    page.append(rest.substr(0, at)).append(content);
    rest.remove_prefix(at + mark.size());
  }
  return page.append(rest);
}

}  // namespace linformer
