// SPDX-License-Identifier: MIT
#include "report/bench_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "report/bench_view.h"
#include "report/numbers.h"

namespace linformer {
namespace {

// Three digits with the unit that fits.
std::string duration(double ns) {
  constexpr std::pair<double, const char*> kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
  for (const auto& [size, unit] : kUnits) {
    if (ns < size) continue;
    const double value = ns / size;
    return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, unit);
  }
  return fmt::format("{:.0f} ns", ns);
}

std::string half_width(const std::optional<Interval>& interval, double middle) {
  return interval ? fmt::format("{:.1f} %", 50 * (interval->high - interval->low) / middle) : "?";
}

// More than the peak cannot be, but for bf16 in reports that know the peak of f32 alone.
std::string share_of_peak(const CellResult& r) {
  const bool possible = r.peak_share <= 1 || r.products() != r.peak_products;
  return possible ? fmt::format("{:.0f} %", 100 * r.peak_share) : "?";
}

std::vector<std::string> references_of(const BenchResult& result) {
  std::vector<const CellResult*> cells;
  for (const CellResult& cell : result.cells) cells.push_back(&cell);
  return references_of(cells);
}

std::string ratio_cell(const CellResult& cell, const std::string& reference) {
  if (cell.cell.mechanism == reference) return "1";
  const Ratio* const ratio = ratio_to(cell, reference);
  return ratio == nullptr ? "" : fmt::format("{:.2f}x", ratio->ratio);
}

std::string flops_cell(const CellResult& cell, const std::string& reference) {
  const Ratio* const ratio = ratio_to(cell, reference);
  return ratio == nullptr ? "" : fmt::format("{:.2f}x", ratio->flops_ratio);
}

template <class F>
bool differs(const BenchResult& result, F f) {
  return std::any_of(result.cells.begin(), result.cells.end(),
                     [&](const CellResult& cell) { return f(cell) != f(result.cells.front()); });
}

// Heads and sequences, where the cells are not all of one kind.
std::string shape_text(const BenchCell& cell) {
  return fmt::format("{} x {} x {}", cell.batch, cell.heads, cell.head_size);
}

std::string remark(const CellResult& r) {
  if (!r.measured()) return std::string(name_of(r.state));
  const char* const scaled = r.scaled() ? "scaled" : "";
  if (!r.needs_training) return scaled;
  return r.scaled() ? "untrained, scaled" : "untrained";
}

}  // namespace

