// SPDX-License-Identifier: MIT
#include "show_result.h"

#include <fmt/format.h>

#include "base/memory.h"
#include "io/json.h"
#include "report/accuracy_table.h"
#include "report/advise_table.h"
#include "report/batch_fit_json.h"
#include "report/batch_fit_table.h"
#include "report/bench_json.h"
#include "report/bench_sentence.h"
#include "report/bench_table.h"
#include "report/certified.h"
#include "report/headline.h"
#include "report/heat_map.h"
#include "report/spectrum_table.h"
#include "terminal.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;

// What programs read: the report, `lines` a line each, or the table that `in_full` makes. Whether the format
// asks for one of these.
template <class Lines, class Full>
bool printed_for_programs(Format format, const Json& report, const Lines& lines, const Full& in_full) {
  switch (format) {
    case Format::kJson:
      print(dump_json(report));
      return true;
    case Format::kJsonl:
      for (const Json& line : lines()) print(line.dump() + "\n");
      return true;
    case Format::kCsv:
      print(csv_table(in_full()));
      return true;
    case Format::kTable:
    case Format::kMarkdown:
      return false;
  }
  return false;
}

template <class Full>
bool printed_for_programs(Format format, const Json& report, const Full& in_full) {
  return printed_for_programs(
      format, report, [&] { return std::vector<Json>{report}; }, in_full);
}

// Of spectra that were found without P.
void show_certified(const SpectrumResult& result, const Json& report, const std::string& preface,
                    const Session& session) {
  const Format format = session.options().format;
  const Table table = certified_table(result);
  if (printed_for_programs(format, report, [&] { return table; })) return;
  if (format == Format::kTable) print(preface);
  print(rendered(table, format));
  print("\n" + certified_headline(result) + "\n");
}

}  // namespace

void show_spectrum(const SpectrumResult& result, const Json& report, const std::string& preface,
                   const Session& session) {
  if (!result.certified.empty()) return show_certified(result, report, preface, session);
  const Format format = session.options().format;
  if (printed_for_programs(format, report, [&] { return long_table(result, LongRows::kLayersAndHeads); }))
    return;
  if (format == Format::kTable) print(preface);
  print(rendered(layer_table(result), format));
  if (format == Format::kTable)
    print("\n" + heat_map(spectrum_heat_map(result), {.color = session.color(), .width = terminal_width()}));
  print("\n" + headline(result, result.causal) + "\n");
}

void show_bench(const BenchResult& result, const Json& report, const std::string& preface,
                const Session& session) {
  const Format format = session.options().format;
  const auto cells = [&] {
    std::vector<Json> lines;
    for (const CellResult& cell : result.cells) lines.push_back(bench_cell_json(cell, result.level));
    return lines;
  };
  if (printed_for_programs(format, report, cells, [&] { return bench_long_table(result); })) return;
  if (format == Format::kTable) print(preface);
  print(rendered(bench_table(result), format));
  if (!result.scaling.empty()) print("\n" + rendered(scaling_table(result), format));
  if (!result.narrowing.empty()) print("\n" + rendered(narrowing_table(result), format));
  const std::string sentence = bench_sentence(result);
  if (!sentence.empty()) print("\n" + sentence + "\n");
}

void show_batch_fit(const BatchFitResult& result, const Json& report, const std::string& preface,
                    const Session& session) {
  const Format format = session.options().format;
  const auto cells = [&] {
    std::vector<Json> lines;
    for (const BatchFit& fit : result.fits) lines.push_back(batch_fit_cell_json(fit, result.level));
    return lines;
  };
  if (printed_for_programs(format, report, cells, [&] { return batch_fit_long_table(result); })) return;
  if (format == Format::kTable)
    print(fmt::format("{}{}, in {}\n\n", preface, result.subject, format_bytes(result.limit_bytes)));
  print(rendered(batch_fit_table(result), format));
}

void show_accuracy(const AccuracyResult& result, const Json& report, const std::string& preface,
                   const Session& session) {
  const Format format = session.options().format;
  if (printed_for_programs(format, report, [&] { return accuracy_long_table(result); })) return;
  if (format == Format::kTable) print(preface + accuracy_preface(result) + "\n");
  print(rendered(accuracy_table(result), format));
  for (const Table& table : accuracy_layer_tables(result)) print("\n" + rendered(table, format));
}

void show_advice(const AdviceResult& result, const Json& report, const std::string& preface,
                 const Session& session) {
  const Format format = session.options().format;
  if (printed_for_programs(format, report, [&] { return advised_long_table(result); })) return;
  if (format == Format::kTable) print(preface);
  print(rendered(advised_layers_table(result), format) + "\n");
  print(rendered(advised_points_table(result), format) + "\n");
  print(advice_text(result));
}

void show_reproduction(const Reproduction& result, const Json& report, const Session& session) {
  const Format format = session.options().format;
  if (printed_for_programs(format, report, [&] { return reproduction_long_table(result); })) return;
  print(reproduction_text(result, format == Format::kMarkdown));
}

}  // namespace linformer::cli
