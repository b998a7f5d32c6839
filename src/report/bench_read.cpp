// SPDX-License-Identifier: MIT
#include "report/bench_read.h"

#include <algorithm>

namespace linformer {
namespace {

// The value of an enumeration that has this name.
template <class Enum>
Enum read_named(const Field& field, std::initializer_list<Enum> values) {
  const std::string name = field.text();
  std::string names;
  for (const Enum value : values) {
    if (name == name_of(value)) return value;
    names += (names.empty() ? "" : ", ") + std::string(name_of(value));
  }
  field.fail("one of " + names);
}

int64_t integer_or_zero(const Field& object, std::string_view key) {
  const auto field = object.find(key);
  return field ? field->integer() : 0;
}

double number_or_zero(const Field& object, std::string_view key) {
  return object.find_number(key).value_or(0);
}

Ratio read_ratio(const Field& field) {
  return {.reference = field["reference"].text(),
          .ratio = field["ratio"].number_or_nan(),
          .interval = field["interval"].interval(),
          .flops_ratio = field["flops_ratio"].number_or_nan()};
}

// Of a peak: before reports said it, always f32.
DType read_products(const Field& field, std::string_view key) {
  const auto products = field.find(key);
  return products ? read_dtype(*products) : DType::kF32;
}

BenchCell read_cell(const Field& field) {
  return {.mechanism = field["mechanism"].text(),
          .length = field["length"].integer(),
          .batch = field["batch"].integer(),
          .heads = field["heads"].integer(),
          .head_size = field["head_size"].integer(),
          .causal = field["causal"].boolean(),
          .tokens = integer_or_zero(field, "tokens"),
          .layers = field["layers"].integer(),
          .threads = static_cast<int>(field["threads"].integer()),
          .dtype = read_dtype(field["dtype"]),
          .queries = integer_or_zero(field, "queries")};
}

void read_times(const Field& field, CellResult& r) {
  r.median_ns = number_or_zero(field, "median_ns");
  r.interval_ns = field["interval_ns"].interval();
  r.p95_ns = number_or_zero(field, "p95_ns");
  r.min_ns = number_or_zero(field, "min_ns");
  r.first_call_ns = number_or_zero(field, "first_call_ns");
  r.gflops = number_or_zero(field, "gflops");
  r.peak_share = number_or_zero(field, "peak_share");
  r.peak_gflops = number_or_zero(field, "peak_gflops");
  r.peak_products = read_products(field, "peak_products");
  for (const Field& ratio : field["ratios"].items()) r.ratios.push_back(read_ratio(ratio));
  r.calls_per_sample = field["calls_per_sample"].integer();
  r.samples_ns = field["samples_ns"].numbers();
}

CellResult read_cell_result(const Field& field) {
  CellResult r;
  r.cell = read_cell(field);
  r.state = read_named(field["state"], {CellState::kInterrupted, CellState::kMeasured, CellState::kTooLarge,
                                        CellState::kUnsupported, CellState::kWrong, CellState::kFailed});
  if (const auto reason = field.find("reason")) r.reason = reason->text();
  r.needs_training = field["needs_training"].boolean();
  r.native_bf16 = field["products"].text() == "bf16";
  if (const auto deviation = field.find("score_deviation")) r.score_deviation = deviation->number();
  r.flops = field["flops"].number();
  r.tensor_bytes = field["tensor_bytes"].integer();
  r.workspace_bytes = field["workspace_bytes"].integer();
  r.parameter_bytes = field["parameter_bytes"].integer();
  if (const auto error = field.find("error")) {
    r.error = {.error = (*error)["largest_over_largest_output"].number_or_nan(),
               .bound = (*error)["bound"].number(),
               .rows = (*error)["rows"].integer()};
  }
  r.timed_batch = field["timed_batch"].integer();
  r.timed_heads = field["timed_heads"].integer();
  r.timed_layers = field["timed_layers"].integer();
  read_times(field, r);
  return r;
}

// The shortest cell of those that a growth, crossover or scaling is of.
BenchCell first_cell(const Field& field, const BenchResult& result) {
  const auto batch = field.find("batch"), length = field.find("length");
  const std::string mechanism = field["mechanism"].text();
  const int64_t heads = field["heads"].integer(), head_size = field["head_size"].integer();
  const int64_t layers = field["layers"].integer(), threads = field["threads"].integer();
  const int64_t queries = integer_or_zero(field, "queries");
  const DType dtype = read_dtype(field["dtype"]);
  const BenchCell* first = nullptr;
  for (const CellResult& r : result.cells) {
    const BenchCell& c = r.cell;
    const bool of_it = c.mechanism == mechanism && c.heads == heads && c.head_size == head_size &&
                       c.layers == layers && c.threads == threads && c.dtype == dtype &&
                       c.queries == queries &&
                       (batch ? static_cast<double>(c.batch) == batch->number() : c.tokens > 0);
    if (of_it && (first == nullptr || c.length < first->length)) first = &c;
  }
  if (first == nullptr) field.fail("a mechanism and sizes that cells have");
  return *first;
}

LocalSlope read_slope(const Field& field) {
  return {.from = field["from_length"].integer(),
          .to = field["to_length"].integer(),
          .slope = field["slope"].number_or_nan(),
          .interval = field["interval"].interval()};
}

Growth read_growth(const Field& field, const BenchResult& result) {
  Growth growth{.cell = first_cell(field, result), .slopes = {}, .fitted = read_slope(field["fitted"])};
  for (const Field& slope : field["slopes"].items()) growth.slopes.push_back(read_slope(slope));
  return growth;
}

Crossover read_crossover(const Field& field, const BenchResult& result) {
  Crossover crossover{
      .cell = first_cell(field, result), .reference = field["reference"].text(), .length = {}, .reason = {}};
  if (const auto length = field.find("length")) crossover.length = length->number();
  if (const auto reason = field.find("length_reason")) crossover.reason = reason->text();
  return crossover;
}

Scaling read_scaling(const Field& field, const BenchResult& result) {
  Scaling scaling{.cell = first_cell(field, result),
                  .threads = static_cast<int>(field["to_threads"].integer()),
                  .speed_up = field["speed_up"].number_or_nan(),
                  .interval = field["interval"].interval()};
  scaling.cell.length = field["length"].integer();
  return scaling;
}

Narrowing read_narrowing(const Field& field, const BenchResult& result) {
  Narrowing narrowing{.cell = first_cell(field, result),
                      .native_bf16 = field["products"].text() == "bf16",
                      .speed_up = field["speed_up"].number_or_nan(),
                      .interval = field["interval"].interval()};
  narrowing.cell.length = field["length"].integer();
  return narrowing;
}

}  // namespace

DType read_dtype(const Field& field) {
  const std::string name = field.text();
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    if (name == name_of_dtype(dtype)) return dtype;
  }
  field.fail("f32 or bf16");
}

