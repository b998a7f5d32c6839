// SPDX-License-Identifier: MIT
// Which sequences are learnt from and which are judged by.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace linformer {

struct Split {
  std::vector<int64_t> calibration, evaluation;  ///< sequences, ascending
  int64_t calibration_documents = 0;             ///< 0: a document is in both
};

/// The first documents, in the order in which they appear, until they have `share` of the sequences, but not
/// all documents; the rest is evaluation. A single document is cut in two. Share 0: nothing is calibration.
/// Throws Error(kInput) if a share is wanted of fewer than two sequences.
Split split_sequences(std::span<const int64_t> documents, double share);

}  // namespace linformer
