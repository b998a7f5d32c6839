// SPDX-License-Identifier: MIT
// Tensors layers.{i}.<what> [sequences, heads, rows, cols] of a file that somebody else has written.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/memory.h"
#include "checkpoint/tensor_file.h"
#include "model/source.h"

namespace linformer {

/// One such tensor, of any floating-point type.
struct StoredHeads {
  TensorInfo tensor;

  int64_t sequences() const { return tensor.shape[0]; }
  int64_t heads() const { return tensor.shape[1]; }
  int64_t rows() const { return tensor.shape[2]; }
  int64_t cols() const { return tensor.shape[3]; }

  /// The first elements of a row. Throws Error(kInput) naming `file` where one is not finite.
  void read_row(int64_t sequence, int64_t head, int64_t row, const std::string& file,
                std::span<float> out) const;
};

/// "layers.3.q".
std::string layer_name(int64_t layer, const char* what);

/// layers.{i}.<what> from 0 on without a gap, with equal numbers of sequences and heads. Throws Error(kInput)
/// naming the tensor where that is not so.
std::vector<StoredHeads> find_layers(const TensorFile& file, const char* what);

/// Sets facts.sizes from the file's lengths i64 [sequences] (without them all are `size`), facts.documents
/// from its documents i64 [sequences] (without them all are one).
void read_sequences(const TensorFile& file, int64_t sequences, MapSize size, SourceFacts& facts);

/// What the file's metadata says of the model, as `linformer attention` writes it.
struct StoredFacts {
  std::optional<bool> causal = {};  ///< none: not known
  bool bias = false;                ///< the logits are more than s · Q Kᵀ
  int64_t head_size = 0;            ///< 0: not known
  std::vector<double> scales = {};  ///< s of each layer; empty: not known
};
/// Throws Error(kInput) naming the member that is not what it should be.
StoredFacts read_facts(const TensorFile& file);

/// `buffer` as [batch, heads, size.rows, size.cols], rows `wanted_stride` apart if that is more than they
/// are long.
HeadsView<float> reserve_maps(Buffer<float>& buffer, int64_t batch, int64_t heads, MapSize size,
                              int64_t wanted_stride, MemoryAccount& account, std::string_view what);

/// Throws Error(kInput) pointing to where the format is described.
[[noreturn]] void fail_stored(const std::string& file, std::string item, std::string found,
                              std::string expected);

}  // namespace linformer
