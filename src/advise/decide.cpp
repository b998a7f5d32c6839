// SPDX-License-Identifier: MIT
#include "advise/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/index.h"

namespace linformer {
namespace {

constexpr const char* kFlash = "flash";
constexpr const char* kLocal = "local";

std::optional<Interval> interval_of(const ModelAccuracy& accuracy, const AdviceGoal& goal, double loss) {
  if (!goal.of_loss) return accuracy.hidden_error.interval;
  std::optional<Interval> interval = accuracy.loss_increase->interval;
  if (interval) interval = Interval{interval->low / loss, interval->high / loss};
  return interval;
}

// Null: not timed.
const CellResult* find_timed(const BenchResult& bench, const std::string& mechanism) {
  for (const CellResult& cell : bench.cells)
    if (cell.cell.mechanism == mechanism && cell.measured()) return &cell;
  return nullptr;
}

class Advisor {
 public:
  Advisor(const AdviceFacts& facts, const AdviceGoal& goal)
      : facts_(facts), goal_(goal), loss_(loss_of(facts.accuracy)), flash_(find_timed(facts.model, kFlash)) {}

  AdviceResult advise() {
    AdviceResult result{.goal = goal_,
                        .length = facts_.accuracy.length,
                        .sequences = facts_.accuracy.sequences,
                        .loss = facts_.accuracy.loss ? std::optional(loss_) : std::nullopt};
    for (size_t i = 0; i < facts_.accuracy.layers.size(); ++i) result.layers.push_back(layer(i));
    if (flash_ != nullptr) add_points(result.points);
    mark_pareto(result.points);
    take_crossover(result);
    take_rival(result);
    decide(result);
    return result;
  }

 private:
  double cumulative_of(int64_t layer) const {
    const auto& layers = facts_.spectrum.layers;
    const auto found = std::ranges::find(layers, layer);
    if (found == layers.end()) return std::numeric_limits<double>::quiet_NaN();
    return facts_.spectrum.series.front().layers[index(found - layers.begin())].statistics.front().mean;
  }

  LayerAdvice layer(size_t i) const {
    const AccuracyResult& accuracy = facts_.accuracy;
    LayerAdvice advice{.layer = accuracy.layers[i], .cumulative = cumulative_of(accuracy.layers[i])};
    advice.least = std::numeric_limits<double>::infinity();
    for (const CellAccuracy& cell : accuracy.cells) {
      if (!timed_as(cell.cell).empty())
        advice.least = std::min(advice.least, increase_of(cell.one_replaced[i], goal_, loss_));
    }
    const int64_t chosen = facts_.choice.cells[i];
    if (chosen < 0) return advice;
    const CellAccuracy& cell = accuracy.cells[index(chosen)];
    advice.k = cell.cell.k;
    advice.cell = cell.cell.name;
    advice.increase = increase_of(cell.one_replaced[i], goal_, loss_);
    return advice;
  }

  AdvisedPoint point(std::string name, const ModelAccuracy& cost, std::vector<int64_t> ks) const {
    AdvisedPoint p{.name = std::move(name),
                   .ks = std::move(ks),
                   .increase = increase_of(cost, goal_, loss_),
                   .increase_interval = interval_of(cost, goal_, loss_)};
    p.good_enough = p.increase <= goal_.increase;
    return p;
  }

  void add_points(std::vector<AdvisedPoint>& points) const {
    const std::vector<int64_t> exact(facts_.accuracy.layers.size(), 0);
    points.push_back({.name = kFlash,
                      .ks = exact,
                      .good_enough = true,
                      .ns = flash_->median_ns,
                      .speed_up = 1,
                      .bytes = flash_->bytes()});
    for (const CellAccuracy& cell : facts_.accuracy.cells) {
      const CellResult* const timed = find_timed(facts_.model, timed_as(cell.cell));
      if (timed == nullptr) continue;
      AdvisedPoint p = point(cell.cell.name, *cell.all_replaced, std::vector(exact.size(), cell.cell.k));
      p.ns = timed->median_ns;
      p.bytes = timed->bytes();
      p.speed_up = flash_->median_ns / timed->median_ns;
      for (const Ratio& ratio : timed->ratios)
        if (ratio.reference == kFlash) p.speed_up_interval = ratio.interval;
      points.push_back(std::move(p));
    }
    const auto& cells = facts_.choice.cells;
    if (std::ranges::any_of(cells, [](int64_t cell) { return cell >= 0; })) points.push_back(by_layer());
  }

