// SPDX-License-Identifier: MIT
#include "report/figures.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <set>

#include "io/file_bytes.h"
#include "report/accuracy_read.h"
#include "report/advise_read.h"
#include "report/batch_fit_read.h"
#include "report/bench_read.h"
#include "report/figure_accuracy.h"
#include "report/figure_advise.h"
#include "report/figure_bench.h"
#include "report/figure_certified.h"
#include "report/figure_spectrum.h"
#include "report/spectrum_read.h"

namespace linformer {
namespace {

class Collector {
 public:
  FigureSet take(const std::vector<ReportFile>& files) {
    for (const ReportFile& file : files) {
      switch (file.kind) {
        case ReportKind::kSpectrum:
          add_spectrum(file);
          break;
        case ReportKind::kBench:
          add_bench(file);
          break;
        case ReportKind::kBatchFit:
          add(batch_fit_figures({.file = file, .result = read_batch_fit(file)}, own_prefix(file.name())));
          break;
        case ReportKind::kAccuracy:
          add(accuracy_figures({.file = file, .result = read_accuracy(file)}, own_prefix(file.name())));
          break;
        case ReportKind::kAdvice:
          add(advice_figures({.file = file, .result = read_advice(file)}, own_prefix(file.name())));
          break;
        case ReportKind::kReproduction:
          break;  // its pictures are those of the reports beside it
      }
    }
    add(length_figures(spectra_, own_prefix("spectra")));
    return std::move(set_);
  }

 private:
  std::string own_prefix(const std::string& name) {
    std::string prefix = name;
    for (int i = 2; !prefixes_.insert(prefix).second; ++i) prefix = fmt::format("{}-{}", name, i);
    return prefix;
  }

  void add(std::vector<Figure> figures) {
    std::move(figures.begin(), figures.end(), std::back_inserter(set_.figures));
  }

  void add_spectrum(const ReportFile& file) {
    SpectrumFile spectrum{.file = file, .result = read_spectrum(file)};
    const std::string prefix = own_prefix(file.name());
    if (!spectrum.result.certified.empty()) return add(certified_figures(spectrum, prefix));
    read_curves(file, spectrum.result);
    add(spectrum_figures(spectrum, prefix));
    spectra_.push_back(std::move(spectrum));
  }

  // The whole ones beside the report, else the points that are in it.
  void read_curves(const ReportFile& file, SpectrumResult& result) {
    const std::string path = curves_path(file);
    if (!path.empty() && std::filesystem::exists(path)) return read_curves_csv(read_text(path), path, result);
    const std::string why = path.empty() ? "the run wrote no curves" : fmt::format("{} is not there", path);
    const bool some = take_curves_of_report(result);
    set_.left_out.push_back(
        some ? fmt::format("{}: curves by the {} points in the report, without their spread, since {}",
                           file.path, result.grid.size(), why)
             : fmt::format("{}: without curves, since {}", file.path, why));
  }

  void add_bench(const ReportFile& file) {
    const BenchFile bench{.file = file, .result = read_bench(file)};
    const std::string prefix = own_prefix(file.name());
    add(bench_figures(bench, prefix));
    std::string tables;
    for (const Table& table : saved_tables(bench.result)) tables += markdown_table(table) + "\n";
    if (!tables.empty()) set_.texts.emplace_back(prefix + "-saved.md", tables);
  }

  FigureSet set_;
  std::set<std::string> prefixes_;
  std::vector<SpectrumFile> spectra_;
};

}  // namespace

FigureSet figures_of(const std::vector<ReportFile>& files) { return Collector().take(files); }

}  // namespace linformer
