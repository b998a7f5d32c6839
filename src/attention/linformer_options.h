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

  /// How slots are made of positions.
  enum class Projection {
    kLearned,      ///< E and F as they are given
    kGaussian,     ///< E = δ R, F = e^−δ R, R of N(0, 1/k), δ = 1/n (theorem 2): random and not trained
    kMeanPooling,  ///< the mean of each of k windows that divide the positions
    kMaxPooling,   ///< the largest of each element in it
    kConvolution   ///< along the sequence, kernel and stride ⌈n/k⌉
  };

  int64_t k = 256;  ///< slots
  Sharing sharing = Sharing::kLayerwise;
  Projection projection = Projection::kLearned;
  Order order = Order::kAfterWeights;
  int64_t n =
      0;  ///< positions that E and F are made for, of which shorter inputs take the first; 0: the input's

  bool of_heads() const { return sharing == Sharing::kNone && !pools(); }
  /// Whether keys and values have the same parameters.
  bool one_matrix() const {
    return sharing == Sharing::kKeyValue || sharing == Sharing::kLayerwise ||
           projection == Projection::kGaussian;
  }
  /// Whether slots are made without parameters.
  bool pools() const {
    return projection == Projection::kMeanPooling || projection == Projection::kMaxPooling;
  }
  /// Whether each slot has positions of its own.
  bool windows() const { return pools() || projection == Projection::kConvolution; }
};

/// From "k=256,sharing=layerwise,projection=learned,order=after-weights,n=512", each of which may be missing.
/// Throws Error(kUsage) for another option or value, and for the sharing of what has no parameters.
LinformerOptions parse_linformer_options(std::string_view text);

/// Throws Error(kUsage) for what a Linformer cannot do.
[[noreturn]] void refuse_linformer(std::string found, std::string expected);

/// "linformer:k=256,sharing=layerwise", and what is not as usual; without the sharing where nothing can be
/// shared.
std::string canonical(const LinformerOptions& options);

}  // namespace linformer