Table bench_table(const BenchResult& result) {
  const bool shapes = differs(result, [](const CellResult& cell) { return shape_text(cell.cell); });
  const bool threads = differs(result, [](const CellResult& cell) { return cell.cell.threads; });
  const bool dtypes = differs(result, [](const CellResult& cell) { return cell.cell.dtype; });
  const bool queries =
      std::ranges::any_of(result.cells, [](const CellResult& cell) { return cell.cell.queries > 0; });
  const std::vector<std::string> references = references_of(result);
  Table table{.title = "", .columns = {{"n"}, {"mechanism", Align::kLeft}}, .rows = {}};
  if (dtypes) table.columns.push_back({"dtype", Align::kLeft});
  if (queries) table.columns.push_back({"queries"});
  if (shapes) table.columns.push_back({"b x h x d"});
  if (threads) table.columns.push_back({"threads"});
  for (const char* name : {"time", "+-", "GFLOP/s", "of peak"}) table.columns.push_back({name});
  for (const std::string& reference : references) {
    table.columns.push_back({"vs " + reference});
    table.columns.push_back({"by FLOPs"});
  }
  for (const char* name : {"vs f64", "workspace"}) table.columns.push_back({name});
  table.columns.push_back({"", Align::kLeft});
  for (const CellResult& r : result.cells) {
    std::vector<std::string> row = {std::to_string(r.cell.length), r.cell.mechanism};
    if (dtypes) row.emplace_back(name_of_dtype(r.cell.dtype));
    if (queries) row.push_back(std::to_string(r.cell.queries > 0 ? r.cell.queries : r.cell.length));
    if (shapes) row.push_back(shape_text(r.cell));
    if (threads) row.push_back(std::to_string(r.cell.threads));
    if (r.measured()) {
      row.insert(row.end(), {duration(r.median_ns), half_width(r.interval_ns, r.median_ns),
                             fixed(r.gflops, 0), share_of_peak(r)});
    } else {
      row.insert(row.end(), 4, "");
    }
    for (const std::string& reference : references) {
      row.push_back(r.measured() ? ratio_cell(r, reference) : "");
      row.push_back(flops_cell(r, reference));
    }
    row.push_back(r.error.rows == 0 ? "" : fmt::format("{:.0e}", r.error.error));
    row.push_back(format_bytes(r.workspace_bytes));
    row.push_back(remark(r));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table bench_long_table(const BenchResult& result) {
  const std::vector<std::string> references = references_of(result);
  Table table;
  for (const char* name :
       {"mechanism",       "length",      "batch",           "heads",         "head_size",
        "causal",          "state",       "timed_matrices",  "median_ns",     "low_ns",
        "high_ns",         "p95_ns",      "min_ns",          "first_call_ns", "samples",
        "gflops",          "peak_share",  "error",           "tensor_bytes",  "workspace_bytes",
        "parameter_bytes", "level",       "layers",          "threads",       "timed_layers",
        "dtype",           "native_bf16", "score_deviation", "peak_products", "queries"}) {
    table.columns.push_back({name});
  }
  for (const std::string& reference : references) {
    for (const char* what : {"ratio", "ratio_low", "ratio_high", "flops_ratio"})
      table.columns.push_back({fmt::format("{}_to_{}", what, reference)});
  }
  for (const CellResult& r : result.cells) {
    const auto timed = [&](double value) { return r.measured() ? shortest(value) : ""; };
    const Interval interval = r.interval_ns.value_or(Interval{});
    std::vector<std::string> row = {r.cell.mechanism,
                                    std::to_string(r.cell.length),
                                    std::to_string(r.cell.batch),
                                    std::to_string(r.cell.heads),
                                    std::to_string(r.cell.head_size),
                                    r.cell.causal ? "1" : "0",
                                    std::string(name_of(r.state)),
                                    std::to_string(r.timed_batch * r.timed_heads),
                                    timed(r.median_ns),
                                    timed(interval.low),
                                    timed(interval.high),
                                    timed(r.p95_ns),
                                    timed(r.min_ns),
                                    timed(r.first_call_ns),
                                    std::to_string(r.samples_ns.size()),
                                    timed(r.gflops),
                                    timed(r.peak_share),
                                    r.error.rows == 0 ? "" : shortest(r.error.error),
                                    std::to_string(r.tensor_bytes),
                                    std::to_string(r.workspace_bytes),
                                    std::to_string(r.parameter_bytes),
                                    std::string(name_of(result.level)),
                                    std::to_string(r.cell.layers),
                                    std::to_string(r.cell.threads),
                                    std::to_string(r.timed_layers),
                                    std::string(name_of_dtype(r.cell.dtype)),
                                    r.native_bf16 ? "1" : "0",
                                    r.score_deviation ? shortest(*r.score_deviation) : "",
                                    std::string(name_of_dtype(r.peak_products)),
                                    std::to_string(r.cell.queries > 0 ? r.cell.queries : r.cell.length)};
    for (const std::string& reference : references) {
      const Ratio* const ratio = ratio_to(r, reference);
      const Interval range = ratio && ratio->interval ? *ratio->interval : Interval{};
      const bool known = ratio != nullptr && ratio->interval.has_value();
      row.push_back(ratio == nullptr ? "" : shortest(ratio->ratio));
      row.push_back(known ? shortest(range.low) : "");
      row.push_back(known ? shortest(range.high) : "");
      row.push_back(ratio == nullptr ? "" : shortest(ratio->flops_ratio));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table narrowing_table(const BenchResult& result) {
  Table table{.title = "",
              .columns = {{"n"},
                          {"mechanism", Align::kLeft},
                          {"b x h x d"},
                          {"threads"},
                          {"dtype", Align::kLeft},
                          {"speed-up"},
                          {"+-"},
                          {"products", Align::kLeft}},
              .rows = {}};
  for (const Narrowing& s : result.narrowing) {
    table.rows.push_back({std::to_string(s.cell.length), s.cell.mechanism, shape_text(s.cell),
                          std::to_string(s.cell.threads), "f32 to bf16", fmt::format("{:.2f}x", s.speed_up),
                          half_width(s.interval, s.speed_up), s.native_bf16 ? "bf16" : "f32, widened"});
  }
  return table;
}

Table scaling_table(const BenchResult& result) {
  Table table{
      .title = "",
      .columns = {{"n"}, {"mechanism", Align::kLeft}, {"b x h x d"}, {"threads"}, {"speed-up"}, {"+-"}},
      .rows = {}};
  for (const Scaling& s : result.scaling) {
    table.rows.push_back({std::to_string(s.cell.length), s.cell.mechanism, shape_text(s.cell),
                          fmt::format("{} to {}", s.cell.threads, s.threads),
                          fmt::format("{:.2f}x", s.speed_up), half_width(s.interval, s.speed_up)});
  }
  return table;
}

}  // namespace linformer
