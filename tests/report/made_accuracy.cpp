// SPDX-License-Identifier: MIT
#include "report/made_accuracy.h"

#include <limits>

namespace linformer {
namespace {

Summary made_summary(double mean, bool interval = true) {
  Summary summary{.mean = mean, .interval = {}, .median = mean, .p95 = mean, .max = mean};
  if (interval) summary.interval = Interval{mean - 0.01, mean + 0.01};
  return summary;
}

HeadAccuracy made_heads(double error, bool divergence) {
  HeadAccuracy accuracy{
      .output_error = made_summary(error), .skill = made_summary(1 - error), .divergence = {}};
  if (divergence) accuracy.divergence = made_summary(std::numeric_limits<double>::infinity(), false);
  return accuracy;
}

}  // namespace

AccuracyResult made_accuracy() {
  AccuracyResult result{.layers = {0, 3},
                        .heads = {1},
                        .length = 16,
                        .head_size = 4,
                        .calibration_sequences = 5,
                        .calibration_documents = 2,
                        .sequences = 6,
                        .planned_sequences = 6,
                        .units = 6,
                        .unit = "document",
                        .loss_name = "masked_lm_loss_nats",
                        .loss = made_summary(3.5)};
  for (const int64_t k : {int64_t{0}, int64_t{4}, int64_t{8}}) {
    const double error = k == 0 ? 0.5 : 1 / static_cast<double>(k);
    const AccuracyCell cell{.name = k == 0 ? "mean-v" : "svd:k=" + std::to_string(k),
                            .method = k == 0 ? "mean-v" : "svd",
                            .k = k,
                            .kind = k == 0 ? "approximates" : "optimum",
                            .distribution = k == 0};
    const ModelAccuracy model{.hidden_error = made_summary(error / 2),
                              .loss_increase = made_summary(error / 4),
                              .agreement = made_summary(1 - error / 2)};
    const HeadAccuracy heads = made_heads(error, k == 0);
    result.cells.push_back({.cell = cell,
                            .model = heads,
                            .layers = {heads, heads},
                            .heads = {{heads}, {heads}},
                            .untrained = made_heads(0.9, k == 0),
                            .untrained_layers = {heads, heads},
                            .all_replaced = model,
                            .one_replaced = {model, model}});
  }
  return result;
}

AdviceResult made_advice() {
  AdviceResult advice{.goal = {.of_loss = true, .increase = 0.01},
                      .length = 64,
                      .sequences = 6,
                      .loss = 3.5,
                      .crossover_mechanism = "linformer:k=8,sharing=none",
                      .crossover_length = 1024,
                      .rival = "local:k=16",
                      .rival_increase = 0.005,
                      .verdict = "do not bother"};
  advice.layers = {
      {.layer = 0, .cumulative = 0.5, .k = {}, .cell = "", .increase = 0, .least = 0.5},
      {.layer = 1, .cumulative = 0.75, .k = 8, .cell = "fitted:k=8", .increase = 0.003, .least = 0.002}};
  advice.points = {{.name = "flash",
                    .ks = {0, 0},
                    .good_enough = true,
                    .ns = 8e6,
                    .speed_up = 1,
                    .bytes = 4096,
                    .pareto = true}};
  for (const int64_t k : {int64_t{8}, int64_t{16}}) {
    const auto x = static_cast<double>(k);
    advice.points.push_back({.name = "fitted:k=" + std::to_string(k) + ",sharing=head",
                             .ks = {k, k},
                             .increase = 4 / x,
                             .increase_interval = Interval{3 / x, 5 / x},
                             .ns = x * 5e5,
                             .speed_up = 16 / x,
                             .speed_up_interval = Interval{15 / x, 17 / x},
                             .bytes = 8192,
                             .pareto = k == 8});
  }
  advice.points.push_back({.name = "by layer",
                           .ks = {0, 8},
                           .increase = 0.003,
                           .increase_estimated = true,
                           .good_enough = true,
                           .ns = 6e6,
                           .speed_up = 1.33,
                           .estimated = true,
                           .bytes = 6144,
                           .pareto = true});
  return advice;
}

}  // namespace linformer
