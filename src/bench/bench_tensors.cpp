// SPDX-License-Identifier: MIT
#include "bench/bench_tensors.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <vector>

#include "base/index.h"
#include "base/threads.h"

namespace linformer {
namespace {

constexpr int64_t kSpreadRows = 4;

float as_f32(float x) { return x; }
float as_f32(Bf16 x) { return f32_from(x); }

template <class T>
HeadsView<T> dense_heads(T* data, const AttentionShape& s, int64_t n) {
  const int64_t d = s.head_size;
  return {data, s.batch, s.heads, n, d, s.heads * n * d, n * d, d};
}

// Of the scores of one query, over all keys.
template <class T>
double variance_of_row(const AttentionShape& s, const T* q, MatrixView<const T> k) {
  double sum = 0, squares = 0;
  for (int64_t j = 0; j < s.keys; ++j) {
    double score = 0;
    for (int64_t c = 0; c < s.head_size; ++c)
      score += static_cast<double>(as_f32(q[c])) * static_cast<double>(as_f32(k.row(j)[c]));
    sum += score, squares += score * score;
  }
  const auto n = static_cast<double>(s.keys), scale = static_cast<double>(s.scale);
  return scale * scale * std::max(0.0, squares / n - sum / n * (sum / n));
}

template <class T>
double mean_variance(const AttentionShape& s, const AttentionInputOf<T>& in, int threads) {
  std::vector<double> of_head(index(s.heads));
  const int64_t rows = std::min(kSpreadRows, s.queries);
  parallel_for(threads, s.heads, [&](int64_t h, int) {
    const MatrixView<const T> q = in.q.matrix(0, h), k = in.k.matrix(0, h);
    for (int64_t i = 0; i < rows; ++i)
      of_head[index(h)] += variance_of_row(s, q.row(i * s.queries / rows), k);
  });
  return std::accumulate(of_head.begin(), of_head.end(), 0.0) / static_cast<double>(s.heads * rows);
}

}  // namespace

int64_t query_elements(const AttentionShape& s) { return s.batch * s.heads * s.queries * s.head_size; }

int64_t key_elements(const AttentionShape& s) { return s.batch * s.heads * s.keys * s.head_size; }

template <class T>
BenchTensors::Set<T>::Set(const AttentionShape& largest, MemoryAccount& memory)
    : q(memory, query_elements(largest), "queries"),
      k(memory, key_elements(largest), "keys"),
      v(memory, key_elements(largest), "values"),
      o(memory, query_elements(largest), "attention output") {}

BenchTensors::BenchTensors(const AttentionShape& largest, Types types, Run& run) {
  if (types.f32) f32_.emplace(largest, run.memory);
  if (types.bf16) bf16_.emplace(largest, run.memory);
}

void BenchTensors::put(Part part, int64_t first, std::span<const float> values) {
  const auto place = [&](const auto& set) {
    return (part == Part::kQuery ? set.q : part == Part::kKey ? set.k : set.v).data() + first;
  };
  if (f32_) std::ranges::copy(values, place(*f32_));
  if (bf16_) std::ranges::transform(values, place(*bf16_), bf16_from);
}

template <class T>
const BenchTensors::Set<T>& BenchTensors::set() const {
  if constexpr (std::is_same_v<T, float>) {
    return *f32_;
  } else {
    return *bf16_;
  }
}

template <class T>
AttentionInputOf<T> BenchTensors::input(const AttentionShape& s) const {
  return {.q = dense_heads<const T>(set<T>().q.data(), s, s.queries),
          .k = dense_heads<const T>(set<T>().k.data(), s, s.keys),
          .v = dense_heads<const T>(set<T>().v.data(), s, s.keys)};
}

template <class T>
HeadsView<T> BenchTensors::output(const AttentionShape& s) const {
  return dense_heads(set<T>().o.data(), s, s.queries);
}

template AttentionInputOf<float> BenchTensors::input(const AttentionShape&) const;
template AttentionInputOf<Bf16> BenchTensors::input(const AttentionShape&) const;
template HeadsView<float> BenchTensors::output(const AttentionShape&) const;
template HeadsView<Bf16> BenchTensors::output(const AttentionShape&) const;

double BenchTensors::score_deviation(const AttentionShape& s, int threads) const {
  return std::sqrt(f32_ ? mean_variance(s, input<float>(s), threads)
                        : mean_variance(s, input<Bf16>(s), threads));
}

}  // namespace linformer
