// SPDX-License-Identifier: MIT
// Attention by f64 loops, and mechanisms beside it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "attention/mechanism.h"
#include "base/random.h"
#include "catch.h"

namespace linformer {

inline constexpr float kUntouched = 12345;  // in what must not be written

/// Matrices [batch, heads, rows, cols] with their storage.
struct Heads {
  std::vector<float> storage;
  HeadsView<float> view;

  // Rows of `stride` elements (0: cols), heads one after the other.
  Heads(int64_t batch, int64_t heads, int64_t rows, int64_t cols, int64_t stride = 0) {
    if (stride == 0) stride = cols;
    storage.assign(static_cast<size_t>(batch * heads * rows * stride), kUntouched);
    view = {storage.data(), batch, heads, rows, cols, heads * rows * stride, rows * stride, stride};
  }
  Heads(const Heads&) = delete;
  Heads& operator=(const Heads&) = delete;

  void fill(HeadsView<float> part, float deviation, uint64_t index) const {
    Random random({.seed = 2, .purpose = 99, .index = index});
    for (int64_t b = 0; b < part.batch; ++b) {
      for (int64_t h = 0; h < part.heads; ++h) {
        for (int64_t i = 0; i < part.rows; ++i) {
          float* const row = part.matrix(b, h).row(i);
          std::generate(row, row + part.cols, [&] { return deviation * random.normal(); });
        }
      }
    }
  }
  void fill(float deviation, uint64_t index) const { fill(view, deviation, index); }
};

struct Case {
  AttentionShape shape;
  int64_t kv_heads = 0;  // 0: as many as heads
  float deviation = 1;   // of the logits
  int threads = 2;
  bool biased = false, masked = false;
};

/// Largest errors against f64 loops, O's as a share of max |O|; P's rows over the mask must be exactly zero.
struct Errors {
  double output = 0, logits = 0, probabilities = 0, masked = 0;
};

inline double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// Row i of one head: logits and P in f64.
struct Row {
  std::vector<double> logits, p;
};

inline Row naive_row(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h, int64_t i) {
  const MatrixView<const float> q = in.q.matrix(b, h), k = in.k.matrix(b, h / (s.heads / in.k.heads));
  const MatrixView<const float>&bias = in.distance_bias, &mask = in.key_mask;
  Row row;
  double most = -std::numeric_limits<double>::infinity();
  std::vector<bool> allowed;
  for (int64_t j = 0; j < s.keys; ++j) {
    const double added = bias.data == nullptr ? 0 : static_cast<double>(bias.row(h)[j - i + s.queries - 1]);
    row.logits.push_back(static_cast<double>(s.scale) * dot(q.row(i), k.row(j), s.head_size) + added);
    allowed.push_back((!s.causal || j <= s.past + i) && (mask.data == nullptr || mask.row(b)[j] == 0));
    if (allowed.back()) most = std::max(most, row.logits.back());
  }
  double sum = 0;
  row.p.assign(row.logits.size(), 0);
  for (size_t j = 0; j < row.p.size(); ++j) {
    if (allowed[j]) sum += row.p[j] = std::exp(row.logits[j] - most);
  }
  for (double& p : row.p) p /= sum > 0 ? sum : 1;
  return row;
}

inline Errors compare(const AttentionShape& s, const AttentionInput& in, const HeadsView<const float>& out,
                      const AttentionTaps& taps) {
  Errors worst;
  double largest = 0;
  const auto note = [](double& error, double ours, double truth) {
    const double e = std::abs(ours - truth);
    if (!(e <= error)) error = e;  // NaN too
  };
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const int64_t kv = h / (s.heads / in.k.heads);
      for (int64_t i = 0; i < s.queries; ++i) {
        const Row row = naive_row(s, in, b, h, i);
        for (int64_t j = 0; j < s.keys; ++j) {
          const double p = row.p[static_cast<size_t>(j)];
          if (taps.logits.data != nullptr) {
            note(worst.logits, static_cast<double>(taps.logits.matrix(b, h).row(i)[j]),
                 row.logits[static_cast<size_t>(j)]);
          }
          if (taps.probabilities.data == nullptr) continue;
          const auto ours = static_cast<double>(taps.probabilities.matrix(b, h).row(i)[j]);
          note(worst.probabilities, ours, p);
          if (p == 0) note(worst.masked, ours, 0);
        }
        for (int64_t c = 0; out.data != nullptr && c < s.value_size; ++c) {
          double o = 0;
          for (int64_t j = 0; j < s.keys; ++j) {
            o += row.p[static_cast<size_t>(j)] * static_cast<double>(in.v.matrix(b, kv).row(j)[c]);
          }
          note(worst.output, static_cast<double>(out.matrix(b, h).row(i)[c]), o);
          largest = std::max(largest, std::abs(o));
        }
      }
    }
  }
  if (largest > 0) worst.output /= largest;
  return worst;
}

