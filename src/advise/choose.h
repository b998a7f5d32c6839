// SPDX-License-Identifier: MIT
// Which replacement each layer gets.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "accuracy/result.h"
#include "advise/result.h"

namespace linformer {

/// The cell of a bench whose time and memory a replacement has; empty: nothing here runs it. Poolings and
/// what was fitted are timed as E and F of every head.
std::string timed_as(const AccuracyCell& cell);

/// What of `accuracy` is to be timed: what its cells with fewer slots than tokens are timed as, each once.
std::vector<std::string> mechanisms_to_time(const AccuracyResult& accuracy);

/// Of the model as it is; 0 if it is not known.
double loss_of(const AccuracyResult& accuracy);

/// As the goal counts: the increase of the loss as a share of `loss`, or the error of hidden states.
double increase_of(const ModelAccuracy& accuracy, const AdviceGoal& goal, double loss);

/// A cell of `accuracy` for every layer, or −1: the smallest k that costs at most `allowed` with that layer
/// alone replaced, of these the one that costs least. Only cells that are timed count.
std::vector<int64_t> choose_cells(const AccuracyResult& accuracy, const AdviceGoal& goal, double allowed);

/// What a choice of cells costs the whole model.
using OfChoice = std::function<ModelAccuracy(const std::vector<int64_t>& cells_of_layers)>;

struct LayerChoice {
  std::vector<int64_t> cells;  ///< −1: exact
  ModelAccuracy cost;
  bool estimated = false;  ///< the cost is put together, not measured
};
/// Choices by an even part of the goal for each layer, then by half of it, and so on, until the whole model
/// keeps within the goal or no layer is replaced.
LayerChoice choose_layers(const AccuracyResult& accuracy, const AdviceGoal& goal, const OfChoice& of_choice);

/// The same where the model cannot be run: by estimated_cost().
LayerChoice estimated_layers(const AccuracyResult& accuracy, const AdviceGoal& goal);

/// What the whole model costs if increases of the loss add up and hidden errors as their squares do: of
/// layers that were replaced alone. Without intervals and agreement.
ModelAccuracy estimated_cost(const AccuracyResult& accuracy, const std::vector<int64_t>& cells_of_layers);

}  // namespace linformer
