// SPDX-License-Identifier: MIT
// Sources of attention over small files made here.
#pragma once

#include <memory>
#include <vector>

#include "base/random.h"
#include "io/error_of.h"
#include "recorder.h"

namespace linformer {

using Floats = std::vector<float>;
using Indices = std::vector<int64_t>;

inline constexpr int kInput = static_cast<int>(ErrorCode::kInput);

class FileSources {
 public:
  std::unique_ptr<AttentionSource> probabilities(const std::vector<MadeTensor>& tensors) {
    return open_probabilities(FileBytes::open(put_tensors(folder, tensors), true), false, run);
  }
  std::unique_ptr<AttentionSource> queries_keys(const std::vector<MadeTensor>& tensors, double scale = 0,
                                                bool causal = false) {
    return open_queries_keys(FileBytes::open(put_tensors(folder, tensors), true), scale, causal, run);
  }

  TemporaryFolder folder;
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
};

/// Standard normal.
inline Floats gaussian(int64_t count, uint64_t index) {
  Random random({.seed = 4, .purpose = 99, .index = index});
  Floats values(static_cast<size_t>(count));
  std::generate(values.begin(), values.end(), [&] { return random.normal(); });
  return values;
}

}  // namespace linformer
