// SPDX-License-Identifier: MIT
#include "report/bench_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "attention/mechanism.h"
#include "report/numbers.h"

namespace linformer {
namespace {

// What the cells of a group have in common; with tokens the batch follows from the length.
auto kind_of(const BenchCell& cell) {
  return std::tuple(cell.tokens > 0 ? 0 : cell.batch, cell.tokens, cell.heads, cell.head_size, cell.causal,
                    cell.layers, cell.threads, cell.queries, cell.dtype);
}

struct Specification {
  std::string name;
  std::vector<std::string> options;
};

Specification split(const std::string& mechanism) {
  const size_t colon = std::min(mechanism.find(':'), mechanism.size());
  Specification parts{.name = mechanism.substr(0, colon), .options = {}};
  for (size_t begin = colon + 1; begin <= mechanism.size();) {
    const size_t end = std::min(mechanism.find(',', begin), mechanism.size());
    parts.options.push_back(mechanism.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

template <class T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

}  // namespace

std::vector<int64_t> CellGroup::lengths() const {
  std::set<int64_t> all;
  for (const CellResult* cell : cells) all.insert(cell->cell.length);
  return {all.begin(), all.end()};
}

std::vector<std::string> CellGroup::mechanisms() const {
  std::vector<std::string> names;
  for (const CellResult* cell : cells) add_once(names, cell->cell.mechanism);
  return names;
}

const CellResult* CellGroup::find(const std::string& mechanism, int64_t length) const {
  const auto found = std::ranges::find_if(cells, [&](const CellResult* cell) {
    return cell->cell.mechanism == mechanism && cell->cell.length == length;
  });
  return found == cells.end() ? nullptr : *found;
}

std::string CellGroup::sizes() const {
  const std::string batch =
      first.tokens > 0 ? fmt::format("{} tokens", first.tokens) : fmt::format("b = {}", first.batch);
  const std::string queries = first.queries > 0 ? fmt::format("{} of n queries, ", first.queries) : "";
  const std::string dtype = first.dtype == DType::kF32 ? "" : fmt::format(", {}", name_of_dtype(first.dtype));
  return fmt::format("{}{}, h = {}, d = {}{}, {}{}", queries, batch, first.heads, first.head_size,
                     first.layers > 0 ? fmt::format(", L = {}", first.layers) : "",
                     counted(first.threads, "thread"), dtype);
}

std::string CellGroup::file_part() const {
  return fmt::format(
      "{}-h{}-d{}-t{}{}{}",
      first.tokens > 0 ? fmt::format("{}tokens", first.tokens) : fmt::format("b{}", first.batch), first.heads,
      first.head_size, first.threads, first.queries > 0 ? fmt::format("-q{}", first.queries) : "",
      first.dtype == DType::kF32 ? "" : "-bf16");
}

std::vector<CellGroup> groups_of(const BenchResult& result) {
  std::vector<CellGroup> groups;
  for (const CellResult& cell : result.cells) {
    const auto group = std::ranges::find_if(
        groups, [&](const CellGroup& other) { return kind_of(other.first) == kind_of(cell.cell); });
    if (group == groups.end()) {
      groups.push_back({.first = cell.cell, .cells = {&cell}});
    } else {
      group->cells.push_back(&cell);
    }
  }
  return groups;
}

const Ratio* ratio_to(const CellResult& cell, const std::string& reference) {
  const auto found = std::ranges::find(cell.ratios, reference, &Ratio::reference);
  return found == cell.ratios.end() ? nullptr : &*found;
}

std::vector<std::string> references_of(const std::vector<const CellResult*>& cells) {
  std::vector<std::string> names;
  for (const CellResult* cell : cells)
    for (const Ratio& ratio : cell->ratios) add_once(names, ratio.reference);
  return names;
}

std::vector<std::string> short_names(const std::vector<std::string>& mechanisms) {
  std::vector<std::string> names;
  for (const std::string& mechanism : mechanisms) {
    const Specification own = split(mechanism);
    const std::string rank = fmt::format("{}=", rank_option(own.name));
    std::vector<std::string> telling;
    for (const std::string& option : own.options) {
      const bool common = std::ranges::all_of(mechanisms, [&](const std::string& other) {
        const Specification parts = split(other);
        return parts.name != own.name || std::ranges::find(parts.options, option) != parts.options.end();
      });
      if (!common || option.starts_with(rank)) telling.push_back(option);
    }
    names.push_back(telling.empty() ? own.name : fmt::format("{} {}", own.name, fmt::join(telling, " ")));
  }
  return names;
}

}  // namespace linformer
