// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "bench/result.h"
#include "report/table.h"

namespace linformer {

/// One row a cell: what one more sequence takes, how many fit, ratios to the references, whether calls bore
/// it out.
Table batch_fit_table(const BatchFitResult& result);

/// The same in full, for CSV, memory in bytes.
Table batch_fit_long_table(const BatchFitResult& result);

}  // namespace linformer
