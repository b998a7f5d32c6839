// SPDX-License-Identifier: MIT
#include "kernels/bf16_attention.h"

#include "kernels/bf16_pairs.h"
#include "kernels/bf16_steps.h"
#include "kernels/isa.h"

namespace linformer {

#if HWY_ARCH_X86_64

int64_t bf16_attention_workspace(int64_t head_size, int64_t value_size) {
  return bf16_room_floats(head_size, value_size);
}

int64_t bf16_values_floats(int64_t keys, int64_t value_size) {
  if (bf16_products() == Bf16Products::kTiles) return bf16_tile_values_floats(keys, value_size);
  return pairs_of(keys) * value_size;
}

void bf16_values(const uint16_t* v, int64_t stride, int64_t keys, int64_t value_size, float* out) {
  if (bf16_products() == Bf16Products::kTiles) return bf16_tile_values(v, stride, keys, value_size, out);
  pair_rows(v, stride, keys, value_size, reinterpret_cast<uint32_t*>(out));
}

void bf16_attention(const Bf16Attention& call, int64_t first, int64_t rows, float* workspace) {
  if (bf16_products() == Bf16Products::kTiles) return bf16_tile_attention(call, first, rows, workspace);
  bf16_pair_attention(call, first, rows, workspace);
}

#else  // has_bf16_products() is false, and none is called

int64_t bf16_attention_workspace(int64_t, int64_t) { return 0; }
int64_t bf16_values_floats(int64_t, int64_t) { return 0; }
void bf16_values(const uint16_t*, int64_t, int64_t, int64_t, float*) {}
void bf16_attention(const Bf16Attention&, int64_t, int64_t, float*) {}

#endif

}  // namespace linformer
