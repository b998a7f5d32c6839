// SPDX-License-Identifier: MIT
// A report of this program, read back.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/field.h"

namespace linformer {

enum class ReportKind { kSpectrum, kBench, kBatchFit, kAccuracy, kAdvice, kReproduction };

struct ReportFile {
  std::string path;
  ReportKind kind = ReportKind::kSpectrum;
  std::string text;        ///< the file as it is
  nlohmann::json json;     ///< the same, parsed
  std::string title = {};  ///< what a page calls it; empty: name()

  Field root() const { return {json, path}; }
  /// The path's last part without ".json".
  std::string name() const;
};

/// Reads the file and learns its kind from `schema`; the members are checked where they are read
/// (spectrum_read.h, bench_read.h, batch_fit_read.h, accuracy_read.h, advise_read.h, reproduction.h). Throws
/// Error(kInput) if it is missing, no JSON or without a schema, Error(kUnsupported) for a schema that this
/// program does not know.
ReportFile open_report(const std::string& path);
/// The same of a text that is at hand; `path` is its name.
ReportFile parse_report(std::string text, const std::string& path);

}  // namespace linformer
