// SPDX-License-Identifier: MIT
#include <hwy/base.h>

#include "kernels/bf16_product.h"

#if HWY_ARCH_X86_64

#include "kernels/ahead.h"
#include "kernels/bf16_tiles-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

constexpr int64_t kSide = 16;  // rows, pairs and columns of a tile

// R x C tiles of the result at (row, col), over whole tiles of pairs.
template <int R, int C>
HWY_NOINLINE void multiply_tiles(const Bf16Product& p, int64_t row, int64_t col) {
  const auto bytes = [](int64_t elements) { return elements * 4; };
  float* const out = p.out + row * p.out_stride + col;
  float* const below = out + kSide * p.out_stride;
  finish_writing();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  if (p.add) {
    _tile_loadd(0, out, bytes(p.out_stride));
    if constexpr (C > 1) _tile_loadd(1, out + kSide, bytes(p.out_stride));
    if constexpr (R > 1) _tile_loadd(2, below, bytes(p.out_stride));
    if constexpr (R > 1 && C > 1) _tile_loadd(3, below + kSide, bytes(p.out_stride));
  }
  const uint32_t* const a = p.a + row * p.a_stride;
  const uint32_t* const b = p.b + col;
  for (int64_t j = 0; j < p.pairs; j += kSide) {
    _tile_loadd(4, a + j, bytes(p.a_stride));
    _tile_loadd(6, b + j * p.b_stride, bytes(p.b_stride));
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (C > 1) {
      _tile_loadd(7, b + j * p.b_stride + kSide, bytes(p.b_stride));
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (R > 1) {
      _tile_loadd(5, a + kSide * p.a_stride + j, bytes(p.a_stride));
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (R > 1 && C > 1) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, out, bytes(p.out_stride));
  if constexpr (C > 1) _tile_stored(1, out + kSide, bytes(p.out_stride));
  if constexpr (R > 1) _tile_stored(2, below, bytes(p.out_stride));
  if constexpr (R > 1 && C > 1) _tile_stored(3, below + kSide, bytes(p.out_stride));
}

// Two rows of tiles, or one.
template <int R>
void multiply_rows(const Bf16Product& p, int64_t row) {
  int64_t col = 0;
  for (; col + 2 * kSide <= p.cols; col += 2 * kSide) multiply_tiles<R, 2>(p, row, col);
  if (col + kSide <= p.cols) multiply_tiles<R, 1>(p, row, col);
}

constexpr int64_t whole(int64_t count) { return count / kSide * kSide; }

}  // namespace

void bf16_tile_product(const Bf16Product& p) {
  const int64_t rows = whole(p.rows), cols = whole(p.cols), pairs = whole(p.pairs);
  {
    const TilesInUse tiles;
    Bf16Product part = p;
    part.pairs = pairs;
    Ahead ahead(rows / (2 * kSide));
    ahead.add(p.coming, p.coming_stride, 0, p.coming_rows, p.coming_cols);
    int64_t row = 0;
    for (; row + 2 * kSide <= rows; row += 2 * kSide) {
      ahead.request();
      multiply_rows<2>(part, row);
    }
    if (row < rows) multiply_rows<1>(part, row);
  }
  // What does not fill a tile: pairs, columns, rows.
  const auto rest = [&](int64_t row, int64_t row_count, int64_t pair, int64_t col, int64_t col_count) {
    if (row_count == 0 || pair == p.pairs || col_count == 0) return;
    bf16_pair_product({.a = p.a + row * p.a_stride + pair,
                       .b = p.b + pair * p.b_stride + col,
                       .out = p.out + row * p.out_stride + col,
                       .a_stride = p.a_stride,
                       .b_stride = p.b_stride,
                       .out_stride = p.out_stride,
                       .rows = row_count,
                       .pairs = p.pairs - pair,
                       .cols = col_count,
                       .add = p.add || pair > 0});
  };
  rest(0, rows, pairs, 0, cols);
  rest(0, rows, 0, cols, p.cols - cols);
  rest(rows, p.rows - rows, 0, 0, p.cols);
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

#endif
