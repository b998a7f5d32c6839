// SPDX-License-Identifier: MIT
#include "attention/nystrom.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/exact_flops.h"
#include "attention/flash.h"
#include "attention/nystrom_options.h"
#include "attention/nystrom_reference.h"
#include "attention/option_text.h"
#include "attention/pseudo_inverse.h"
#include "attention/slot_projection.h"
#include "base/stride.h"
#include "base/threads.h"

namespace linformer {
namespace {

// The means of the segments [m, d], in f64 and rounded.
void segment_means(MatrixView<const float> x, MatrixView<double> means, MatrixView<float> rounded) {
  const SlotWeights segments{.kind = SlotWeights::Kind::kMeanPooling, .k = means.rows, .n = x.rows};
  for (int64_t i = 0; i < means.rows; ++i) {
    double* const mean = means.row(i);
    std::fill_n(mean, x.cols, 0.0);
    const Window segment = window_of(segments, x.cols, i);
    for (int64_t j = segment.begin; j < segment.end; ++j) {
      std::transform(x.row(j), x.row(j) + x.cols, mean, mean,
                     [](float value, double sum) { return sum + static_cast<double>(value); });
    }
    const double part = 1 / static_cast<double>(segment.end - segment.begin);
    for (int64_t c = 0; c < x.cols; ++c) rounded.row(i)[c] = static_cast<float>(mean[c] *= part);
  }
}

void softmax_row(double* row, int64_t count) {
  const double most = *std::max_element(row, row + count);
  double sum = 0;
  for (int64_t j = 0; j < count; ++j) sum += row[j] = std::exp(row[j] - most);
  for (int64_t j = 0; j < count; ++j) row[j] /= sum;
}

class Nystrom final : public Mechanism {
 public:
  explicit Nystrom(const NystromOptions& options) : options_(options), flash_(make_flash()) {}

  std::string canonical() const override { return linformer::canonical(options_); }
  MechanismTraits traits() const override { return {.fidelity = Fidelity::kApproximates, .lapack = true}; }
  std::vector<ParameterSpec> parameters(const AttentionShape&) const override { return {}; }

  // Of the means, of B V and F X, of A and of Z (B V).
  double flops(const AttentionShape& s) const override {
    const int64_t m = landmarks(s);
    const double heads = static_cast<double>(s.batch * s.heads),
                 sums = static_cast<double>((s.queries + s.keys) * s.head_size),
                 among = 2 * static_cast<double>(m * m * s.head_size);
    return heads * (sums + among + inverse_flops(options_, m, s.value_size)) + exact_flops(of_landmarks(s)) +
           exact_flops(over_landmarks(s));
  }

  int64_t workspace_bytes(const AttentionShape& s, int threads, bool) const override {
    const int64_t passes = std::max(flash_->workspace_bytes(of_landmarks(s), threads, false),
                                    flash_->workspace_bytes(over_landmarks(s), threads, false));
    return Layout(s, landmarks(s)).bytes + std::max(passes, threads * thread_bytes(s));
  }

