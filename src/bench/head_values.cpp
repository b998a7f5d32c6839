// SPDX-License-Identifier: MIT
#include "bench/head_values.h"

#include <algorithm>
#include <vector>

#include "base/index.h"
#include "base/random_fill.h"
#include "base/threads.h"

namespace linformer {
namespace {

using Part = BenchTensors::Part;

// Streams of random numbers that begin with this are of nothing else in the program.
constexpr uint32_t kPurpose = 0xb0;
constexpr int64_t kPiece = 1 << 16;

}  // namespace

void DrawnValues::fill(const AttentionShape& shape, BenchTensors& tensors, Run& run) const {
  for (const Part part : {Part::kQuery, Part::kKey, Part::kValue}) {
    const uint32_t purpose = kPurpose + static_cast<uint32_t>(part);
    const float deviation = part == Part::kQuery ? score_deviation_ : 1;
    const int64_t count = part == Part::kQuery ? query_elements(shape) : key_elements(shape);
    parallel_for(run.threads, (count + kPiece - 1) / kPiece, [&](int64_t piece, int) {
      std::vector<float> values(index(std::min(kPiece, count - piece * kPiece)));
      fill_normal(values, deviation,
                  {.seed = seed_, .purpose = purpose, .index = static_cast<uint64_t>(piece)}, 1);
      tensors.put(part, piece * kPiece, values);
    });
  }
}

}  // namespace linformer
