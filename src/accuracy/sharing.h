// SPDX-License-Identifier: MIT
// Which heads have a learnt thing in common: two of the paper's levels of sharing, and a head's own.
#pragma once

#include <cstdint>
#include <string_view>

#include "accuracy/replacement.h"

namespace linformer {

enum class HeadSharing { kHead, kLayer, kModel };
/// "head", "layer", "model".
std::string_view name_of(HeadSharing sharing);

/// How many groups of heads there are, and the number of a head's.
int64_t group_count(HeadSharing sharing, const ReplacementSizes& sizes);
int64_t group_of(HeadSharing sharing, const ReplacementSizes& sizes, int64_t layer, int64_t head);

}  // namespace linformer
