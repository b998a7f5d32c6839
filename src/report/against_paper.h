// SPDX-License-Identifier: MIT
// What was measured beside what the paper says.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"
#include "report/figure_spectrum.h"
#include "report/reproduction.h"
#include "theorems/result.h"

namespace linformer {

/// Figure 1 and its two conclusions, each by a number with its interval: how much of c_M is beyond the
/// matched control, and how it changes from layer to layer, plain and beyond the control.
Reproduction figure1_reproduction(const SpectrumFile& spectrum);

/// Figure 2: how time grows with n at a fixed number of tokens.
Reproduction figure2_reproduction(const BenchResult& result);

/// Table 1: measured powers of n beside the claimed ones.
Reproduction table1_reproduction(const BenchResult& result);

/// Table 2, which is not measured: it takes pretraining and fine-tuning.
Reproduction table2_reproduction();

/// Table 3: time saved against `standard`, which the paper compared with, and against `flash`; the ratios of
/// the largest batches of `needs`; and those of the operations, which time would follow at one rate.
Reproduction table3_reproduction(const BenchResult& result, const std::vector<CellNeed>& needs,
                                 int64_t memory_bytes);

/// Theorems 1 and 2: what they promise beside what draws gave, and where they promise nothing.
Reproduction theorems_reproduction(const std::vector<TheoremTrial>& trials);

}  // namespace linformer
