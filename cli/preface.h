// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "input.h"
#include "spectrum/result.h"

namespace linformer::cli {

/// What was analysed, in a few lines: the model or file, the sequences and what of the text was left out, and
/// what the intervals are over. `head_size`: the rank of the matched control's logits.
std::string preface(const OpenInput& input, const SpectrumResult& result, int64_t head_size);

/// The same for spectra found without P.
std::string certified_preface(const OpenInput& input, const SpectrumResult& result);

}  // namespace linformer::cli
