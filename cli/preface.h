// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "accuracy/result.h"
#include "input.h"
#include "spectrum/result.h"

namespace linformer::cli {

/// What was read of the input, and what intervals are over.
struct SampleFacts {
  int64_t sequences = 0;
  int64_t length = 0;  ///< of each; 0: they differ
  int64_t units = 0;
  std::string unit;
};

/// The model or file, the sequences and what of the text was left out, and what the intervals are over: a
/// line each.
std::string preface(const OpenInput& input, const SampleFacts& sample);
SampleFacts sample_of(const AccuracyResult& result);

/// The same of a spectrum analysis, in a few lines: the model or file, the sequences and what of the text was
/// left out, and what the intervals are over. `head_size`: the rank of the matched control's logits.
std::string preface(const OpenInput& input, const SpectrumResult& result, int64_t head_size);

/// The same for spectra found without P.
std::string certified_preface(const OpenInput& input, const SpectrumResult& result);

}  // namespace linformer::cli
