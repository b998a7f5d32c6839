// SPDX-License-Identifier: MIT
// Whether the layers of a forward pass are what plain arithmetic in f64 makes of their inputs.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "bench/layer_reference.h"
#include "bench/result.h"
#include "model/forward.h"

namespace linformer {

/// Watches a forward pass and computes of every layer, for one sequence, from the layer's own input:
///  * Σ_i r_i q_i with random weights r, by associativity (Σ_i r_i x_i) Wᵀ + (Σ r) b: every query at the cost
///  of
///    one; and of keys and values the same, or of a Linformer's slots Σ_i r_i k̄_i from (rᵀ E) X;
///  * for a few tokens attention, as the mechanism's slow twin has it, by the layer's own q, k and v, the
///  output product, the norms, the feed-forward
///    block and the residual sums; of the last layer the final norm.
/// Each is compared with what the layer made. Not for causal rotary layers nor convolutions.
class LayerCheck final : public LayerVisitor {
 public:
  /// `mechanism` and `projection`, or null: what the pass attends by. All must outlive it.
  LayerCheck(const Model& model, const Mechanism& mechanism, const DrawnProjection* projection, uint64_t seed,
             int threads);

  LayerWants wants(int64_t) const override { return {.hidden = true}; }
  void on_layer(const LayerView& view) override;

  /// The largest of any layer and place; its rows are the tokens of each layer.
  CellError error() const;
  /// What it has taken itself.
  double seconds() const { return seconds_; }

 private:
  /// Σ_j t_j y_j of tokens' weights t, y being what the layer multiplies; and what the bias counts.
  struct Probe {
    std::vector<double> sum;
    double bias = 0;
  };
  /// Of the groups of heads that have an E or F of their own: one, or each head.
  using Probes = std::vector<Probe>;

  void choose(const LayerView& view);
  void take_input(MatrixView<const float> states, int64_t layer);
  const std::vector<double>& combined_rows(const DenseWeights& e, int64_t group, int64_t slots);
  Probes probes_of(MatrixView<const float> states, const LayerWeights& layer, const DenseWeights& e,
                   int64_t slots);
  Probe probe(MatrixView<const float> states, const LayerWeights& layer, const std::vector<double>& tokens);
  void compare_projection(HeadsView<const float> ours, const LayerWeights& layer, int64_t first_output,
                          const Probes& probes, const std::vector<double>& weights);
  Rows context_of(const LayerView& view, const LayerWeights& layer);
  void compare_states(MatrixView<const float> ours, const Rows& truth);
  void note(double relative);

  const Model& model_;
  const Architecture& a_;
  const Mechanism& mechanism_;
  const DrawnProjection* projection_;
  uint64_t seed_;
  int threads_;
  int64_t sequence_ = -1, n_ = 0;
  std::vector<int64_t> tokens_;                           ///< that are sampled
  std::vector<double> token_weights_;                     ///< r of the tokens
  std::map<const float*, std::vector<double>> combined_;  ///< rᵀ E, by E's first row
  Rows input_;                      ///< of the layer that comes next: the sampled tokens
  Probes queries_, keys_, values_;  ///< of its input
  std::vector<float> bias_;         ///< by distance
  const float* bias_table_ = nullptr;
  double error_ = 0, largest_score_ = 0, amplification_ = 1, seconds_ = 0;
};

}  // namespace linformer
