// SPDX-License-Identifier: MIT
// What the paper says beside what was found here, as plain values, and the report linformer/reproduce/1; its
// schema is schemas/reproduce-1.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/order_statistics.h"
#include "report/envelope.h"
#include "report/report_file.h"
#include "report/table.h"

namespace linformer {

inline constexpr const char* kReproduceSchema = "linformer/reproduce/1";

/// One number of the paper beside ours.
struct ReproducedRow {
  std::string what = {};
  std::optional<double> published = {};
  std::string published_words = {};  ///< what it says where it gives no number
  std::optional<double> here = {};
  std::optional<Interval> interval = {};     ///< of `here`
  std::string missing = {};                  ///< why there is no number here
  std::optional<double> by_operations = {};  ///< what it would be if time went by operations alone
  std::string why = {};                      ///< why the two differ, or what bounds the comparison

  /// here / published, where both are and the latter is not 0.
  std::optional<double> ratio() const;
};

struct Reproduction {
  std::string target = {};  ///< "figure1", ...
  std::string title = {};
  std::string claim = {};  ///< the paper's, in a sentence or two
  std::vector<ReproducedRow> rows = {};
  std::vector<std::string> findings = {};  ///< what was found here of the claim, in sentences
  std::vector<std::string> trust = {};     ///< how far to trust it
  std::vector<std::string> reports = {};   ///< files beside it that the numbers are from
};

/// The whole report. context.schema is set to kReproduceSchema.
nlohmann::ordered_json reproduce_report(const ReportContext& context, const Reproduction& reproduction);

/// The reverse. Throws Error(kInput) naming file and member for what is missing or of another type.
Reproduction read_reproduction(const ReportFile& file);

/// "what | published | here | ratio | why they differ", with "by operations" where any row has it.
Table reproduction_table(const Reproduction& reproduction);

/// The same in full, for CSV.
Table reproduction_long_table(const Reproduction& reproduction);

/// Title, claim, findings, table and trust; for the terminal or as Markdown.
std::string reproduction_text(const Reproduction& reproduction, bool markdown);

}  // namespace linformer
