// SPDX-License-Identifier: MIT
#include "report/numbers.h"
#include "report/reproduction.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

std::string_view or_else(const std::string& text, std::string_view other) {
  return text.empty() ? other : std::string_view(text);
}

Json row_json(const ReproducedRow& row) {
  Json json = {{"what", row.what}};
  set_number(json, "published", row.published, or_else(row.published_words, "not in the paper"));
  set_number(json, "here", row.here, or_else(row.missing, "not measured"));
  set_interval(json, "interval", row.interval, "none");
  set_number(json, "ratio", row.ratio(), "not two numbers");
  if (row.by_operations) set_number(json, "by_operations", *row.by_operations);
  json["why"] = row.why;
  return json;
}

ReproducedRow read_row(const Field& field) {
  return {.what = field["what"].text(),
          .published = field.find_number("published"),
          .published_words = field.find_text("published_reason"),
          .here = field.find_number("here"),
          .interval = field["interval"].interval(),
          .missing = field.find_text("here_reason"),
          .by_operations = field.find_number("by_operations"),
          .why = field["why"].text()};
}

}  // namespace

std::optional<double> ReproducedRow::ratio() const {
  if (!published || !here || *published == 0) return std::nullopt;
  return *here / *published;
}

Json reproduce_report(const ReportContext& context, const Reproduction& reproduction) {
  ReportContext own = context;
  own.schema = kReproduceSchema;
  Json report = make_envelope(own);
  report["target"] = reproduction.target;
  report["title"] = reproduction.title;
  report["claim"] = reproduction.claim;
  report["findings"] = reproduction.findings;
  report["rows"] = Json::array();
  for (const ReproducedRow& row : reproduction.rows) report["rows"].push_back(row_json(row));
  report["trust"] = reproduction.trust;
  report["reports"] = reproduction.reports;
  return report;
}

Reproduction read_reproduction(const ReportFile& file) {
  const Field root = file.root();
  Reproduction reproduction{.target = root["target"].text(),
                            .title = root["title"].text(),
                            .claim = root["claim"].text(),
                            .findings = root["findings"].texts(),
                            .trust = root["trust"].texts(),
                            .reports = root["reports"].texts()};
  for (const Field& row : root["rows"].items()) reproduction.rows.push_back(read_row(row));
  return reproduction;
}

}  // namespace linformer
