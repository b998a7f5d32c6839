// SPDX-License-Identifier: MIT
#include "bench/journal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "io/journal.h"
#include "io/json.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKind = "LFBENCH1";

bool is_done(const CellResult& r) { return r.state != CellState::kInterrupted; }

DType dtype_of(std::string_view name) {
  return name == name_of_dtype(DType::kBF16) ? DType::kBF16 : DType::kF32;
}

// JSON has no NaN; a null stands for it.
Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json to_json(const CellResult& r) {
  return {{"cell", name_of(r.cell)},
          {"state", r.state},
          {"reason", r.reason},
          {"error", finite(r.error.error)},
          {"bound", finite(r.error.bound)},
          {"rows", r.error.rows},
          {"score_deviation", r.score_deviation ? finite(*r.score_deviation) : Json()},
          {"extra_bytes", r.extra_bytes},
          {"timed_batch", r.timed_batch},
          {"timed_heads", r.timed_heads},
          {"timed_layers", r.timed_layers},
          {"calls_per_sample", r.calls_per_sample},
          {"first_call_ns", r.first_call_ns},
          {"peak_products", name_of_dtype(r.peak_products)},
          {"peak_gflops", r.peak_gflops},
          {"samples_ns", r.samples_ns}};
}

void put_back(const Json& json, const std::string& path, CellResult& r) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  json.at("state").get_to(r.state);
  r.reason = json_string(json, "reason", path);
  r.error = {.error = json_double(json, "error", path, kNan),
             .bound = json_double(json, "bound", path, kNan),
             .rows = json_int(json, "rows", path)};
  r.score_deviation.reset();
  if (!json.at("score_deviation").is_null()) r.score_deviation = json_double(json, "score_deviation", path);
  r.extra_bytes = json_int(json, "extra_bytes", path);
  r.timed_batch = json_int(json, "timed_batch", path);
  r.timed_heads = json_int(json, "timed_heads", path);
  r.timed_layers = json_int(json, "timed_layers", path);
  r.calls_per_sample = json_int(json, "calls_per_sample", path);
  r.first_call_ns = json_double(json, "first_call_ns", path);
  r.peak_products = dtype_of(json_string(json, "peak_products", path));
  r.peak_gflops = json_double(json, "peak_gflops", path);
  json.at("samples_ns").get_to(r.samples_ns);
  if (r.measured()) summarise_samples(r);
}

Json to_json(const Peaks& peaks) {
  Json json = Json::array();
  for (const auto& [kind, gflops] : peaks) {
    json.push_back(
        {{"threads", kind.threads}, {"products", name_of_dtype(kind.products)}, {"gflops", gflops}});
  }
  return json;
}

}  // namespace

void save_progress(const BenchProgress& progress, const std::string& path, const std::string& identity) {
  JournalWriter file(path, kKind, identity,
                     {{"seconds", progress.seconds}, {"peaks", to_json(progress.peaks)}});
  for (const CellResult& result : progress.cells) {
    if (is_done(result)) file.write(to_json(result).dump() + "\n");
  }
  file.commit();
}

void load_progress(BenchProgress& progress, const std::string& path, const std::string& identity) {
  const Journal journal = read_journal(path, kKind, identity);
  progress.seconds = json_double(journal.header, "seconds", path);
  for (const Json& peaks : journal.header.at("peaks")) {
    const PeakKind kind{.threads = peaks.at("threads").get<int>(),
                        .products = dtype_of(json_string(peaks, "products", path))};
    peaks.at("gflops").get_to(progress.peaks[kind]);
  }
  for (std::string_view in = journal.payload; !in.empty();) {
    const size_t end = in.find('\n');
    const Json json = parse_json(in.substr(0, end), path);
    in.remove_prefix(end + 1);
    const std::string name = json_string(json, "cell", path);
    const auto cell =
        std::ranges::find_if(progress.cells, [&](const CellResult& r) { return name_of(r.cell) == name; });
    if (cell == progress.cells.end()) refuse_foreign_journal(path);
    put_back(json, path, *cell);
  }
}

}  // namespace linformer
