// SPDX-License-Identifier: MIT
#pragma once

#include "bench/result.h"
#include "report/table.h"

namespace linformer {

/// One row a cell: time with its interval, rate, ratios beside those of the operations, error, memory.
Table bench_table(const BenchResult& result);

/// Every number of the cells, for CSV: one row a cell, times in ns and memory in bytes.
Table bench_long_table(const BenchResult& result);

/// How much bf16 gains over f32, one row a mechanism and shape.
Table narrowing_table(const BenchResult& result);

/// How much more threads help, one row a mechanism and shape.
Table scaling_table(const BenchResult& result);

}  // namespace linformer
