// SPDX-License-Identifier: MIT
// bf16_attention by pairs and by tiles. For the files of that kernel only.
#pragma once

#include <hwy/base.h>

#include "kernels/bf16_attention.h"

namespace linformer {

/// Floats of workspace of either.
int64_t bf16_room_floats(int64_t head_size, int64_t value_size);

/// V as pair_rows() makes it.
void bf16_pair_attention(const Bf16Attention& call, int64_t first, int64_t rows, float* workspace);

/// V as bf16_tile_values() makes it.
void bf16_tile_attention(const Bf16Attention& call, int64_t first, int64_t rows, float* workspace);

/// Vᵀ with a row of ones below, in whole tiles, with zeros where there is none.
void bf16_tile_values(const uint16_t* v, int64_t stride, int64_t keys, int64_t value_size, void* out);
int64_t bf16_tile_values_floats(int64_t keys, int64_t value_size);

}  // namespace linformer
