// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "attention/mechanism.h"

namespace linformer {

/// O = softmax(s · Q K̄ᵀ) V̄ with K̄ = E K and V̄ = F V, E and F [k, n] (arXiv 2006.04768): P̄ [n, k] is
/// materialised. Its parameters are E, and F unless they are one: [k, n], of sharing "none" [heads, k, n].
/// "layerwise" is "key-value" with the same E given to every layer. `options`: "k=256,sharing=layerwise",
/// each of which may be missing. Throws Error(kUsage) for another option or value.
std::unique_ptr<Mechanism> make_linformer(std::string_view options);

}  // namespace linformer
