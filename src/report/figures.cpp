// SPDX-License-Identifier: MIT
#include "report/figures.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <set>

#include "io/file_bytes.h"
#include "report/bench_read.h"
#include "report/figure_bench.h"
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
    const std::string curves = curves_path(file);
    if (!curves.empty() && std::filesystem::exists(curves)) {
      read_curves_csv(read_text(curves), curves, spectrum.result);
    } else {
      set_.left_out.push_back(fmt::format(
          "{}: without curves, {}", file.path,
          curves.empty() ? "since the run wrote none" : fmt::format("since {} is not there", curves)));
    }
    add(spectrum_figures(spectrum, own_prefix(file.name())));
    spectra_.push_back(std::move(spectrum));
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
