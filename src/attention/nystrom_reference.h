// SPDX-License-Identifier: MIT
// A Nyströmformer's attention by plain loops in f64.
#pragma once

#include <cstdint>
#include <span>

#include "attention/mechanism.h"
#include "attention/nystrom_options.h"

namespace linformer {

/// As Mechanism::reference(). Its amplification is (|Z|∞ max |B V| + max |Z B V|) / max |O|: what is computed
/// in f32, B V, F and their product with Z B V, is off by so many times its rounding.
ReferenceRows nystrom_reference(const NystromOptions& options, const AttentionShape& shape,
                                const AttentionInput& in, int64_t b, int64_t h,
                                std::span<const int64_t> rows);

}  // namespace linformer
