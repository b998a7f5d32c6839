// SPDX-License-Identifier: MIT
#include "report/report_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "io/printable.h"
#include "report/accuracy_json.h"
#include "report/advise_json.h"
#include "report/batch_fit_json.h"
#include "report/bench_json.h"
#include "report/reproduction.h"
#include "report/spectrum_json.h"

namespace linformer {
namespace {

struct KnownKind {
  std::string_view schema;
  ReportKind kind;
};

constexpr std::array kKinds = {KnownKind{kSpectrumSchema, ReportKind::kSpectrum},
                               KnownKind{kBenchSchema, ReportKind::kBench},
                               KnownKind{kBatchFitSchema, ReportKind::kBatchFit},
                               KnownKind{kAccuracySchema, ReportKind::kAccuracy},
                               KnownKind{kAdviseSchema, ReportKind::kAdvice},
                               KnownKind{kReproduceSchema, ReportKind::kReproduction}};

ReportKind kind_of(const ReportFile& file) {
  const std::string schema = file.root()["schema"].text();
  const auto known = std::ranges::find(kKinds, schema, &KnownKind::schema);
  if (known != kKinds.end()) return known->kind;
  std::array<std::string_view, kKinds.size()> names;
  std::ranges::transform(kKinds, names.begin(), &KnownKind::schema);
  throw Error(ErrorCode::kUnsupported, {.subject = file.path,
                                        .item = "schema",
                                        .found = printable(schema),
                                        .expected = fmt::format("one of {}", fmt::join(names, ", ")),
                                        .remedy = "A newer version of the program may know it"});
}

}  // namespace

std::string ReportFile::name() const {
  const std::filesystem::path file = std::filesystem::path(path).filename();
  return file.extension() == ".json" ? file.stem().string() : file.string();
}

ReportFile parse_report(std::string text, const std::string& path) {
  ReportFile file{.path = path, .text = std::move(text), .json = nullptr};
  file.json = parse_json(file.text, path);
  file.kind = kind_of(file);
  return file;
}

ReportFile open_report(const std::string& path) { return parse_report(read_text(path), path); }

}  // namespace linformer
