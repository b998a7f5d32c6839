// SPDX-License-Identifier: MIT
// Products of matrices of bfloat16 pairs with f32 sums, by pairs or tiles as the machine has them.
#pragma once

#include <cstdint>

namespace linformer {

/// One product: out (+)= A B. Pairs are along the dimension that is summed over, as pair_rows() makes them of
/// B.
struct Bf16Product {
  const uint32_t* a = nullptr;  ///< [rows, pairs]
  const uint32_t* b = nullptr;  ///< [pairs, cols]
  float* out = nullptr;         ///< [rows, cols]
  int64_t a_stride = 0, b_stride = 0, out_stride = 0;
  int64_t rows = 0, pairs = 0, cols = 0;
  bool add = false;  ///< to what is in out
  /// Rows [coming_rows, coming_cols] of bfloat16 that will be wanted next, to be brought nearer meanwhile.
  const uint16_t* coming = nullptr;
  int64_t coming_stride = 0, coming_rows = 0, coming_cols = 0;
};

/// Elements below 2^-126 count as zeros. Only where has_bf16_products(), as round_row().
void bf16_product(const Bf16Product& product);

/// The same by one of the two, whatever bf16_products() says.
void bf16_pair_product(const Bf16Product& product);
void bf16_tile_product(const Bf16Product& product);

/// The nearest bfloat16 of each of `count` elements, times `factor`; the even one of two that are as near.
void round_row(const float* from, int64_t count, float factor, uint16_t* to);

}  // namespace linformer
