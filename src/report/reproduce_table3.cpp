// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/memory.h"
#include "report/against_paper.h"
#include "report/bench_view.h"
#include "report/paper.h"

namespace linformer {
namespace {

// From this length on the paper's standard Transformer cannot have run as stated.
constexpr int64_t kImpossibleLength = 32768;
constexpr const char* kNotAsked = "not asked for";
constexpr const char* kImpossible =
    "the paper's row cannot have been run as stated: P of 12 heads at n = 32768 is 26 GB in half precision, "
    "the card "
    "had 16";

class Table3 {
 public:
  Table3(const BenchResult& result, const std::vector<CellNeed>& needs) : result_(result), needs_(needs) {}

  ReproducedRow time(const PublishedSaving& cell, const std::string& reference) const {
    ReproducedRow row{.what = named("time saved", cell, reference)};
    if (reference == "standard") row.published = cell.time;
    row.published_words = "compared with standard attention only";
    const CellResult* const found = measured(cell);
    const Ratio* const ratio = found == nullptr ? nullptr : ratio_to(*found, reference);
    if (ratio != nullptr) {
      row.here = ratio->ratio;
      row.interval = ratio->interval;
    } else {
      row.missing =
          linformer(cell) == nullptr ? kNotAsked : "too long, or too large, for this machine and budget";
    }
    row.by_operations = by_operations(cell, reference);
    if (cell.length >= kImpossibleLength && reference == "standard") row.why = kImpossible;
    return row;
  }

  ReproducedRow memory(const PublishedSaving& cell, const std::string& reference) const {
    ReproducedRow row{.what = named("memory saved", cell, reference)};
    if (reference == "standard") row.published = cell.memory;
    row.published_words = "compared with standard attention only";
    const CellNeed* const own = linformer(cell);
    const CellNeed* const other = need(reference, cell.length);
    if (own == nullptr || other == nullptr) {
      row.missing = kNotAsked;
    } else if (own->largest_batch == 0 || other->largest_batch == 0) {
      row.missing = fmt::format("no batch fits: {}", own->largest_batch == 0 ? "linformer" : reference);
    } else {
      row.here = static_cast<double>(own->largest_batch) / static_cast<double>(other->largest_batch);
    }
    if (cell.length >= kImpossibleLength) row.why = kImpossible;
    return row;
  }

 private:
  static std::string named(const char* what, const PublishedSaving& cell, const std::string& reference) {
    return fmt::format("{}, n = {}, k = {}, against {}", what, cell.length, cell.k, reference);
  }

  static bool is_of(const BenchCell& cell, const PublishedSaving& published) {
    const std::string k = fmt::format("linformer:k={}", published.k);
    return cell.length == published.length && cell.mechanism.starts_with(k) &&
           (cell.mechanism.size() == k.size() || cell.mechanism[k.size()] == ',');
  }

  const CellResult* measured(const PublishedSaving& published) const {
    const auto found = std::ranges::find_if(
        result_.cells, [&](const CellResult& r) { return r.measured() && is_of(r.cell, published); });
    return found == result_.cells.end() ? nullptr : &*found;
  }

  const CellNeed* linformer(const PublishedSaving& published) const {
    const auto found =
        std::ranges::find_if(needs_, [&](const CellNeed& need) { return is_of(need.cell, published); });
    return found == needs_.end() ? nullptr : &*found;
  }

  const CellNeed* need(const std::string& mechanism, int64_t length) const {
    const auto found = std::ranges::find_if(needs_, [&](const CellNeed& need) {
      return need.cell.mechanism == mechanism && need.cell.length == length;
    });
    return found == needs_.end() ? nullptr : &*found;
  }

  // What time would be saved if it went by operations alone.
  std::optional<double> by_operations(const PublishedSaving& cell, const std::string& reference) const {
    const CellNeed *const own = linformer(cell), *const other = need(reference, cell.length);
    if (own == nullptr || other == nullptr || own->flops <= 0) return std::nullopt;
    return other->flops / own->flops;
  }

  const BenchResult& result_;
  const std::vector<CellNeed>& needs_;
};

// How far the ratios here are from the published ones, as a factor: the median over rows that have both.
std::string summary_of(const std::vector<ReproducedRow>& rows, const char* what) {
  std::vector<double> factors;
  for (const ReproducedRow& row : rows)
    if (row.what.starts_with(what) && row.ratio()) factors.push_back(*row.ratio());
  if (factors.empty()) return fmt::format("{}: no cell could be measured.", what);
  std::sort(factors.begin(), factors.end());
  return fmt::format(
      "{}: in {} cells that both have, ours is {:.2g} of the published factor in the median "
      "({:.2g} to {:.2g}).",
      what, factors.size(), quantile(factors, 0.5), factors.front(), factors.back());
}

// What the exact attention that people run today leaves of it.
std::string against_fused(const std::vector<ReproducedRow>& rows) {
  double largest = 0;
  std::string where;
  for (const ReproducedRow& row : rows) {
    if (!row.what.starts_with("time saved") || !row.what.ends_with("flash") || !row.here ||
        *row.here < largest)
      continue;
    largest = *row.here;
    where = row.what;
  }
  return where.empty()
             ? "Against fused exact attention nothing could be measured."
             : fmt::format("Against fused exact attention the most is {:.2g} ({}).", largest, where);
}

}  // namespace

Reproduction table3_reproduction(const BenchResult& result, const std::vector<CellNeed>& needs,
                                 int64_t memory_bytes) {
  Reproduction reproduction{.target = "table3",
                            .title = "Table 3: time and memory saved",
                            .claim =
                                "A Linformer with layerwise sharing is up to 20 times as fast as the "
                                "Transformer and takes batches up to "
                                "60 times as large, the more the longer n and the smaller k."};
  const Table3 table(result, needs);
  for (const char* reference : {"standard", "flash"})
    for (const PublishedSaving& cell : published_table3())
      reproduction.rows.push_back(table.time(cell, reference));
  for (const char* reference : {"standard", "flash"})
    for (const PublishedSaving& cell : published_table3())
      reproduction.rows.push_back(table.memory(cell, reference));
  reproduction.findings = {summary_of(reproduction.rows, "time saved"), against_fused(reproduction.rows),
                           summary_of(reproduction.rows, "memory saved")};
  reproduction.trust = {
      fmt::format("{} in f32 on this CPU, one sequence at a time; the paper ran a Tesla V100 and does not "
                  "say the model's "
                  "size, its precision or which batch its times are of.",
                  result.subject),
      fmt::format("Memory saved is the ratio of the largest batches within {}, weights and buffers counted "
                  "to the byte; "
                  "it is computed, not run.",
                  format_bytes(memory_bytes)),
      "Cells that would take too long are timed on fewer layers and multiplied, never on fewer heads."};
  return reproduction;
}

}  // namespace linformer
