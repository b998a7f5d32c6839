// SPDX-License-Identifier: MIT
#pragma once

#include "attention/mechanism.h"

namespace linformer {

/// Of exact attention: 2 n² d for Q Kᵀ and as much for P V; half of it where causal.
inline double exact_flops(const AttentionShape& s) {
  const double full = 2.0 * static_cast<double>(s.batch * s.heads * s.queries * s.keys) *
                      static_cast<double>(s.head_size + s.value_size);
  return s.causal ? full / 2 : full;
}

}  // namespace linformer
