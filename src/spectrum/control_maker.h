// SPDX-License-Identifier: MIT
// Turns a layer's maps into those of a control, on all threads.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/dnn.h"
#include "base/run.h"
#include "spectrum/controls.h"
#include "spectrum/records.h"

namespace linformer {

/// Buffers and products of each thread are kept between calls.
class ControlMaker {
 public:
  struct Options {
    uint64_t seed = 0;
    bool causal = false;
    int64_t head_size = 0;  ///< d, the rank of the logits of `matched`
  };

  ControlMaker(const Options& options, Run& run) : options_(options), run_(run) {}

  /// Bytes of its buffers for matrices of this size.
  int64_t buffer_bytes(int64_t rows, int64_t cols) const;

  /// Overwrites each matrix P (of equal size) with its control, drawn for keys[i]'s sequence, layer and head.
  /// `entropies`: mean row entropies of the P of the model, reached by `matched`.
  void make(const std::string& control, std::span<const MatrixView<float>> matrices,
            std::span<const RecordKey> keys, std::span<const double> entropies);

 private:
  struct Worker {
    ProductCache products;
    Buffer<float> factors;
    RawBuffer scratch;
  };

  void matched(MatrixView<float> p, const RecordKey& key, double entropy, Worker& worker);

  Options options_;
  Run& run_;
  std::vector<Worker> workers_;
};

}  // namespace linformer
