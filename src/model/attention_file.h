// SPDX-License-Identifier: MIT
// Writes what attention computes as a safetensors file, layer by layer as it is computed.
#pragma once

#include <string>
#include <vector>

#include "model/source.h"

namespace linformer {

/// Which tensors to write.
struct AttentionFileParts {
  bool probabilities = false;
  bool logits = false;
  bool q = false, k = false, v = false;
  bool hidden = false;  ///< each layer's output, embeddings.hidden and final.hidden
};

struct AttentionFileOptions {
  AttentionFileParts parts;
  std::vector<int64_t> layers = {}, heads = {};  ///< empty: all
  int64_t batch = 0;                             ///< sequences at a time; 0: one
};

/// Bytes of the file's tensors.
int64_t attention_file_bytes(const AttentionSource& source, int64_t width,
                             const AttentionFileOptions& options);

/// layers.{i}.probabilities and .logits [sequences, heads, n, n], .q, .k, .v [sequences, heads, n, d],
/// .hidden [sequences, n, width], all f32; n the longest sequence, shorter ones zero-padded, with lengths i64
/// [sequences]; and documents i64 [sequences]. The disk is reserved first (Error(kWrite) with both numbers).
/// Error(kInput) naming tensor and sequence where the model gives NaN or infinity.
/// Stopped, it keeps the sequences that are done, marked complete = false in the metadata. Returns how many
/// were written. `width`: of the hidden states.
int64_t write_attention_file(const std::string& path, AttentionSource& source, int64_t width,
                             AttentionFileOptions options, Run& run);

}  // namespace linformer
