// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "attention/mechanism.h"

namespace linformer {

/// "flash": exact attention without P (Dao et al. 2022, "FlashAttention"); memory beside its input and output
/// is of the order of queries + keys at most. O is within 2e-6 of max |O| of f64 where logits are below 30 or
/// so.
std::unique_ptr<Mechanism> make_flash();

}  // namespace linformer
