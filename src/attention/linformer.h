// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "attention/mechanism.h"

namespace linformer {

/// O = softmax(s · Q K̄ᵀ) V̄ with K̄ = E K and V̄ = F V, E and F [k, n] (arXiv 2006.04768), or with what another
/// projection makes of K and V, in one pass over the slots; P̄ [n, k] is made only where it is tapped. What is
/// masked takes no part, and a slot of which nothing is left gets no weight. Parameters: E, and F unless they
/// are one, [k, n], of a convolution [d, d, c] with c = ⌈n/k⌉; R [k, n] of a Gaussian projection; none where
/// windows are pooled; of sharing "none" as many as heads. "layerwise" is "key-value" with the same E given
/// to every layer. `options`: see parse_linformer_options().
std::unique_ptr<Mechanism> make_linformer(std::string_view options);

}  // namespace linformer
