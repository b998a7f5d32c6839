// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "spectrum/result.h"

namespace linformer {

/// What was found, in a sentence: the share of Σσ in the first M singular values, and whether that is more
/// than the matched control's, and a sentence for each other control; if no verdict is possible, why and what
/// it takes. `causal`: the heads are, and
/// no Linformer k is recommended for them.
std::string headline(const SpectrumResult& result, bool causal);

/// "95 %", the level of the result's intervals.
std::string confidence_text(const SpectrumResult& result);

/// "the first 128 of 512 singular values", or "the first 25 % of the singular values" where lengths differ.
std::string first_values(const SpectrumResult& result);

}  // namespace linformer
