// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "report/field.h"

namespace linformer {

/// "bert, 4 x 3 heads, n = 512, 8 sequences" of a report's root, with "Not the paper's model: " before it
/// where it is none of the two RoBERTa of the paper at its length. `length` 0: the sequences differ.
std::string model_headline(const Field& root, int64_t length, int64_t sequences);

}  // namespace linformer
