// SPDX-License-Identifier: MIT
#include "base/random_fill.h"

#include <algorithm>

#include "base/threads.h"

namespace linformer {

void fill_normal(std::span<float> values, float deviation, const RandomStream& stream, int threads) {
  constexpr int64_t kPiece = 1 << 16;
  const int64_t count = std::ssize(values);
  parallel_for(threads, (count + kPiece - 1) / kPiece, [&](int64_t piece, int) {
    Random random({.seed = stream.seed,
                   .purpose = stream.purpose,
                   .index = stream.index + static_cast<uint64_t>(piece)});
    const int64_t end = std::min(count, (piece + 1) * kPiece);
    for (int64_t i = piece * kPiece; i < end; ++i) {
      values[static_cast<size_t>(i)] = deviation * random.normal();
    }
  });
}

}  // namespace linformer
