// SPDX-License-Identifier: MIT
// A Linformer over a trained head, its E and F fitted to what the head gives on other sequences.
#pragma once

#include "accuracy/projection_fit.h"
#include "accuracy/replacements.h"

namespace linformer {

class Fitted final : public Replacement {
 public:
  Fitted(std::vector<int64_t> ks, HeadSharing sharing, const ReplacementSizes& sizes, Run& run);

  std::string name(int64_t k) const override;
  ReplacementTraits traits() const override { return {.calibrated = true}; }
  void see(const HeadInput& in, HeadWorkspace& workspace) override;
  void learn_layer(int64_t layer, Run& run) override;
  Learning learning(int64_t sequences) const override;
  void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& workspace,
             const HeadReceiver& receive) const override;

  /// "layers.{i}.heads.{j}.k{k}.E" and ".F" [k, n]; without "heads.{j}." of those that a layer shares.
  std::vector<LearntTensor> learnt(const std::vector<int64_t>& layers,
                                   const std::vector<int64_t>& heads) const override;

 private:
  struct Projections {
    MatrixView<float> e, f;  // [k, n]
  };
  // At ks()[rank].
  Projections projections(int64_t layer, int64_t head, size_t rank) const;

  HeadSharing sharing_;
  ReplacementSizes sizes_;
  MemoryAccount& memory_;
  std::vector<std::vector<Buffer<float>>> kept_;  // [head][sequence]: q, k, v, o of the layer in hand
  std::vector<std::vector<FitSample>> samples_;   // the same
  std::vector<std::vector<Buffer<float>>> fits_;  // [group][rank]: E, then F
};

}  // namespace linformer
