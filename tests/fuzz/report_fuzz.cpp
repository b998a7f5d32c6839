// SPDX-License-Identifier: MIT
// A report, and after the first byte 0 its curves: read, drawn and compared with itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "report/bench_read.h"
#include "report/compare.h"
#include "report/figure_bench.h"
#include "report/figure_spectrum.h"
#include "report/reproduction.h"
#include "report/spectrum_read.h"

namespace linformer {
namespace {

void use(const ReportFile& file, std::string_view curves) {
  switch (file.kind) {
    case ReportKind::kSpectrum: {
      SpectrumFile spectrum{.file = file, .result = read_spectrum(file)};
      if (!curves.empty()) read_curves_csv(curves, "curves", spectrum.result);
      spectrum_figures(spectrum, "fuzz");
      comparison_table(compare_reports({file}, {file}, 0.05));
      return;
    }
    case ReportKind::kBench: {
      const BenchFile bench{.file = file, .result = read_bench(file)};
      bench_figures(bench, "fuzz");
      saved_tables(bench.result);
      comparison_table(compare_reports({file}, {file}, 0.05));
      return;
    }
    case ReportKind::kReproduction:
      reproduction_text(read_reproduction(file), true);
      return;
  }
}

}  // namespace
}  // namespace linformer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace linformer;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view report = all.substr(0, all.find('\0'));
  try {
    use(parse_report(std::string(report), "fuzz"), all.substr(std::min(report.size() + 1, all.size())));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
