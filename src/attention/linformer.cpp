// SPDX-License-Identifier: MIT
#include "attention/linformer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "attention/exact_reference.h"
#include "attention/flash.h"
#include "attention/linformer_options.h"
#include "attention/slot_projection.h"
#include "attention/standard.h"
#include "base/error.h"

namespace linformer {
namespace {

constexpr int64_t kLine = 64;  // bytes

[[noreturn]] void fail(std::string found, std::string expected) {
  throw Error(ErrorCode::kUsage,
              {.subject = "mechanism linformer", .found = std::move(found), .expected = std::move(expected)});
}

int64_t lines(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

class Linformer final : public Mechanism {
 public:
  explicit Linformer(const LinformerOptions& options)
      : options_(options), standard_(make_standard()), flash_(make_flash()) {}

  std::string canonical() const override { return linformer::canonical(options_); }
  MechanismTraits traits() const override {
    return {.fidelity = Fidelity::kNeedsTraining, .probabilities = true};
  }

  std::vector<ParameterSpec> parameters(const AttentionShape& s) const override {
    const Shape shape = options_.of_heads() ? Shape{s.heads, options_.k, s.keys} : Shape{options_.k, s.keys};
    const ParameterInit init{.deviation = 1 / std::sqrt(static_cast<float>(options_.k))};
    std::vector<ParameterSpec> specs = {{.name = "E", .shape = shape, .init = init}};
    if (!options_.one_matrix()) specs.push_back({.name = "F", .shape = shape, .init = init});
    return specs;
  }

  // 2 k n d for each of E K and F V, and attention over k slots.
  double flops(const AttentionShape& s) const override {
    const double project = 2.0 * static_cast<double>(s.batch * s.heads * s.keys * options_.k) *
                           static_cast<double>(s.head_size + s.value_size);
    return project + standard_->flops(over_slots(s));
  }

  int64_t workspace_bytes(const AttentionShape& s, int threads, bool tapped) const override {
    const SlotWeights w = slot_weights(s, nullptr);
    const int64_t projection = std::max(SlotProjection::workspace_bytes(w, s.head_size, threads),
                                        SlotProjection::workspace_bytes(w, s.value_size, threads));
    return key_bytes(s) + value_bytes(s) +
           std::max(projection, over_slots_by(tapped).workspace_bytes(over_slots(s), threads, tapped));
  }

  void prepare(const AttentionShape& s, std::span<const float* const> parameters) override {
    if (options_.order == LinformerOptions::Order::kBeforeWeights) {
      fail("order=before-weights", "order=after-weights where Q, K and V are given");
    }
    if (s.causal) fail("causal attention", "attention to both sides: E and F mix future positions");
    e_ = slot_weights(s, parameters[0]);
    f_ = slot_weights(s, parameters[options_.one_matrix() ? 0 : 1]);
  }

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    if (in.key_mask.data != nullptr || in.distance_bias.data != nullptr) {
      fail("a mask or a bias by distance", "none: the columns of P are slots, not keys");
    }
    if (options_.of_heads() && in.k.heads != s.heads) fail("fewer heads of keys than of queries", "as many");
    const auto place = [&](int64_t offset, HeadsView<const float> like) {
      float* const data = reinterpret_cast<float*>(workspace.data() + offset);
      const int64_t k = options_.k, d = like.cols;
      return HeadsView<float>{data, like.batch, like.heads, k, d, like.heads * k * d, k * d, d};
    };
    const HeadsView<float> keys = place(0, in.k), values = place(key_bytes(s), in.v);
    const auto used = static_cast<size_t>(key_bytes(s) + value_bytes(s));
    const std::span<std::byte> rest = workspace.subspan(used);
    projection_.run(e_, in.k, keys, rest, run);
    if (in.v.data != nullptr) projection_.run(f_, in.v, values, rest, run);
    AttentionInput slots{.q = in.q, .k = keys, .v = {}};
    if (in.v.data != nullptr) slots.v = values;
    over_slots_by(taps.any()).run(over_slots(s), slots, out, taps, rest, run);
  }

  ReferenceRows reference(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                          std::span<const int64_t> rows) const override {
    const int64_t kv = h / (s.heads / in.k.heads), first = options_.of_heads() ? h * options_.k : 0;
    const auto project = [&](const SlotWeights& w, MatrixView<const float> m) {
      std::vector<double> slots(static_cast<size_t>(options_.k * m.cols));
      for (int64_t i = 0; i < options_.k; ++i) {
        for (int64_t j = 0; j < m.rows; ++j) {
          const auto weight = static_cast<double>(w.weight.row(first + i)[j]);
          double* const slot = slots.data() + i * m.cols;
          for (int64_t c = 0; c < m.cols; ++c) slot[c] += weight * static_cast<double>(m.row(j)[c]);
        }
      }
      return slots;
    };
    const std::vector<double> keys = project(e_, in.k.matrix(b, kv)),
                              values = project(f_, in.v.matrix(b, kv));
    const MatrixView<const double> k{keys.data(), options_.k, s.head_size, s.head_size};
    const MatrixView<const double> v{values.data(), options_.k, s.value_size, s.value_size};
    return reference_rows(s, in, k, v, b, h, rows);
  }

 private:
  SlotWeights slot_weights(const AttentionShape& s, const float* data) const {
    const int64_t rows = (options_.of_heads() ? s.heads : 1) * options_.k;
    return {.k = options_.k, .weight = {data, rows, s.keys, s.keys}};
  }
  // Attention over the slots: in one pass, unless P is wanted.
  Mechanism& over_slots_by(bool tapped) const { return tapped ? *standard_ : *flash_; }
  AttentionShape over_slots(AttentionShape s) const {
    s.keys = options_.k;
    return s;
  }
  // K̄ and V̄ of as many heads as Q has, or fewer.
  int64_t key_bytes(const AttentionShape& s) const {
    return lines(s.batch * s.heads * options_.k * s.head_size * static_cast<int64_t>(sizeof(float)));
  }
  int64_t value_bytes(const AttentionShape& s) const {
    return lines(s.batch * s.heads * options_.k * s.value_size * static_cast<int64_t>(sizeof(float)));
  }

  LinformerOptions options_;
  std::unique_ptr<Mechanism> standard_, flash_;
  SlotProjection projection_;
  SlotWeights e_, f_;
};

}  // namespace

std::unique_ptr<Mechanism> make_linformer(std::string_view options) {
  return std::make_unique<Linformer>(parse_linformer_options(options));
}

}  // namespace linformer
