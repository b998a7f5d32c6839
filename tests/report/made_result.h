// SPDX-License-Identifier: MIT
// Results made by hand for the tests of reports.
#pragma once

#include "spectrum/result.h"

namespace linformer {

/// 4 layers (0, 2, 4, 6) x 3 heads, n = 8, M = 2, 20 sequences in 8 documents, a matched control.
SpectrumResult made_result();

/// The same of 3 sequences: no intervals, no verdicts.
SpectrumResult made_result_of_few();

}  // namespace linformer
