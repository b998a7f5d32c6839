// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

#include "bench/bench_tensors.h"
#include "bench/workload.h"

namespace linformer {

/// Calls of a mechanism on tensors, in the cell's type, whose `workspace` grows to what it needs. What is
/// given must outlive it. Throws Error(kUsage) for what the mechanism cannot do.
std::unique_ptr<Workload> make_attention_workload(const BenchCell& cell, std::unique_ptr<Mechanism> mechanism,
                                                  const BenchTensors& tensors, RawBuffer& workspace,
                                                  uint64_t seed, Run& run);

/// Bytes that a call in this type works in.
int64_t workspace_bytes(const Mechanism& mechanism, const AttentionShape& shape, DType type, int threads);

}  // namespace linformer
