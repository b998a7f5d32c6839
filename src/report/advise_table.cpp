// SPDX-License-Identifier: MIT
#include "report/advise_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/memory.h"
#include "report/numbers.h"

namespace linformer {
namespace {

std::string percent(double share) { return signed_fixed(100 * share, 2) + " %"; }

const char* measure_name(const AdviceResult& result) { return result.goal.of_loss ? "loss" : "hidden error"; }

}  // namespace

Table advised_layers_table(const AdviceResult& result) {
  Table table{.title = "the smallest k of each layer",
              .columns = {{"layer"},
                          {fmt::format("c at {}", result.length / 4)},
                          {"k"},
                          {"by", Align::kLeft},
                          {fmt::format("{}, alone", measure_name(result))},
                          {"least of all tried"}},
              .rows = {}};
  for (const LayerAdvice& layer : result.layers) {
    table.rows.push_back({std::to_string(layer.layer), fixed(layer.cumulative, 3),
                          layer.k ? std::to_string(*layer.k) : "exact", layer.cell,
                          layer.k ? percent(layer.increase) : "", percent(layer.least)});
  }
  return table;
}

Table advised_points_table(const AdviceResult& result) {
  Table table{.title = "the whole model",
              .columns = {{"attention", Align::kLeft},
                          {measure_name(result)},
                          {"good enough", Align::kLeft},
                          {"ms a sequence"},
                          {"vs flash"},
                          {"memory"},
                          {"Pareto", Align::kLeft}},
              .rows = {}};
  for (const AdvisedPoint& point : result.points) {
    table.rows.push_back({point.name, (point.increase_estimated ? "~" : "") + percent(point.increase),
                          point.good_enough ? "yes" : "no",
                          fmt::format("{}{}", point.estimated ? "~" : "", fixed(point.ns * 1e-6, 2)),
                          fmt::format("{} x", fixed(point.speed_up, 2)), format_bytes(point.bytes),
                          point.pareto ? "*" : ""});
  }
  return table;
}

Table advised_long_table(const AdviceResult& result) {
  Table table{.title = "", .columns = {}, .rows = {}};
  for (const char* name : {"name", "k_of_layers", "increase", "increase_estimated", "increase_low",
                           "increase_high", "good_enough", "time_ns", "time_estimated", "speed_up",
                           "speed_up_low", "speed_up_high", "bytes", "pareto"})
    table.columns.push_back({name});
  const auto low = [](const std::optional<Interval>& of) { return of ? shortest(of->low) : ""; };
  const auto high = [](const std::optional<Interval>& of) { return of ? shortest(of->high) : ""; };
  for (const AdvisedPoint& point : result.points) {
    table.rows.push_back({point.name, fmt::format("{}", fmt::join(point.ks, " ")), shortest(point.increase),
                          point.increase_estimated ? "1" : "0", low(point.increase_interval),
                          high(point.increase_interval), point.good_enough ? "1" : "0", shortest(point.ns),
                          point.estimated ? "1" : "0", shortest(point.speed_up), low(point.speed_up_interval),
                          high(point.speed_up_interval), std::to_string(point.bytes),
                          point.pareto ? "1" : "0"});
  }
  return table;
}

std::string advice_text(const AdviceResult& result) {
  std::string text;
  if (result.crossover_length) {
    text += fmt::format("Attention alone: {} is faster than flash from n = {:.0f} on.\n",
                        result.crossover_mechanism, *result.crossover_length);
  } else if (!result.crossover_mechanism.empty()) {
    text += fmt::format("Attention alone, {} against flash: {}.\n", result.crossover_mechanism,
                        result.crossover_reason);
  }
  text += result.verdict + "\n";
  if (!result.rival.empty()) {
    text += fmt::format("A rival that is not timed here: {}, the nearest keys alone, {} {}.\n", result.rival,
                        measure_name(result), percent(result.rival_increase));
  }
  text += "These are bounds without training, not what a trained Linformer would reach.\n";
  return text;
}

}  // namespace linformer
