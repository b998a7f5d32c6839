// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "attention/mechanism.h"

namespace linformer {

/// Exact attention that materialises P of all heads, as the Transformer was written down: O =
/// softmax(s · Q Kᵀ) V, by two matrix products and a softmax between them, on blocks of rows while these are
/// in cache. P is in the workspace, or where a tap wants it; with a tap of the logits alone it is not kept.
std::unique_ptr<Mechanism> make_standard();

}  // namespace linformer
