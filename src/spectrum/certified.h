// SPDX-License-Identifier: MIT
// The leading singular values of one head without its P, with what is proved of them.
#pragma once

#include <cstdint>
#include <optional>

#include "base/random.h"
#include "spectrum/attention_operator.h"
#include "spectrum/result.h"

namespace linformer {

struct CertifiedOptions {
  int64_t values = 128;     ///< R: leading singular values wanted; fewer where P has fewer
  double tolerance = 1e-3;  ///< of the energy of the first R: where its interval is narrower, iteration ends
  int64_t basis = 0;    ///< vectors of the Krylov basis, in whole blocks, not below R; 0: R and 161 to 240
  int64_t probes = 16;  ///< of the nuclear norm; 0: it is not estimated
  uint64_t seed = 1;
};

/// Most columns of a Krylov block. A pass takes as long for P itself as for some 64 columns, and a cluster of
/// values, such as the d that follow σ₁ where scores vary little, is found once it fits into a block.
inline constexpr int64_t kKrylovWidth = 80;

/// Bytes of all buffers for P [rows, cols] of head size d.
int64_t certified_bytes(int64_t rows, int64_t cols, int64_t head_size, const CertifiedOptions& options,
                        int threads);

/// Floating-point operations of all products with P, where no tolerance ends the iteration; causal or not.
double certified_operations(int64_t rows, int64_t cols, int64_t head_size, const CertifiedOptions& options);

/// `index`: which head of all, for the random draws. Nothing if run.stop was requested meanwhile.
std::optional<CertifiedSpectrum> certified_spectrum(const AttentionOperator::Head& head,
                                                    const CertifiedOptions& options, uint64_t index,
                                                    Run& run);

}  // namespace linformer
