// SPDX-License-Identifier: MIT
#include "advise/choose.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/index.h"

namespace linformer {
namespace {

constexpr int kHalvings = 4;

}  // namespace

std::string timed_as(const AccuracyCell& cell) {
  if (cell.method.starts_with("fitted") || cell.method == "linformer:projection=mean-pooling")
    return fmt::format("linformer:k={},sharing=none", cell.k);
  return cell.method.starts_with("nystrom") ? cell.name : "";
}

std::vector<std::string> mechanisms_to_time(const AccuracyResult& accuracy) {
  std::vector<std::string> names;
  for (const CellAccuracy& cell : accuracy.cells) {
    const std::string name = timed_as(cell.cell);
    if (name.empty() || cell.cell.k >= accuracy.length) continue;
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

double loss_of(const AccuracyResult& accuracy) { return accuracy.loss ? accuracy.loss->mean : 0; }

double increase_of(const ModelAccuracy& accuracy, const AdviceGoal& goal, double loss) {
  return goal.of_loss ? accuracy.loss_increase->mean / loss : accuracy.hidden_error.mean;
}

std::vector<int64_t> choose_cells(const AccuracyResult& accuracy, const AdviceGoal& goal, double allowed) {
  std::vector<int64_t> chosen;
  for (size_t layer = 0; layer < accuracy.layers.size(); ++layer) {
    int64_t best = -1;
    for (int64_t c = 0; c < std::ssize(accuracy.cells); ++c) {
      const CellAccuracy& cell = accuracy.cells[index(c)];
      const double increase = increase_of(cell.one_replaced[layer], goal, loss_of(accuracy));
      if (timed_as(cell.cell).empty() || increase > allowed) continue;
      const auto cost = [&](int64_t i) {
        const CellAccuracy& other = accuracy.cells[index(i)];
        return std::pair(other.cell.k, increase_of(other.one_replaced[layer], goal, loss_of(accuracy)));
      };
      if (best < 0 || cost(c) < cost(best)) best = c;
    }
    chosen.push_back(best);
  }
  return chosen;
}

// Increases of the loss add up, errors of the hidden states as their squares do, as long as they are small.
LayerChoice choose_layers(const AccuracyResult& accuracy, const AdviceGoal& goal, const OfChoice& of_choice) {
  const auto layers = static_cast<double>(accuracy.layers.size());
  double allowed = goal.increase / (goal.of_loss ? layers : std::sqrt(layers));
  LayerChoice choice;
  for (int i = 0; i <= kHalvings; ++i, allowed /= 2) {
    choice.cells = choose_cells(accuracy, goal, allowed);
    if (std::ranges::all_of(choice.cells, [](int64_t cell) { return cell < 0; })) return choice;
    choice.cost = of_choice(choice.cells);
    if (increase_of(choice.cost, goal, loss_of(accuracy)) <= goal.increase) return choice;
  }
  return choice;
}

LayerChoice estimated_layers(const AccuracyResult& accuracy, const AdviceGoal& goal) {
  LayerChoice choice = choose_layers(
      accuracy, goal, [&](const std::vector<int64_t>& cells) { return estimated_cost(accuracy, cells); });
  choice.estimated = true;
  return choice;
}

ModelAccuracy estimated_cost(const AccuracyResult& accuracy, const std::vector<int64_t>& cells_of_layers) {
  double squares = 0, increase = 0;
  for (size_t layer = 0; layer < cells_of_layers.size(); ++layer) {
    if (cells_of_layers[layer] < 0) continue;
    const ModelAccuracy& alone = accuracy.cells[index(cells_of_layers[layer])].one_replaced[layer];
    squares += alone.hidden_error.mean * alone.hidden_error.mean;
    if (alone.loss_increase) increase += alone.loss_increase->mean;
  }
  ModelAccuracy cost{.hidden_error = {.mean = std::sqrt(squares)}};
  if (accuracy.loss) cost.loss_increase = Summary{.mean = increase};
  return cost;
}

}  // namespace linformer
