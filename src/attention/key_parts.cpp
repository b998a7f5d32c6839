// SPDX-License-Identifier: MIT
#include "attention/key_parts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/half.h"
#include "base/index.h"
#include "base/stride.h"

namespace linformer {
namespace {

constexpr int64_t kPieces = 32;      // of a head: more threads than most machines have for one
constexpr int64_t kLeastKeys = 512;  // beside which what is done once a part is little
constexpr int64_t kWhole = 256;      // keys that kernels take at a time

// The most parts that so many queries and keys may have: with as many queries as keys always one.
int64_t most_parts(const AttentionShape& s, int64_t block) {
  const int64_t blocks = std::max<int64_t>(1, (s.queries + block - 1) / block);
  return std::clamp<int64_t>(kPieces / blocks, 1, std::max<int64_t>(1, s.keys / kLeastKeys));
}

// What a query of a part leaves: o, its sum and its shift.
int64_t row_floats(int64_t value_size) { return value_size + 2; }

int64_t part_floats(int64_t queries, int64_t value_size) {
  return whole_lines(queries * row_floats(value_size));
}

float rounded(double x, float) { return static_cast<float>(x); }
Bf16 rounded(double x, Bf16) { return bf16_from(static_cast<float>(x)); }

}  // namespace

KeyParts::KeyParts(const AttentionShape& s, int64_t block)
    : heads_(s.heads), queries_(s.queries), keys_(s.keys), value_size_(s.value_size) {
  const int64_t most = most_parts(s, block), even = (s.keys + most - 1) / most;
  size_ = std::max(kWhole, (even + kWhole - 1) / kWhole * kWhole);
  count_ = most == 1 ? 1 : (s.keys + size_ - 1) / size_;
}

int64_t KeyParts::floats(const AttentionShape& s, int64_t block) {
  const int64_t parts = most_parts(s, block);
  return parts == 1 ? 0 : s.batch * s.heads * parts * part_floats(s.queries, s.value_size);
}

AttentionPart KeyParts::place(float* room, int64_t b, int64_t h, int64_t part) const {
  float* const o = room + ((b * heads_ + h) * count_ + part) * part_floats(queries_, value_size_);
  float* const sums = o + queries_ * value_size_;
  return {.o = o, .sums = sums, .shifts = sums + queries_};
}

template <class T>
void KeyParts::join(float* room, int64_t b, int64_t h, MatrixView<T> out) const {
  std::vector<double> row(index(value_size_));
  for (int64_t i = 0; i < queries_; ++i) {
    double least = std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t part = 0; part < count_; ++part) {
      const AttentionPart p = place(room, b, h, part);
      if (p.sums[i] != 0) least = std::min(least, static_cast<double>(p.shifts[i]));
    }
    std::ranges::fill(row, 0.0);
    for (int64_t part = 0; part < count_; ++part) {
      const AttentionPart p = place(room, b, h, part);
      if (p.sums[i] == 0) continue;
      const double factor = std::exp2(least - static_cast<double>(p.shifts[i]));
      sum += factor * static_cast<double>(p.sums[i]);
      const float* const o = p.o + i * value_size_;
      for (size_t c = 0; c < row.size(); ++c) row[c] += factor * static_cast<double>(o[c]);
    }
    std::ranges::transform(row, out.row(i), [=](double x) { return rounded(sum == 0 ? 0 : x / sum, T()); });
  }
}

template void KeyParts::join(float*, int64_t, int64_t, MatrixView<float>) const;
template void KeyParts::join(float*, int64_t, int64_t, MatrixView<Bf16>) const;

}  // namespace linformer
