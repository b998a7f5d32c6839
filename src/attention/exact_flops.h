// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "attention/mechanism.h"

namespace linformer {

/// Entries of P of one head that causal attention does not hide, a diagonal one counting half: with as many
/// queries as keys half of all.
inline double causal_entries(const AttentionShape& s) {
  const auto queries = static_cast<double>(s.queries), keys = static_cast<double>(s.keys),
             past = static_cast<double>(s.past);
  // Rows before the one that sees the last key, and those from it on.
  const double rising = std::clamp(keys - past, 0.0, queries);
  return rising * (past + rising / 2) + (queries - rising) * keys;
}

/// Of exact attention: 2 n² d for Q Kᵀ and as much for P V; of what is not hidden where causal.
inline double exact_flops(const AttentionShape& s) {
  const double entries =
      s.causal ? causal_entries(s) : static_cast<double>(s.queries) * static_cast<double>(s.keys);
  return 2.0 * static_cast<double>(s.batch * s.heads) * entries *
         static_cast<double>(s.head_size + s.value_size);
}

}  // namespace linformer
