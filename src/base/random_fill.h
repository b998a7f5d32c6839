// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "base/random.h"

namespace linformer {

/// N(0, deviation²) everywhere. Piece i of 2^16 elements is drawn from the stream whose index is
/// `stream.index` + i, so the values do not depend on the number of threads. Two draws of one purpose are
/// independent if their indices are at least count/2^16 apart.
void fill_normal(std::span<float> values, float deviation, const RandomStream& stream, int threads);

}  // namespace linformer
