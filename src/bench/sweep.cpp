// SPDX-License-Identifier: MIT
#include "bench/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"

namespace linformer {
namespace {

auto shape_key(const BenchCell& c) {
  return std::tuple(c.length, c.batch, c.heads, c.head_size, c.causal, c.layers, c.threads, c.queries);
}

template <class T>
std::vector<T> unique(std::vector<T> values) {
  std::vector<T> kept;
  for (T& value : values) {
    if (std::find(kept.begin(), kept.end(), value) == kept.end()) kept.push_back(std::move(value));
  }
  return kept;
}

// Calls f with `place` set to each value in turn.
template <class T, class F>
void for_all(const std::vector<T>& values, T& place, F f) {
  for (const T& value : values) {
    place = value;
    f();
  }
}

std::vector<int64_t> batches_of(const SweepOptions& options, int64_t length) {
  if (options.tokens == 0) return unique(options.batches);
  return {std::max<int64_t>(1, options.tokens / length)};
}

// Sizes of parameters count as well: they hold the slots of a linformer.
int64_t longest_side(const BenchCell& c) {
  int64_t longest = std::max(c.length, c.head_size);
  AttentionShape s = shape_of(c);
  for (const ParameterSpec& spec : make_mechanism(c.mechanism)->parameters(s)) {
    for (const int64_t size : spec.shape) longest = std::max(longest, size);
  }
  return longest;
}

void require_countable(const BenchCell& c) {
  const double elements = static_cast<double>(c.length) * static_cast<double>(longest_side(c)) *
                          static_cast<double>(c.batch) * static_cast<double>(c.heads);
  if (elements < 0x1p58) return;
  throw Error(ErrorCode::kUsage, {.subject = "bench",
                                  .found = fmt::format("n = {}, b = {}, h = {}, d = {}", c.length, c.batch,
                                                       c.heads, c.head_size),
                                  .expected = "sizes whose product is below 2^58"});
}

// Whether "name:...,option=..." has it.
bool has_option(const std::string& specification, const std::string& option) {
  return specification.find(":" + option + "=") != std::string::npos ||
         specification.find("," + option + "=") != std::string::npos;
}

}  // namespace

std::vector<std::string> expand_mechanisms(std::string_view list, const std::vector<int64_t>& ks,
                                           const std::string& option) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& specification) {
    std::string name = make_mechanism(specification)->canonical();
    if (std::ranges::find(names, name) != names.end()) {
      throw Error(ErrorCode::kUsage, {.subject = option, .found = name + " twice", .expected = "each once"});
    }
    names.push_back(std::move(name));
  };
  while (true) {
    const size_t end = std::min(list.find(';'), list.size());
    const std::string one(list.substr(0, end));
    if (one.empty()) {
      throw Error(
          ErrorCode::kUsage,
          {.subject = option, .found = "an empty one", .expected = "names with options, separated by ';'"});
    }
    const size_t name = std::min(one.find(':'), one.size());
    const std::string rank(rank_option(one.substr(0, name)));
    const bool wants_k = !rank.empty() && !has_option(one, rank);
    if (!wants_k) add(one);
    for (const int64_t k : wants_k ? unique(ks) : std::vector<int64_t>{}) add(with_rank(one, k));
    if (end == list.size()) return names;
    list.remove_prefix(end + 1);
  }
}

std::vector<BenchCell> sweep(const SweepOptions& options) {
  std::vector<std::string> mechanisms;
  for (const std::string& specification : options.mechanisms)
    mechanisms.push_back(make_mechanism(specification)->canonical());
  mechanisms = unique(std::move(mechanisms));
  const std::vector<int64_t> heads = unique(options.heads), sizes = unique(options.head_sizes);
  const std::vector<int> threads = unique(options.threads);
  const std::vector<DType> dtypes = unique(options.dtypes);
  const std::vector<int64_t> queries = unique(options.queries);
  std::vector<BenchCell> cells;
  BenchCell cell;
  cell.causal = options.causal, cell.tokens = options.tokens, cell.layers = options.layers;
  for (const int64_t length : unique(options.lengths)) {
    for (const int64_t batch : batches_of(options, length)) {
      cell.length = length, cell.batch = batch;
      for_all(heads, cell.heads, [&] {
        for_all(sizes, cell.head_size, [&] {
          for_all(threads, cell.threads, [&] {
            for_all(queries, cell.queries, [&] {
              for_all(mechanisms, cell.mechanism,
                      [&] { for_all(dtypes, cell.dtype, [&] { cells.push_back(cell); }); });
            });
          });
        });
      });
    }
  }
  std::ranges::for_each(cells, require_countable);
  std::stable_sort(cells.begin(), cells.end(),
                   [](const BenchCell& a, const BenchCell& b) { return shape_key(a) < shape_key(b); });
  return cells;
}

AttentionShape shape_of(const BenchCell& c) {
  return {.batch = c.batch,
          .heads = c.heads,
          .queries = c.queries == 0 ? c.length : c.queries,
          .keys = c.length,
          .head_size = c.head_size,
          .value_size = c.head_size,
          .scale = 1 / std::sqrt(static_cast<float>(c.head_size)),
          .causal = c.causal,
          .past = c.queries == 0 ? 0 : c.length - c.queries};
}

std::optional<LinformerOptions> linformer_of(const BenchCell& cell) {
  constexpr std::string_view kPrefix = "linformer:";
  const std::string_view name = cell.mechanism;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return parse_linformer_options(name.substr(kPrefix.size()));
}

bool same_shape(const BenchCell& a, const BenchCell& b) { return shape_key(a) == shape_key(b); }

}  // namespace linformer
