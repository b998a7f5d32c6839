// SPDX-License-Identifier: MIT
#include "report/accuracy_read.h"

#include <algorithm>

#include "report/summary_read.h"

namespace linformer {
namespace {

std::optional<Summary> optional_summary(const Field& object, std::string_view key) {
  const auto field = object.find(key);
  return field ? std::optional(read_summary(*field)) : std::nullopt;
}

HeadAccuracy read_heads(const Field& field) {
  return {.output_error = read_summary(field["output_error"]),
          .skill = read_summary(field["skill"]),
          .divergence = optional_summary(field, "divergence_nats")};
}

ModelAccuracy read_model(const Field& field) {
  return {.hidden_error = read_summary(field["hidden_error"]),
          .loss_increase = optional_summary(field, "loss_increase_nats"),
          .agreement = optional_summary(field, "agreement")};
}

Summary mean_alone(double mean) { return {.mean = mean, .median = mean, .p95 = mean, .max = mean}; }

// `distribution`: there is a divergence, null where it is infinite.
HeadAccuracy read_head(const Field& field, bool distribution) {
  HeadAccuracy head{.output_error = mean_alone(field["output_error"].number_or_nan()),
                    .skill = mean_alone(field["skill"].number_or_nan())};
  if (distribution) head.divergence = mean_alone(field["divergence_nats"].number_or_nan());
  return head;
}

void require_number(const Field& field, int64_t number) {
  if (field.integer() != number) field.fail(std::to_string(number));
}

void read_layers(const Field& layers, const AccuracyResult& result, CellAccuracy& cell) {
  const std::vector<Field> items = layers.items(result.layers.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const Field& layer = items[i];
    require_number(layer["layer"], result.layers[i]);
    cell.layers.push_back(read_heads(layer));
    if (const auto untrained = layer.find("untrained"))
      cell.untrained_layers.push_back(read_heads(*untrained));
    if (const auto alone = layer.find("replaced_alone")) cell.one_replaced.push_back(read_model(*alone));
    std::vector<HeadAccuracy>& heads = cell.heads.emplace_back();
    const std::vector<Field> of_heads = layer["heads"].items(result.heads.size());
    for (size_t j = 0; j < of_heads.size(); ++j) {
      require_number(of_heads[j]["head"], result.heads[j]);
      heads.push_back(read_head(of_heads[j], cell.cell.distribution));
    }
  }
  const auto in_all_or_none = [&](size_t count) { return count == 0 || count == items.size(); };
  if (!in_all_or_none(cell.untrained_layers.size()) || !in_all_or_none(cell.one_replaced.size()) ||
      (cell.untrained && cell.untrained_layers.size() != items.size()))
    layers.fail("the same members in every layer");
}

CellAccuracy read_cell(const Field& field, const AccuracyResult& result) {
  CellAccuracy cell;
  const auto k = field.find("k");
  cell.model = read_heads(field["model"]);
  cell.cell = {.name = field["name"].text(),
               .method = field["method"].text(),
               .k = k ? k->integer() : 0,
               .kind = field["kind"].text(),
               .calibrated = field["calibrated"].boolean(),
               .distribution = cell.model.divergence.has_value()};
  if (const auto untrained = field.find("untrained")) cell.untrained = read_heads(*untrained);
  if (const auto all = field.find("all_replaced")) cell.all_replaced = read_model(*all);
  read_layers(field["layers"], result, cell);
  return cell;
}

// What a cell has of the model's measures; tables have a column for all cells or for none.
struct Measured {
  bool untrained, all, all_loss, alone, alone_loss;
  friend bool operator==(const Measured&, const Measured&) = default;
};

Measured measured_of(const CellAccuracy& cell, const Field& field) {
  const auto with_loss = [&](const ModelAccuracy& of) {
    if (of.loss_increase.has_value() != of.agreement.has_value())
      field.fail("loss_increase_nats with agreement, or neither");
    return of.loss_increase.has_value();
  };
  return {.untrained = cell.untrained.has_value(),
          .all = cell.all_replaced.has_value(),
          .all_loss = cell.all_replaced && with_loss(*cell.all_replaced),
          .alone = !cell.one_replaced.empty(),
          .alone_loss = !cell.one_replaced.empty() && std::ranges::all_of(cell.one_replaced, with_loss)};
}

void read_cells(const Field& cells, AccuracyResult& result) {
  std::optional<Measured> of_first;
  for (const Field& field : cells.items()) {
    const CellAccuracy& cell = result.cells.emplace_back(read_cell(field, result));
    const Measured measured = measured_of(cell, field);
    if (measured != of_first.value_or(measured)) cells.fail("the same measures of every cell");
    of_first = measured;
    if (measured.all && measured.all_loss != result.loss.has_value())
      field.fail("an increase of the loss with all layers replaced where there is a loss");
    if (measured.alone && measured.alone_loss != result.loss.has_value())
      field.fail("an increase of the loss of each layer where there is a loss");
  }
}

AccuracyChecks read_checks(const Field& field) {
  return {.exact_cells = field["exact_cells"].integer(),
          .largest_exact_error = field["largest_exact_error"].number_or_nan()};
}

}  // namespace

AccuracyResult read_accuracy(const ReportFile& file) {
  const Field root = file.root(), results = root["results"], phases = root["phases"];
  AccuracyResult result{.layers = results["layers"].integers(),
                        .heads = results["heads"].integers(),
                        .length = results["length"].integer(),
                        .head_size = results["head_size"].integer(),
                        .calibration_sequences = results["calibration_sequences"].integer(),
                        .calibration_documents = results["calibration_documents"].integer(),
                        .sequences = results["sequences"].integer(),
                        .planned_sequences = root["planned_sequences"].integer(),
                        .complete = root["complete"].boolean(),
                        .units = results["units"].integer(),
                        .unit = results["unit"].text(),
                        .confidence = results["confidence"].number(),
                        .loss = optional_summary(results, "loss_nats"),
                        .checks = read_checks(root["checks"]),
                        .seconds = {.load = phases["load_seconds"].number_or_nan(),
                                    .calibration = phases["calibration_seconds"].number_or_nan(),
                                    .total = phases["total_seconds"].number_or_nan()}};
  if (const auto name = results.find("loss_name")) result.loss_name = name->text();
  read_cells(results["cells"], result);
  return result;
}

}  // namespace linformer
