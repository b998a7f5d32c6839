// SPDX-License-Identifier: MIT
#include "attention/slot_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace linformer {
namespace {

using Kind = SlotWeights::Kind;

// Adds what position j, which is row `row` of the input, gives to slot i.
void add_position(const SlotWeights& w, int64_t group, int64_t i, int64_t j, const float* row,
                  std::span<double> slot) {
  const int64_t d = std::ssize(slot), begin = window_of(w, d, i).begin;
  const int64_t kernel = w.kind == Kind::kConvolution ? w.weight.cols / d : 0;
  const auto factor = static_cast<double>(w.factor);
  for (int64_t c = 0; c < d; ++c) {
    double& sum = slot[static_cast<size_t>(c)];
    const auto x = static_cast<double>(row[c]);
    switch (w.kind) {
      case Kind::kMatrix:
        sum += factor * static_cast<double>(w.weight.row(group * w.k + i)[j]) * x;
        break;
      case Kind::kConvolution:
        for (int64_t from = 0; from < d; ++from) {
          const float weight = w.weight.row(group * d + c)[from * kernel + j - begin];
          sum += factor * static_cast<double>(weight) * static_cast<double>(row[from]);
        }
        break;
      case Kind::kMeanPooling:
        sum += x;
        break;
      case Kind::kMaxPooling:
        if (sum < x || std::isnan(x)) sum = x;
        break;
    }
  }
}

}  // namespace

ReferenceSlots reference_slots(const SlotWeights& w, int64_t group, MatrixView<const float> in,
                               const float* mask) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const int64_t d = in.cols;
  ReferenceSlots all;
  for (int64_t i = 0; i < w.k; ++i) {
    std::vector<double> slot(static_cast<size_t>(d), w.kind == Kind::kMaxPooling ? kNever : 0);
    double count = 0;
    const Window window = window_of(w, d, i);
    for (int64_t j = window.begin; j < std::min(window.end, in.rows); ++j) {
      if (mask != nullptr && mask[j] != 0) continue;
      add_position(w, group, i, j, in.row(j), slot);
      ++count;
    }
    for (double& x : slot) {
      if (w.kind == Kind::kMeanPooling && count > 0) x /= count;
      if (w.kind == Kind::kMaxPooling && count == 0) x = 0;
    }
    all.values.insert(all.values.end(), slot.begin(), slot.end());
    all.mask.push_back(count > 0 ? 0.0f : static_cast<float>(kNever));
  }
  return all;
}

}  // namespace linformer
