// SPDX-License-Identifier: MIT
// The whole model of an input, for what replacements of its attention cost it.
#pragma once

#include <cstdint>

#include "accuracy/accuracy.h"
#include "input.h"

namespace linformer::cli {

/// Of a model of text, which must have been opened with its head; its loss too where it has one and its
/// tokenizer a mask token. No model: one of images. The input must outlive it. Throws Error(kUnsupported) for
/// a decoder beside an encoder.
WholeModel whole_model(const OpenInput& input, ModelMeasure::Parts parts, uint64_t seed, Session& session);

}  // namespace linformer::cli
