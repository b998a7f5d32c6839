// SPDX-License-Identifier: MIT
#include "report/advise_read.h"

namespace linformer {
namespace {

bool is_of_loss(const Field& field) {
  const std::string name = field.text();
  if (name != "loss" && name != "hidden_error") field.fail("loss or hidden_error");
  return name == "loss";
}

LayerAdvice read_layer(const Field& field) {
  LayerAdvice layer{.layer = field["layer"].integer(),
                    .cumulative = field["cumulative"].number_or_nan(),
                    .cell = field.find_text("cell"),
                    .increase = field["increase"].number_or_nan(),
                    .least = field["least_increase"].number_or_nan()};
  if (const auto k = field.find("k")) layer.k = k->integer();
  return layer;
}

AdvisedPoint read_point(const Field& field) {
  const auto estimated = field.find("increase_estimated");  // not in the first reports
  return {.name = field["name"].text(),
          .ks = field["k_of_layers"].integers(),
          .increase = field["increase"].number_or_nan(),
          .increase_estimated = estimated && estimated->boolean(),
          .increase_interval = field["increase_interval"].interval(),
          .good_enough = field["good_enough"].boolean(),
          .ns = field["time_ns"].number_or_nan(),
          .speed_up = field["speed_up"].number_or_nan(),
          .speed_up_interval = field["speed_up_interval"].interval(),
          .estimated = field["time_estimated"].boolean(),
          .bytes = field["bytes"].integer(),
          .pareto = field["pareto"].boolean()};
}

}  // namespace

AdviceResult read_advice(const ReportFile& file) {
  const Field results = file.root()["results"];
  AdviceResult advice{
      .goal = {.of_loss = is_of_loss(results["goal"]), .increase = results["goal_increase"].number()},
      .length = results["length"].integer(),
      .sequences = results["sequences"].integer(),
      .loss = results.find_number("loss_nats"),
      .crossover_mechanism = results.find_text("crossover_mechanism"),
      .crossover_length = results.find_number("crossover_length"),
      .crossover_reason = results.find_text("crossover_length_reason"),
      .rival = results.find_text("rival"),
      .rival_increase = results.find_number("rival_increase").value_or(0),
      .worthwhile = results["worthwhile"].boolean(),
      .verdict = results["verdict"].text()};
  for (const Field& layer : results["layers"].items()) advice.layers.push_back(read_layer(layer));
  for (const Field& point : results["points"].items()) advice.points.push_back(read_point(point));
  return advice;
}

}  // namespace linformer
