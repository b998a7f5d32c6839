// SPDX-License-Identifier: MIT
#include "attention/linformer.h"

#include <algorithm>
#include <cmath>

#include "attention/bf16_slots.h"
#include "attention/exact_reference.h"
#include "attention/flash.h"
#include "attention/linformer_options.h"
#include "attention/linformer_sizes.h"
#include "attention/slot_projection.h"
#include "attention/slot_reference.h"
#include "attention/standard.h"
#include "base/stride.h"
#include "kernels/isa.h"

namespace linformer {
namespace {

class Linformer final : public Mechanism {
 public:
  explicit Linformer(const LinformerOptions& options)
      : options_(options), sizes_(options), standard_(make_standard()), flash_(make_flash()) {}

  std::string canonical() const override { return linformer::canonical(options_); }
  // A mean of neighbours estimates them, and is exact for k = n; the largest of them, like a random sum, is
  // something else.
  MechanismTraits traits() const override {
    const bool estimates = options_.projection == Projection::kMeanPooling;
    return {.fidelity = estimates ? Fidelity::kApproximates : Fidelity::kNeedsTraining,
            .random = options_.projection == Projection::kGaussian,
            .key_mask = true,
            .probabilities = true,
            .native_bf16 = multiplies_bf16()};
  }

  std::vector<ParameterSpec> parameters(const AttentionShape& s) const override {
    return sizes_.parameters(s);
  }

  // Of the projection of K and V, and of attention over k slots.
  double flops(const AttentionShape& s) const override {
    return sizes_.projection_flops(s, s.head_size) + sizes_.projection_flops(s, s.value_size) +
           standard_->flops(over_slots(s));
  }

  int64_t workspace_bytes(const AttentionShape& s, int threads, bool tapped) const override {
    const int64_t projection = std::max(
        SlotProjection::workspace_bytes(sizes_.slot_weights(s, s.head_size), s.head_size, threads),
        SlotProjection::workspace_bytes(sizes_.slot_weights(s, s.value_size), s.value_size, threads));
    return slot_bytes<float>(s) +
           std::max(projection, over_slots_by(tapped).workspace_bytes(over_slots(s), threads, tapped));
  }

  void prepare(const AttentionShape& s, std::span<const float* const> parameters) override {
    sizes_.require_possible(s);
    e_ = sizes_.slot_weights(s, s.head_size);
    f_ = sizes_.slot_weights(s, s.value_size);
    rounded_e_.forget(), rounded_f_.forget();
    if (!parameters.empty()) {
      e_.weight.data = parameters[0];
      f_.weight.data = parameters[options_.one_matrix() ? 0 : 1];
    }
    if (options_.projection != Projection::kGaussian) return;
    const float delta = 1 / static_cast<float>(sizes_.positions(s));
    e_.factor = delta;
    f_.factor = std::exp(-delta);
  }

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    project_and_attend<float>(
        s, in, workspace,
        [&](const SlotWeights& w, Bf16Weights&, HeadsView<const float> from, HeadsView<float> to, auto room) {
          projection_.run(w, from, in.key_mask, to, room, run);
        },
        [&](const AttentionInput& slots, auto room) {
          over_slots_by(taps.any()).run(over_slots(s), slots, out, taps, room, run);
        });
  }

  int64_t bf16_workspace_bytes(const AttentionShape& s, int threads, bool tapped) const override {
    if (tapped || !multiplies_bf16()) return Mechanism::bf16_workspace_bytes(s, threads, tapped);
    const int64_t projection =
        std::max(bf16_slots_bytes(sizes_.slot_weights(s, s.head_size), s.head_size, threads),
                 bf16_slots_bytes(sizes_.slot_weights(s, s.value_size), s.value_size, threads));
    return slot_bytes<Bf16>(s) +
           std::max(projection, flash_->bf16_workspace_bytes(over_slots(s), threads, tapped));
  }

  int64_t bf16_parameter_bytes(const AttentionShape& s) const override {
    if (!multiplies_bf16()) return 0;
    const int64_t e = Bf16Weights::bytes(sizes_.slot_weights(s, s.head_size));
    return options_.one_matrix() ? e : e + Bf16Weights::bytes(sizes_.slot_weights(s, s.value_size));
  }

