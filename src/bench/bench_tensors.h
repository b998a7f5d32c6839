// SPDX-License-Identifier: MIT
// Q, K, V and O that the cells of a shape share.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "attention/mechanism.h"
#include "base/memory.h"
#include "base/run.h"

namespace linformer {

/// Dense [b, h, n, d] each, Q and O with as many rows as there are queries, in f32, in bf16, or in both with
/// the same values up to rounding. A cell reads as much from their beginning as it has.
class BenchTensors {
 public:
  enum class Part { kQuery, kKey, kValue };
  struct Types {
    bool f32 = true, bf16 = false;
  };

  /// Room for this shape, and for those with fewer heads or sequences.
  BenchTensors(const AttentionShape& largest, Types types, Run& run);

  /// Elements from `first` on. From several threads at a time for different ones.
  void put(Part part, int64_t first, std::span<const float> values);

  /// T is float or Bf16, of the types that were asked for.
  template <class T>
  AttentionInputOf<T> input(const AttentionShape& shape) const;
  template <class T>
  HeadsView<T> output(const AttentionShape& shape) const;

  /// √ of the mean variance of s q·k over the keys of a query: what decides how peaked rows of P are. Of some
  /// queries of every head of the first sequence.
  double score_deviation(const AttentionShape& shape, int threads) const;

 private:
  template <class T>
  struct Set {
    Set(const AttentionShape& largest, MemoryAccount& memory);
    Buffer<T> q, k, v, o;
  };
  template <class T>
  const Set<T>& set() const;

  std::optional<Set<float>> f32_;
  std::optional<Set<Bf16>> bf16_;
};

/// Of Q, and of O: b · h · queries · d.
int64_t query_elements(const AttentionShape& shape);
/// Of K, and of V: b · h · keys · d.
int64_t key_elements(const AttentionShape& shape);

}  // namespace linformer
