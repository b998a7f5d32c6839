// SPDX-License-Identifier: MIT
// What follows "linformer:" in the specification of a mechanism.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace linformer {

/// The choices that make one Linformer (arXiv 2006.04768, section 4).
struct LinformerOptions {
  /// Who uses the same matrices; each level includes those before it.
  enum class Sharing {
    kNone,      ///< E and F of every head of every layer
    kHeadwise,  ///< E and F of a layer
    kKeyValue,  ///< one matrix of a layer for keys and values
    kLayerwise  ///< one matrix
  };
  /// Where E and F stand to the weights of keys and values, X being the layer's input.
  enum class Order {
    kAfterWeights,  ///< K̄ = E (X W + b), as the paper has it
    kBeforeWeights  ///< K̄ = (E X) W + b, as fairseq has it; means nothing where Q, K and V are given
  };

  int64_t k = 256;  ///< slots
  Sharing sharing = Sharing::kLayerwise;
  Order order = Order::kAfterWeights;

  bool of_heads() const { return sharing == Sharing::kNone; }
  bool one_matrix() const { return sharing == Sharing::kKeyValue || sharing == Sharing::kLayerwise; }
};

/// From "k=256,sharing=layerwise,order=after-weights", each of which may be missing. Throws Error(kUsage) for
/// another option or value.
LinformerOptions parse_linformer_options(std::string_view text);

/// "linformer:k=256,sharing=layerwise", and what is not as usual.
std::string canonical(const LinformerOptions& options);

}  // namespace linformer
