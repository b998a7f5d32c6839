// SPDX-License-Identifier: MIT
#include "show_result.h"

#include "io/json.h"
#include "report/bench_json.h"
#include "report/bench_table.h"
#include "report/headline.h"
#include "report/heat_map.h"
#include "report/spectrum_table.h"
#include "terminal.h"

namespace linformer::cli {

void show_spectrum(const SpectrumResult& result, const nlohmann::ordered_json& report,
                   const std::string& preface, const Session& session) {
  switch (session.options().format) {
    case Format::kJson:
      return print(dump_json(report));
    case Format::kJsonl:
      return print(report.dump() + "\n");
    case Format::kCsv:
      return print(csv_table(long_table(result, LongRows::kLayersAndHeads)));
    case Format::kMarkdown:
      print(markdown_table(layer_table(result)));
      break;
    case Format::kTable:
      print(preface + terminal_table(layer_table(result)));
      print("\n" +
            heat_map(spectrum_heat_map(result), {.color = session.color(), .width = terminal_width()}));
      break;
  }
  print("\n" + headline(result, result.causal) + "\n");
}

void show_bench(const BenchResult& result, const nlohmann::ordered_json& report, const std::string& preface,
                const Session& session) {
  const Format format = session.options().format;
  switch (format) {
    case Format::kJson:
      return print(dump_json(report));
    case Format::kJsonl:
      for (const CellResult& cell : result.cells) print(bench_cell_json(cell, result.level).dump() + "\n");
      return;
    case Format::kCsv:
      return print(csv_table(bench_long_table(result)));
    case Format::kTable:
      print(preface);
      break;
    case Format::kMarkdown:
      break;
  }
  print(rendered(bench_table(result), format));
  if (!result.scaling.empty()) print("\n" + rendered(scaling_table(result), format));
  if (!result.narrowing.empty()) print("\n" + rendered(narrowing_table(result), format));
  const std::string sentence = bench_sentence(result);
  if (!sentence.empty()) print("\n" + sentence + "\n");
}

void show_reproduction(const Reproduction& result, const nlohmann::ordered_json& report,
                       const Session& session) {
  const Format format = session.options().format;
  switch (format) {
    case Format::kJson:
      return print(dump_json(report));
    case Format::kJsonl:
      return print(report.dump() + "\n");
    case Format::kCsv:
      return print(csv_table(reproduction_table(result)));
    case Format::kTable:
    case Format::kMarkdown:
      return print(reproduction_text(result, format == Format::kMarkdown));
  }
}

}  // namespace linformer::cli