  // Each layer takes its part of what the model would take if all were like it.
  AdvisedPoint by_layer() const {
    std::vector<int64_t> ks;
    double ns = 0;
    int64_t bytes = 0;
    for (const int64_t chosen : facts_.choice.cells) {
      const AccuracyCell* const cell = chosen < 0 ? nullptr : &facts_.accuracy.cells[index(chosen)].cell;
      const CellResult* timed = cell == nullptr ? flash_ : find_timed(facts_.model, timed_as(*cell));
      if (timed == nullptr) timed = flash_;  // k = n, which saves nothing
      ks.push_back(cell == nullptr ? 0 : cell->k);
      ns += timed->median_ns;
      bytes += timed->bytes();
    }
    const auto layers = static_cast<int64_t>(ks.size());
    AdvisedPoint p = point("by layer", facts_.choice.cost, std::move(ks));
    p.ns = ns / static_cast<double>(layers);
    p.bytes = bytes / layers;
    p.speed_up = flash_->median_ns / p.ns;
    p.estimated = true;
    p.increase_estimated = facts_.choice.estimated;
    return p;
  }

  static void mark_pareto(std::vector<AdvisedPoint>& points) {
    for (AdvisedPoint& p : points) {
      p.pareto = std::ranges::none_of(points, [&](const AdvisedPoint& other) {
        return other.ns <= p.ns && other.increase <= p.increase &&
               (other.ns < p.ns || other.increase < p.increase);
      });
    }
  }

  void take_crossover(AdviceResult& result) const {
    result.crossover_reason = "not measured";
    for (const Crossover& crossover : facts_.attention.crossovers) {
      const BenchCell& cell = crossover.cell;
      if (crossover.reference != kFlash || !cell.mechanism.starts_with("linformer")) continue;
      if (cell.dtype != DType::kF32 || cell.causal || cell.queries != 0) continue;
      result.crossover_mechanism = crossover.cell.mechanism;
      result.crossover_length = crossover.length;
      result.crossover_reason = crossover.reason;
    }
  }

  void take_rival(AdviceResult& result) const {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const CellAccuracy& cell : facts_.accuracy.cells) {
      if (cell.cell.method != kLocal || cell.cell.k >= least) continue;
      const double increase = increase_of(*cell.all_replaced, goal_, loss_);
      if (increase > goal_.increase) continue;
      least = cell.cell.k;
      result.rival = cell.cell.name;
      result.rival_increase = increase;
    }
  }

  std::string goal_text() const {
    return goal_.of_loss
               ? fmt::format("{:.3g} % of the loss", 100 * goal_.increase)
               : fmt::format("an error of {:.3g} % of the last hidden states", 100 * goal_.increase);
  }

  void decide(AdviceResult& result) const {
    if (flash_ == nullptr) {
      result.verdict = "No verdict: flash was not timed at this length, so nothing can be set beside it.";
      return;
    }
    if (result.points.size() == 1) {
      result.verdict = "No verdict: nothing that stands for attention was timed beside flash.";
      return;
    }
    const AdvisedPoint* best = nullptr;
    for (const AdvisedPoint& p : result.points) {
      if (p.name == kFlash || !p.good_enough) continue;
      if (best == nullptr || p.ns < best->ns) best = &p;
    }
    if (best == nullptr) {
      result.verdict = fmt::format(
          "Do not bother: without training, no k that was tried keeps within {}. Run exact attention "
          "(flash).",
          goal_text());
      return;
    }
    const double sure = best->speed_up_interval ? best->speed_up_interval->low : best->speed_up;
    result.worthwhile = sure >= kLeastSpeedUp;
    result.verdict = fmt::format("{}{} keeps within {} and is {:.2f} x as fast as flash{}.",
                                 result.worthwhile ? "" : "Do not bother: ", best->name, goal_text(),
                                 best->speed_up, best->estimated ? ", as estimated" : "");
  }

  const AdviceFacts& facts_;
  const AdviceGoal& goal_;
  double loss_;
  const CellResult* flash_;  ///< or null
};

}  // namespace

AdviceResult advise(const AdviceFacts& facts, const AdviceGoal& goal) {
  return Advisor(facts, goal).advise();
}

}  // namespace linformer
