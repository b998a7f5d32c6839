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
  json["why"] = row.why;
  return json;
}

std::optional<double> number_in(const Field& object, std::string_view key) {
  const auto field = object.find(key);
  return field ? std::optional(field->number()) : std::nullopt;
}

ReproducedRow read_row(const Field& field) {
  const auto words = [&](std::string_view key) {
    const auto reason = field.find(key);
    return reason ? reason->text() : std::string();
  };
  return {.what = field["what"].text(),
          .published = number_in(field, "published"),
          .published_words = words("published_reason"),
          .here = number_in(field, "here"),
          .interval = field["interval"].interval(),
          .missing = words("here_reason"),
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
