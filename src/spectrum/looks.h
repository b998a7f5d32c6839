// SPDX-License-Identifier: MIT
// When --until-width looks at the intervals, and with which confidence (METHODS.md).
#pragma once

#include <cstdint>

namespace linformer {

/// Confidence of the intervals at look j = 1, 2, ...: 1 − 0.05 / (j (j + 1)); the shares of error sum to
/// 0.05.
double look_confidence(int64_t look);

/// The looks of a run: the j-th is due at the end of the first batch with at least 2^(j+2) finished
/// sequences. A batch that passes several takes them as one, the last.
class Looks {
 public:
  /// `finished`: sequences done in batches of `batch` before a run is resumed. The looks before the last of
  /// these batches count as taken; the one at it is due again, and so ends the run again if it did.
  Looks(int64_t batch, int64_t finished);

  /// Whether a look is due, which then counts as taken.
  bool take(int64_t finished);
  /// Of the last look taken.
  double confidence() const { return look_confidence(look_); }
  /// Of the results: that of the last look, or of one more if sequences have been added since.
  double final_confidence(int64_t finished) const;

 private:
  int64_t look_ = 0;        ///< the last one taken
  int64_t looked_at_ = -1;  ///< sequences finished then
  int64_t next_ = 8;        ///< sequences
};

}  // namespace linformer