  void run_bf16(const AttentionShape& s, const Bf16AttentionInput& in, HeadsView<Bf16> out,
                const AttentionTaps& taps, std::span<std::byte> workspace, Run& run) override {
    if (taps.any() || !multiplies_bf16()) return Mechanism::run_bf16(s, in, out, taps, workspace, run);
    project_and_attend<Bf16>(
        s, in, workspace,
        [&](const SlotWeights& w, Bf16Weights& rounded, HeadsView<const Bf16> from, HeadsView<Bf16> to,
            auto room) { bf16_slots(w, rounded.of(w, run), from, in.key_mask, to, room, run); },
        [&](const Bf16AttentionInput& slots, auto room) {
          flash_->run_bf16(over_slots(s), slots, out, taps, room, run);
        });
  }

  ReferenceRows reference(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                          std::span<const int64_t> rows) const override {
    const int64_t kv = h / (s.heads / in.k.heads), group = options_.of_heads() ? h : 0, k = options_.k;
    const float* const mask = in.key_mask.data == nullptr ? nullptr : in.key_mask.row(b);
    const ReferenceSlots keys = reference_slots(e_, group, in.k.matrix(b, kv), mask),
                         values = reference_slots(f_, group, in.v.matrix(b, kv), mask);
    AttentionInput slots = in;
    slots.key_mask = {keys.mask.data(), s.batch, k, 0};
    return reference_rows<double>(s, slots, {keys.values.data(), k, s.head_size, s.head_size},
                                  {values.values.data(), k, s.value_size, s.value_size}, b, h, rows);
  }

 private:
  using Projection = LinformerOptions::Projection;

  // Attention over the slots: in one pass, unless P is wanted.
  Mechanism& over_slots_by(bool tapped) const { return tapped ? *standard_ : *flash_; }
  AttentionShape over_slots(AttentionShape s) const {
    s.keys = sizes_.slots(s);
    return s;
  }
  // K̄ and V̄ of as many heads as Q has, or fewer, and the mask of the slots.
  template <class T>
  int64_t slot_bytes(const AttentionShape& s) const {
    const int64_t rows = s.batch * s.heads * sizes_.slots(s);
    return line_bytes<T>(rows * s.head_size) + line_bytes<T>(rows * s.value_size) +
           line_bytes<float>(s.batch * sizes_.slots(s));
  }

  // Whether bf16 input meets products of bf16: E and F are rounded to it; windows are pooled in f32.
  bool multiplies_bf16() const { return !options_.windows() && has_bf16_products(); }

  // project(weights, rounded, in, out, room) makes slots of K and of V, attend(slots, room) goes over them;
  // the room of both is what slot_bytes() leaves of the workspace.
  template <class T, class Project, class Attend>
  void project_and_attend(const AttentionShape& s, const AttentionInputOf<T>& in,
                          std::span<std::byte> workspace, Project project, Attend attend) {
    if (in.distance_bias.data != nullptr)
      refuse_linformer("a bias by distance", "none: the columns of P are slots, not keys");
    // As many heads of slots as of keys, or of E where that is more.
    const int64_t heads = options_.of_heads() ? s.heads : in.k.heads, k = options_.k;
    std::byte* at = workspace.data();
    const auto place = [&](int64_t d) {
      const HeadsView<T> view{reinterpret_cast<T*>(at), s.batch, heads, k, d, heads * k * d, k * d, d};
      at += line_bytes<T>(s.batch * heads * k * d);
      return view;
    };
    const HeadsView<T> keys = place(s.head_size), values = place(s.value_size);
    const MatrixView<float> mask{reinterpret_cast<float*>(at), s.batch, k, k};
    const std::span<std::byte> room = workspace.subspan(static_cast<size_t>(slot_bytes<T>(s)));
    project(e_, rounded_e_, in.k, keys, room);
    AttentionInputOf<T> slots{.q = in.q, .k = keys, .v = {}};
    if (in.v.data != nullptr) {
      project(f_, options_.one_matrix() ? rounded_e_ : rounded_f_, in.v, values, room);
      slots.v = values;
    }
    if (in.key_mask.data != nullptr || window_of(e_, s.head_size, k - 1).begin >= s.keys) {
      mask_slots(e_, s.head_size, s.keys, in.key_mask, mask);
      slots.key_mask = mask;
    }
    attend(slots, room);
  }

  LinformerOptions options_;
  LinformerSizes sizes_;
  std::unique_ptr<Mechanism> standard_, flash_;
  SlotProjection projection_;
  SlotWeights e_, f_;
  Bf16Weights rounded_e_, rounded_f_;
};

}  // namespace

std::unique_ptr<Mechanism> make_linformer(std::string_view options) {
  return std::make_unique<Linformer>(parse_linformer_options(options));
}

}  // namespace linformer
