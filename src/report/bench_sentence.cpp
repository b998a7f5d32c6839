// SPDX-License-Identifier: MIT
#include "report/bench_sentence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

#include "report/bench_view.h"

namespace linformer {
namespace {

// Of several shapes, types or numbers of threads at a time nothing is said.
bool of_one_kind(const BenchResult& result) {
  if (result.cells.empty()) return false;
  const bool fixed_batch = result.cells.front().cell.tokens == 0;
  const auto kind = [&](const CellResult& r) {
    const BenchCell& c = r.cell;
    return std::tuple(c.heads, c.head_size, c.threads, c.dtype, c.queries, fixed_batch ? c.batch : 0);
  };
  return std::ranges::all_of(result.cells,
                             [&](const CellResult& r) { return kind(r) == kind(result.cells.front()); });
}

std::string_view subject_of(const BenchResult& result) {
  return result.level == Level::kAttention ? "attention alone" : std::string_view(result.subject);
}

// Which side is surely the faster, by a hundredth at least: 1 ours, −1 the reference's, 0 neither.
int faster_side(const Ratio& ratio) {
  constexpr double kLeast = 1.01;
  if (!ratio.interval) return 0;
  return ratio.interval->low > kLeast ? 1 : ratio.interval->high < 1 / kLeast ? -1 : 0;
}

std::string compared(const Ratio& ratio) {
  if (faster_side(ratio) == 0) return "";
  const bool faster = ratio.ratio > 1;
  const double factor = faster ? ratio.ratio : 1 / ratio.ratio;
  const double low = faster ? ratio.interval->low : 1 / ratio.interval->high;
  const double high = faster ? ratio.interval->high : 1 / ratio.interval->low;
  return fmt::format("{:.2f}x ({:.2f} to {:.2f}) {} than {}", factor, low, high, faster ? "faster" : "slower",
                     ratio.reference);
}

}  // namespace

std::string bench_sentence(const BenchResult& result) {
  if (!of_one_kind(result)) return "";
  // The longest length at which most was measured is what linear attention is about.
  const CellResult* longest = nullptr;
  for (const CellResult& cell : result.cells) {
    if (cell.measured() && !cell.ratios.empty() && (!longest || cell.cell.length >= longest->cell.length))
      longest = &cell;
  }
  if (longest == nullptr) return "";
  std::vector<std::string> parts;
  for (const CellResult& cell : result.cells) {
    if (!cell.measured() || cell.cell.length != longest->cell.length) continue;
    for (const Ratio& ratio : cell.ratios) {
      const std::string text = compared(ratio);
      if (text.empty() || ratio.ratio < 1) continue;
      parts.push_back(fmt::format("{} is {}", cell.cell.mechanism, text));
    }
  }
  std::string sentence =
      fmt::format("Of {}, at n = {}: {}.", subject_of(result), longest->cell.length,
                  parts.empty() ? "nothing is surely faster" : fmt::format("{}", fmt::join(parts, "; ")));
  for (const Crossover& crossover : result.crossovers) {
    const auto faster_at_last = [&](const CellResult& cell) {
      const Ratio* const ratio = ratio_to(cell, crossover.reference);
      return cell.cell.mechanism == crossover.cell.mechanism && cell.cell.length == longest->cell.length &&
             ratio != nullptr && faster_side(*ratio) > 0;
    };
    if (!crossover.length || !std::ranges::any_of(result.cells, faster_at_last)) continue;
    sentence += fmt::format(" {} is faster than {} from about n = {:.0f} on.", crossover.cell.mechanism,
                            crossover.reference, *crossover.length);
  }
  return sentence;
}

}  // namespace linformer
