// SPDX-License-Identifier: MIT
// Whether low rank pays on a model, as plain values; report/ writes it, cli/ shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/order_statistics.h"

namespace linformer {

/// What may be lost, and of what.
struct AdviceGoal {
  bool of_loss = true;  ///< of the loss, as a share of it; else the relative error of the last hidden states
  double increase = 0.01;  ///< at most
};

/// A way to run the whole model.
struct AdvisedPoint {
  std::string name = {};            ///< "flash", a cell of accuracy, or "by layer"
  std::vector<int64_t> ks = {};     ///< of each layer; 0: exact
  double increase = 0;              ///< as the goal counts
  bool increase_estimated = false;  ///< it is put together of layers that were replaced alone
  std::optional<Interval> increase_interval = {};
  bool good_enough = false;
  double ns = 0;        ///< of one sequence
  double speed_up = 0;  ///< flash's time over it
  std::optional<Interval> speed_up_interval = {};
  bool estimated = false;  ///< the time is put together of measured ones
  int64_t bytes = 0;       ///< weights, buffers, E and F; 0: not known
  bool pareto = false;     ///< nothing is both faster and nearer
};

struct LayerAdvice {
  int64_t layer = 0;
  double cumulative = 0;          ///< mean c_m of its P at m = n/4, Figure 1's statistic
  std::optional<int64_t> k = {};  ///< the smallest that is good enough; none: it stays exact
  std::string cell = {};          ///< by what; empty: nothing
  double increase = 0;            ///< with this layer alone replaced so; 0 if it stays exact
  double least = 0;               ///< of all that were tried
};

struct AdviceResult {
  AdviceGoal goal = {};
  int64_t length = 0;  ///< n
  int64_t sequences = 0;
  std::optional<double> loss = {};  ///< of the model as it is
  std::vector<LayerAdvice> layers = {};
  std::vector<AdvisedPoint> points = {};  ///< flash first, "by layer" last if anything could be replaced
  std::string crossover_mechanism = {};   ///< whose attention alone was timed over lengths
  std::optional<double> crossover_length = {};
  std::string crossover_reason = {};  ///< why there is none
  /// The local window of fewest keys that is good enough in all layers; nothing here times it. Empty: none.
  std::string rival = {};
  double rival_increase = 0;
  bool worthwhile = false;
  std::string verdict = {};
};

}  // namespace linformer
