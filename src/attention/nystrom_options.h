// SPDX-License-Identifier: MIT
// What follows "nystrom:" in the specification of a mechanism.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace linformer {

/// The choices that make one Nyströmformer's attention (arXiv 2102.03902), its learned convolution left out.
struct NystromOptions {
  /// How the pseudo-inverse of attention among landmarks is found.
  enum class Inverse {
    kIterative,  ///< so many steps of the paper's iteration, as trained models have it
    kExact       ///< Moore and Penrose's, of singular values above m · 2⁻²³ of the largest
  };

  int64_t landmarks = 64;  ///< m
  Inverse inverse = Inverse::kIterative;
  int64_t iterations = 6;
};

/// From "landmarks=64,inverse=iterative,iterations=6", each at most once. Throws Error(kUsage).
NystromOptions parse_nystrom_options(std::string_view text);

/// "nystrom:landmarks=64", and what is not as usual.
std::string canonical(const NystromOptions& options);

}  // namespace linformer