  void prepare(const AttentionShape& s, std::span<const float* const>) override {
    const OptionText reader("nystrom");
    if (s.causal) reader.fail("causal attention", "attention to both sides: landmarks are means of all");
    const int64_t n = std::min(s.queries, s.keys);
    if (options_.landmarks > n)
      reader.fail(fmt::format("{} landmarks", options_.landmarks), fmt::format("at most n={}", n));
  }

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps&,
           std::span<std::byte> workspace, Run& run) override {
    if (in.distance_bias.data != nullptr || in.key_mask.data != nullptr)
      OptionText("nystrom").fail("a bias or a mask", "attention by Q and K alone");
    if (in.v.data == nullptr) return;
    const int64_t m = landmarks(s);
    const Layout at(s, m);
    std::byte* const data = workspace.data();
    const auto heads_at = [&](int64_t place, int64_t d) {
      return HeadsView<float>{
          reinterpret_cast<float*>(data + place), s.batch, s.heads, m, d, s.heads * m * d, m * d, d};
    };
    const HeadsView<float> queries = heads_at(at.queries, s.head_size), keys = heads_at(at.keys, s.head_size),
                           values = heads_at(at.values, s.value_size);
    const std::span<std::byte> room = workspace.subspan(static_cast<size_t>(at.bytes));
    double* const means = reinterpret_cast<double*>(data);
    const int64_t group = s.heads / in.k.heads, each = m * s.head_size;
    parallel_for(run.threads, s.batch * s.heads, [&](int64_t i, int) {
      const int64_t b = i / s.heads, h = i % s.heads;
      segment_means(in.q.matrix(b, h), {means + 2 * i * each, m, s.head_size, s.head_size},
                    queries.matrix(b, h));
      segment_means(in.k.matrix(b, h / group), {means + (2 * i + 1) * each, m, s.head_size, s.head_size},
                    keys.matrix(b, h));
    });
    flash_->run(of_landmarks(s), {.q = queries, .k = in.k, .v = in.v}, values, {}, room, run);
    parallel_for(run.threads, s.batch * s.heads, [&](int64_t i, int thread) {
      mix(s, means + 2 * i * each, values.matrix(i / s.heads, i % s.heads),
          room.data() + thread * thread_bytes(s));
    });
    flash_->run(over_landmarks(s), {.q = in.q, .k = keys, .v = values}, out, {}, room, run);
  }

  ReferenceRows reference(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                          std::span<const int64_t> rows) const override {
    return nystrom_reference(options_, s, in, b, h, rows);
  }

 private:
  // Where what all heads need lies in the workspace: means in f64 first, Q' and K' by turns.
  struct Layout {
    int64_t queries, keys, values, bytes;

    Layout(const AttentionShape& s, int64_t m) {
      const int64_t rows = s.batch * s.heads * m;
      queries = line_bytes<double>(2 * rows * s.head_size);
      keys = queries + line_bytes<float>(rows * s.head_size);
      values = keys + line_bytes<float>(rows * s.head_size);
      bytes = values + line_bytes<float>(rows * s.value_size);
    }
  };

  // prepare() refuses more landmarks than there are rows.
  int64_t landmarks(const AttentionShape& s) const {
    return std::min({options_.landmarks, s.queries, s.keys});
  }
  // B V.
  AttentionShape of_landmarks(AttentionShape s) const {
    s.queries = landmarks(s);
    return s;
  }
  // F X.
  AttentionShape over_landmarks(AttentionShape s) const {
    s.keys = landmarks(s);
    return s;
  }

  int64_t thread_bytes(const AttentionShape& s) const {
    const int64_t m = landmarks(s);
    return line_bytes<double>(m * m) + line_bytes<double>(m * s.value_size) +
           inverse_bytes(options_, m, s.value_size);
  }

  // Y = B V of one head becomes A⁺ Y. `means`: Q', then K'.
  void mix(const AttentionShape& s, const double* means, MatrixView<float> y, std::byte* room) const {
    const int64_t m = y.rows, count = m * s.value_size;
    double* const a = reinterpret_cast<double*>(room);
    double* const mixed = reinterpret_cast<double*>(room + line_bytes<double>(m * m));
    multiply_transposed(static_cast<double>(s.scale), means, means + m * s.head_size, a, m, m, s.head_size);
    for (int64_t i = 0; i < m; ++i) softmax_row(a + i * m, m);
    std::copy_n(y.data, count, mixed);
    multiply_by_inverse(options_, a, mixed, m, s.value_size,
                        room + line_bytes<double>(m * m) + line_bytes<double>(count));
    std::transform(mixed, mixed + count, y.data, [](double x) { return static_cast<float>(x); });
  }

  NystromOptions options_;
  std::unique_ptr<Mechanism> flash_;
};

}  // namespace

std::unique_ptr<Mechanism> make_nystrom(std::string_view options) {
  return std::make_unique<Nystrom>(parse_nystrom_options(options));
}

}  // namespace linformer
