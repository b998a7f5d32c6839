// SPDX-License-Identifier: MIT
#include "bench/prediction.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/threads.h"
#include "bench/attempt.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

void require_fewer_slots(const BenchCell& cell) {
  const auto linformer = linformer_of(cell);
  if (!linformer || linformer->k < cell.length) return;
  throw Error(ErrorCode::kUsage, {.found = fmt::format("k = {} slots for n = {}", linformer->k, cell.length),
                                  .expected = "fewer slots than keys: else nothing is saved"});
}

void require_as_many_keys(const BenchCell& cell) {
  if (cell.queries <= cell.length) return;
  throw Error(ErrorCode::kUsage, {.found = fmt::format("{} queries for n = {}", cell.queries, cell.length),
                                  .expected = "as many as n at most: they are the last of its positions"});
}

// The whole cell must fit, even if less of it is timed.
void require_memory(const CellResult& r, int64_t limit) {
  if (r.bytes() <= limit) return;
  throw Error(ErrorCode::kMemory, {.found = fmt::format("needs {}", format_bytes(r.bytes())),
                                   .expected = fmt::format("at most {}", format_bytes(limit))});
}

}  // namespace

CellPrediction predict(const BenchCell& cell, const Subject& subject, const Run& run) {
  require_fewer_slots(cell);
  require_as_many_keys(cell);
  Run with_threads = run;
  with_threads.threads = cell.threads;
  const ThreadCount threads(cell.threads);
  return subject.predict(cell, with_threads);
}

CellResult predicted(const BenchCell& cell, const Subject& subject, const Run& run) {
  CellResult result;
  result.cell = cell;
  attempt(result, [&] {
    const MechanismTraits traits = make_mechanism(cell.mechanism)->traits();
    result.needs_training = traits.fidelity == Fidelity::kNeedsTraining;
    result.native_bf16 = cell.dtype == DType::kBF16 && traits.native_bf16;
    const CellPrediction p = predict(cell, subject, run);
    result.flops = p.flops;
    result.tensor_bytes = p.tensor_bytes;
    result.workspace_bytes = p.workspace_bytes;
    result.parameter_bytes = p.parameter_bytes;
    require_memory(result, run.memory.limit_bytes());
  });
  return result;
}

}  // namespace linformer
