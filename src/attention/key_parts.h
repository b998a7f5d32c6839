// SPDX-License-Identifier: MIT
// Few queries over many keys: the keys of a head are divided among pieces of work, and what these leave is
// joined.
#pragma once

#include <cstdint>

#include "attention/mechanism.h"
#include "kernels/attention_part.h"

namespace linformer {

/// How the keys of a head are divided. It follows from the numbers of queries and keys and the kernel's
/// block, so that results depend neither on threads nor on other heads and sequences.
class KeyParts {
 public:
  /// `block`: queries that a kernel works on together.
  KeyParts(const AttentionShape& shape, int64_t block);

  int64_t count() const { return count_; }
  bool divided() const { return count_ > 1; }
  /// Keys [begin, end) of a part; every begin is a multiple of what kernels take at a time.
  int64_t begin(int64_t part) const { return part * size_; }
  int64_t end(int64_t part) const { return part + 1 < count_ ? begin(part + 1) : keys_; }

  /// Floats that all parts of all heads leave, 0 where nothing is divided. Never less for more keys.
  static int64_t floats(const AttentionShape& shape, int64_t block);

  /// Where one part of head h of sequence b leaves its outputs, within `room` of floats().
  AttentionPart place(float* room, int64_t b, int64_t h, int64_t part) const;

  /// O [queries, value_size] of head h of sequence b from what all its parts left, rounded to f32 or bf16
  /// once: with m the least shift of the parts that saw keys, Σ 2^(m − shift) o / Σ 2^(m − shift) sum. Rows
  /// that no part saw keys of become zeros.
  template <class T>
  void join(float* room, int64_t b, int64_t h, MatrixView<T> out) const;

 private:
  int64_t heads_, queries_, keys_, value_size_;
  int64_t count_, size_;
};

}  // namespace linformer