/// Bytes that are NaN in every type, so that what is read before it is written shows.
inline void spoil(std::span<std::byte> workspace) { std::ranges::fill(workspace, std::byte{0xff}); }

/// One call of a mechanism without parameters, in a workspace of its own.
inline void run_mechanism(const std::string& name, const AttentionShape& shape, const AttentionInput& in,
                          HeadsView<float> out, const AttentionTaps& taps, int threads) {
  MemoryAccount memory;  // outlives the mechanism, which may hold some of it
  Run run{.memory = memory, .threads = threads};
  const auto mechanism = make_mechanism(name);
  const RawBuffer workspace(memory, mechanism->workspace_bytes(shape, threads, taps.any()), "workspace");
  spoil(workspace.span());
  mechanism->prepare(shape, {});
  mechanism->run(shape, in, out, taps, workspace.span(), run);
}

/// Q with logits of the wanted deviation, K and V standard normal; all taps on if the mechanism has them.
inline Errors errors_of(const std::string& mechanism, Case c) {
  AttentionShape& s = c.shape;
  const int64_t kv = c.kv_heads == 0 ? s.heads : c.kv_heads;
  s.scale = 1 / std::sqrt(static_cast<float>(s.head_size));
  const Heads q(s.batch, s.heads, s.queries, s.head_size), k(s.batch, kv, s.keys, s.head_size),
      v(s.batch, kv, s.keys, s.value_size), out(s.batch, s.heads, s.queries, s.value_size),
      logits(s.batch, s.heads, s.queries, s.keys), p(s.batch, s.heads, s.queries, s.keys, s.keys + 3);
  q.fill(c.deviation, 1), k.fill(1, 2), v.fill(1, 3);
  AttentionInput in{q.view, k.view, v.view};
  const Heads bias(1, 1, s.heads, s.queries + s.keys - 1);
  bias.fill(2, 4);
  if (c.biased) in.distance_bias = bias.view.matrix(0, 0);
  std::vector<float> mask(static_cast<size_t>(s.batch * s.keys), 0.0f);
  for (size_t j = 1; j < mask.size(); j += 3) mask[j] = -std::numeric_limits<float>::infinity();
  if (c.masked) in.key_mask = {mask.data(), s.batch, s.keys, s.keys};
  AttentionTaps taps;
  if (make_mechanism(mechanism)->traits().probabilities) taps = {logits.view, p.view};
  run_mechanism(mechanism, s, in, out.view, taps, c.threads);
  CHECK(p.storage.back() == kUntouched);
  // The same without taps, from a private block of P.
  const Heads again(s.batch, s.heads, s.queries, s.value_size);
  run_mechanism(mechanism, s, in, again.view, {}, c.threads);
  Errors errors = compare(s, in, out.view, taps);
  errors.output = std::max(errors.output, compare(s, in, again.view, {}).output);
  return errors;
}

/// Within 2e-6 of max |O|, of the logits' deviation, and of 1.
inline void check(const std::string& mechanism, const Case& c) {
  const AttentionShape& s = c.shape;
  CAPTURE(mechanism, s.batch, s.heads, c.kv_heads, s.queries, s.keys, s.head_size, s.value_size, s.causal,
          s.past, c.deviation);
  const Errors e = errors_of(mechanism, c);
  CHECK(e.output <= 2e-6);
  CHECK(e.logits <= 2e-6 * static_cast<double>(c.deviation));
  CHECK(e.probabilities <= 2e-6);
  CHECK(e.masked == 0);
}

/// 2 sequences, 3 heads, n x n, d = 16.
inline AttentionShape shape_of(int64_t n, bool causal = false) {
  return {
      .batch = 2, .heads = 3, .queries = n, .keys = n, .head_size = 16, .value_size = 16, .causal = causal};
}

}  // namespace linformer
