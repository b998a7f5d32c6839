// SPDX-License-Identifier: MIT
// From what replacements cost and what they save to what to do.
#pragma once

#include <functional>
#include <vector>

#include "accuracy/result.h"
#include "advise/result.h"
#include "bench/result.h"
#include "spectrum/result.h"

namespace linformer {

/// Less than this is not worth a change.
inline constexpr double kLeastSpeedUp = 1.1;

/// As the goal counts: the increase of the loss as a share of `loss`, or the error of hidden states.
double increase_of(const ModelAccuracy& accuracy, const AdviceGoal& goal, double loss);

/// A cell of `accuracy` for every layer, or −1: the smallest k that costs at most `allowed` with that layer
/// alone replaced, of these the one that costs least. Only cells that can be run as a Linformer count.
std::vector<int64_t> choose_cells(const AccuracyResult& accuracy, const AdviceGoal& goal, double allowed);

/// What a choice of cells costs the whole model.
using OfChoice = std::function<ModelAccuracy(const std::vector<int64_t>& cells_of_layers)>;

struct LayerChoice {
  std::vector<int64_t> cells;  ///< −1: exact
  ModelAccuracy cost;
};
/// Choices by an even part of the goal for each layer, then by half of it, and so on, until the whole model
/// keeps within the goal or no layer is replaced.
LayerChoice choose_layers(const AccuracyResult& accuracy, const AdviceGoal& goal, const OfChoice& of_choice);

/// What was measured.
struct AdviceFacts {
  const AccuracyResult& accuracy;  ///< with whole-model measures
  const SpectrumResult& spectrum;  ///< of the same layers
  const BenchResult& model;        ///< the model at the length, by flash and by a linformer of every k
  const BenchResult& attention;    ///< attention alone over lengths, by flash and one linformer
  const LayerChoice& choice;
};
AdviceResult advise(const AdviceFacts& facts, const AdviceGoal& goal);

}  // namespace linformer
