// SPDX-License-Identifier: MIT
// Σσ of a P that is only known by its products: tr √(PᵀP) by random probes, each bracketed by Gauss
// quadrature (Golub and Meurant, "Matrices, Moments and Quadrature", 2010; stochastic Lanczos quadrature).
#pragma once

#include <cstdint>
#include <optional>

#include "base/order_statistics.h"
#include "base/random.h"
#include "spectrum/attention_operator.h"
#include "spectrum/block_krylov.h"
#include "spectrum/certificates.h"

namespace linformer {

struct NuclearNormOptions {
  int64_t probes = 16;       ///< at least 1
  double confidence = 0.99;  ///< besides that of the residual's bound
  RandomStream stream = {};
};

/// The most steps of Golub-Kahan bidiagonalisation, of two passes over P each, from so many probes: 16 for
/// 16, and twice as many for eight times as many, so that neither they nor the quadrature are for nothing.
int64_t most_probe_steps(int64_t probes);

/// An interval at the confidence. Ritz vectors whose part of the trace is known to a thousandth, by the
/// bounds of `in`, are taken out of the probes. The others' trace is bounded by the mean over probes of gᵀ
/// √(PᵀP) g, g standard normal without those vectors (see random_trace.h), around the bracket that
/// Golub-Kahan bidiagonalisation gives it, which ends when that is narrow beside what the probes leave open,
/// or after most_probe_steps(). Nothing if it was stopped.
std::optional<Interval> nuclear_norm(AttentionOperator& p, const BlockKrylov& krylov, const RitzValues& ritz,
                                     const CertificateInput& in, const NuclearNormOptions& options);

/// Bytes of its buffers.
int64_t nuclear_norm_bytes(int64_t rows, int64_t cols, int64_t basis, int64_t probes, int threads);

}  // namespace linformer
