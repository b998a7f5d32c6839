// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string_view>
#include <utility>

#include "accuracy/places.h"
#include "accuracy/replacements.h"
#include "attention/linformer_options.h"
#include "attention/slot_projection.h"
#include "base/error.h"
#include "base/random_fill.h"

namespace linformer {
namespace {

constexpr uint32_t kParameterPurpose = 0xACC0;

ReplacementKind kind_of(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::kExact:
      return ReplacementKind::kExact;
    case Fidelity::kApproximates:
      return ReplacementKind::kApproximates;
    case Fidelity::kNeedsTraining:
      break;
  }
  return ReplacementKind::kUntrained;
}

std::string with_k(const std::string& specification, int64_t k) {
  return k == 0 ? specification : with_rank(specification, k);
}

bool pools_means(std::string_view specification) {
  constexpr std::string_view kLinformer = "linformer:";
  return specification.starts_with(kLinformer) &&
         parse_linformer_options(specification.substr(kLinformer.size())).projection ==
             LinformerOptions::Projection::kMeanPooling;
}

class ByMechanism final : public Replacement {
 public:
  ByMechanism(std::string specification, std::vector<int64_t> ks, const ReplacementSizes& sizes, Run& run)
      : Replacement(std::move(ks)),
        specification_(std::move(specification)),
        pools_means_(pools_means(specification_)) {
    shape_ = {.batch = 1,
              .heads = 1,
              .queries = sizes.length,
              .keys = sizes.length,
              .head_size = sizes.head_size,
              .value_size = sizes.head_size};
    for (const int64_t k : this->ks()) {
      const auto mechanism = make_mechanism(with_k(specification_, k));
      draw_parameters(*mechanism, sizes.seed, run);
    }
  }

  std::string name(int64_t k) const override {
    return make_mechanism(with_k(specification_, k))->canonical();
  }
  ReplacementTraits traits() const override {
    const auto mechanism = make_mechanism(with_k(specification_, ks().front()));
    return {.kind = kind_of(mechanism->traits().fidelity),
            .ranked = ks().front() != 0,
            .distribution = pools_means_,
            .causal = mechanism->traits().causal};
  }

  void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    AttentionShape shape = shape_;
    shape.scale = in.scale, shape.causal = in.causal;
    const AttentionInput input{.q = as_heads(in.q), .k = as_heads(in.k), .v = as_heads(in.v)};
    const MatrixView<float> out = w.matrix(place::kOutput, in.v.rows, in.v.cols);
    for (size_t i = 0; i < ks.size(); ++i) {
      const std::string name = with_k(specification_, ks[i]);
      Mechanism& mechanism = w.mechanism(name, [&] { return make_mechanism(name); });
      const auto rank = static_cast<size_t>(std::ranges::find(this->ks(), ks[i]) - this->ks().begin());
      mechanism.prepare(shape, parameters_[rank].pointers);
      AttentionTaps taps;
      const MatrixView<float> slots =
          w.matrix(place::kSlotProbabilities, in.v.rows, std::max<int64_t>(ks[i], 1));
      if (pools_means_) taps.probabilities = as_heads(slots);
      w.run(mechanism, shape, input, out, taps);
      receive(i, out, pools_means_ ? spread(slots, w) : MatrixView<const float>{});
    }
  }

 private:
  struct Parameters {
    std::vector<Buffer<float>> storage;
    std::vector<const float*> pointers;
  };

  void draw_parameters(const Mechanism& mechanism, uint64_t seed, Run& run) {
    Parameters drawn;
    for (const ParameterSpec& spec : mechanism.parameters(shape_)) {
      const int64_t count = element_count(spec.shape).value();
      const Buffer<float>& buffer =
          drawn.storage.emplace_back(run.memory, count, "parameters of a mechanism");
      const RandomStream stream{.seed = seed,
                                .purpose = kParameterPurpose + static_cast<uint32_t>(drawn.pointers.size())};
      fill_normal({buffer.data(), static_cast<size_t>(count)}, spec.init.deviation, stream, run.threads);
      drawn.pointers.push_back(buffer.data());
    }
    parameters_.push_back(std::move(drawn));
  }

  // A mean over a window gives each of its keys an equal part of the slot's weight.
  static MatrixView<const float> spread(MatrixView<const float> slots, HeadWorkspace& w) {
    const int64_t n = slots.rows;
    const SlotWeights pooling{.kind = SlotWeights::Kind::kMeanPooling, .k = slots.cols, .n = n};
    const MatrixView<float> p = w.matrix(place::kProbabilities, n, n);
    for (int64_t slot = 0; slot < slots.cols; ++slot) {
      const Window window = window_of(pooling, 1, slot);
      const float share = 1 / static_cast<float>(window.end - window.begin);
      for (int64_t i = 0; i < n; ++i) {
        std::fill(p.row(i) + window.begin, p.row(i) + window.end, share * slots.row(i)[slot]);
      }
    }
    return p;
  }

  std::string specification_;  // without k
  bool pools_means_;
  AttentionShape shape_;
  std::vector<Parameters> parameters_;  // of each k
};

}  // namespace

std::unique_ptr<Replacement> make_by_mechanism(std::string specification, std::vector<int64_t> ks,
                                               const ReplacementSizes& sizes, Run& run) {
  return std::make_unique<ByMechanism>(std::move(specification), std::move(ks), sizes, run);
}

}  // namespace linformer
