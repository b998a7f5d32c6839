// SPDX-License-Identifier: MIT
// What T5 was pre-trained to do (Raffel et al. 2019, section 3.1.4): fill in spans that were left out.
#pragma once

#include <cstdint>
#include <span>

#include "model/language_model.h"

namespace linformer {

/// Of the ids before those special ones that end the sequence, 15 % (at least one) are left out, in spans of
/// 3 on average, before each of which at least one stays. The encoder reads a sentinel for each span, the
/// decoder is to predict the spans, each after its sentinel, then one more sentinel; the ids that end the
/// sequence end both. Depends on (seed, index) alone. Nothing is predicted where there are fewer than 2 ids
/// to choose from. Throws Error(kInput) where the sentinels do not suffice.
Prediction corrupt_spans(std::span<const int32_t> ids, std::span<const int32_t> special_ids,
                         std::span<const int32_t> sentinels, int32_t start_id, uint64_t seed, uint64_t index);

}  // namespace linformer
