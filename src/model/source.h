// SPDX-License-Identifier: MIT
// Where attention comes from: a model run on its inputs, or tensors somebody else has written.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/file_bytes.h"
#include "model/forward.h"

namespace linformer {

/// Rows and columns of one sequence's P.
struct MapSize {
  int64_t rows = 0;
  int64_t cols = 0;
  friend bool operator==(const MapSize&, const MapSize&) = default;
};

/// What is known before anything is computed.
struct SourceFacts {
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t head_size = 0;  ///< d; 0 where it is not known
  bool causal = false;
  bool has_logits = false;
  bool has_bias = false;                ///< the logits are more than s · Q Kᵀ
  std::vector<double> scales = {};      ///< s of each layer; empty where it is not known
  std::vector<MapSize> sizes = {};      ///< of each sequence; the largest where layers differ
  std::vector<int64_t> columns = {};    ///< of each layer's P, where they do not go by the sequence
  std::vector<int64_t> documents = {};  ///< the document each sequence is from, in any order
  /// Positions to cut out of each sequence's P, ascending (special tokens); empty where none are to be cut at
  /// all.
  std::vector<std::vector<int32_t>> dropped = {};

  /// Of a layer's P of sequences of this size.
  MapSize in_layer(MapSize size, int64_t layer) const {
    if (!columns.empty()) size.cols = columns[static_cast<size_t>(layer)];
    return size;
  }
};

/// Streams the layers of sequences to a visitor. One call at a time.
class AttentionSource {
 public:
  virtual ~AttentionSource() = default;
  virtual const SourceFacts& facts() const = 0;
  /// Bytes that run() takes for `sequences` of this size, packed weights included.
  virtual int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) = 0;
  /// Runs sequences (indices) of equal size through layers 0 .. layers − 1.
  virtual void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) = 0;
};

/// Splits `sequences` into groups of equal size, each in ascending order.
std::vector<std::vector<int64_t>> groups_of_equal_size(std::span<const int64_t> sequences,
                                                       const std::vector<MapSize>& sizes);

/// `wanted` ascending without repetition, or 0 .. count − 1 if it is empty. Throws Error(kUsage) naming
/// `option` for one that is not below `count`.
std::vector<int64_t> choose_indices(std::vector<int64_t> wanted, int64_t count, const std::string& option);

/// A model run on inputs of its kind; of an encoder-decoder, the decoder reads the ids shifted right. `model`
/// must outlive it. `dropped`: as in SourceFacts.
std::unique_ptr<AttentionSource> make_model_source(const Model& model, ModelInputs inputs,
                                                   std::vector<std::vector<int32_t>> dropped, Run& run);

/// P from a file: safetensors with layers.{i}.probabilities [sequences, heads, rows, cols] and optionally
/// lengths i64 [sequences] (square, zero-padded) and documents i64 [sequences]; or .npy of one layer
/// [sequences, heads, rows, cols]. The heads are causal if `causal` or the file's metadata says so, or if
/// none of the longest sequences, of two tokens at least, has weight on a later key. Throws Error(kInput)
/// where a row is not a distribution (sum within 1e-2 of 1).
std::unique_ptr<AttentionSource> open_probabilities(std::shared_ptr<const FileBytes> file, bool causal,
                                                    Run& run);

/// P = softmax(scale · Q Kᵀ) from layers.{i}.q [sequences, heads, n, d] and layers.{i}.k [sequences, h_kv, m,
/// d] of a safetensors file, lengths, documents and causal metadata as above. scale 0: that of the metadata,
/// else 1/√d.
std::unique_ptr<AttentionSource> open_queries_keys(const std::shared_ptr<const FileBytes>& file, double scale,
                                                   bool causal, Run& run);

}  // namespace linformer