Level read_level(const Field& field) {
  return read_named(field, {Level::kAttention, Level::kLayer, Level::kModel});
}

std::vector<Warning> read_warnings(const Field& field) {
  std::vector<Warning> warnings;
  for (const Field& warning : field.items())
    warnings.push_back({.kind = warning["kind"].text(), .text = warning["text"].text()});
  return warnings;
}

BenchResult read_bench(const ReportFile& file) {
  const Field root = file.root(), results = root["results"];
  BenchResult result;
  result.complete = results["complete"].boolean();
  result.level = read_level(results["level"]);
  result.subject = results["subject"].text();
  for (const Field& peak : results["peaks"].items()) {
    result.peaks.push_back({.threads = static_cast<int>(peak["threads"].integer()),
                            .products = read_products(peak, "products"),
                            .gflops = peak["gflops"].number_or_nan(),
                            .drift = peak["drift"].number_or_nan()});
  }
  for (const Field& cell : results["cells"].items()) result.cells.push_back(read_cell_result(cell));
  for (const Field& growth : results["growth"].items()) result.growth.push_back(read_growth(growth, result));
  for (const Field& crossover : results["crossovers"].items())
    result.crossovers.push_back(read_crossover(crossover, result));
  for (const Field& scaling : results["scaling"].items())
    result.scaling.push_back(read_scaling(scaling, result));
  for (const Field& narrowing : results["narrowing"].items())
    result.narrowing.push_back(read_narrowing(narrowing, result));
  result.warnings = read_warnings(root["warnings"]);
  return result;
}

}  // namespace linformer
