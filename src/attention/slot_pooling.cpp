// SPDX-License-Identifier: MIT
#include "attention/slot_pooling.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "attention/slot_projection.h"

namespace linformer {
namespace {

constexpr int64_t kChain = 128;  // rows that are added one after another, lest long sums lose digits

// Calls f(row) for the rows of a window that count; how many did.
template <class F>
int64_t for_each_row(Window window, MatrixView<const float> in, const float* mask, F&& f) {
  int64_t count = 0;
  for (int64_t j = window.begin; j < std::min(window.end, in.rows); ++j) {
    if (mask != nullptr && mask[j] != 0) continue;
    f(in.row(j));
    ++count;
  }
  return count;
}

}  // namespace

void mean_windows(const SlotWeights& w, MatrixView<const float> in, const float* mask, float* room,
                  MatrixView<float> out) {
  const int64_t d = in.cols;
  for (int64_t i = 0; i < w.k; ++i) {
    float* const mean = out.row(i);
    std::fill_n(mean, d, 0.0f);
    const Window window = window_of(w, d, i);
    int64_t count = 0;
    for (int64_t begin = window.begin; begin < window.end; begin += kChain) {
      std::fill_n(room, d, 0.0f);
      count += for_each_row({begin, std::min(window.end, begin + kChain)}, in, mask, [&](const float* row) {
        std::transform(room, room + d, row, room, std::plus<>());
      });
      std::transform(mean, mean + d, room, mean, std::plus<>());
    }
    const float part = 1 / static_cast<float>(std::max<int64_t>(count, 1));
    std::for_each(mean, mean + d, [=](float& x) { x *= part; });
  }
}

void max_windows(const SlotWeights& w, MatrixView<const float> in, const float* mask, MatrixView<float> out) {
  const int64_t d = in.cols;
  for (int64_t i = 0; i < w.k; ++i) {
    float* const most = out.row(i);
    std::fill_n(most, d, -std::numeric_limits<float>::infinity());
    const int64_t count = for_each_row(window_of(w, d, i), in, mask, [&](const float* row) {
      std::transform(most, most + d, row, most,
                     [](float a, float b) { return a < b || std::isnan(b) ? b : a; });
    });
    if (count == 0) std::fill_n(most, d, 0.0f);
  }
}

}  // namespace linformer
