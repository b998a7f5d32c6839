// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "attention/mechanism.h"

namespace linformer {

/// Exact attention that materialises P: O = softmax(s · Q Kᵀ) V, by two matrix products and a softmax between
/// them on blocks of rows that stay in cache.
std::unique_ptr<Mechanism> make_standard();

}  // namespace linformer
