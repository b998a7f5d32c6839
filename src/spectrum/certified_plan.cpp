// SPDX-License-Identifier: MIT
#include "spectrum/certified_plan.h"

#include <algorithm>

#include "spectrum/block_krylov.h"
#include "spectrum/nuclear_norm.h"

namespace linformer {
namespace {

// Columns of the blocks that make up so many vectors.
int64_t krylov_width(int64_t vectors) {
  const int64_t blocks = std::max<int64_t>(1, (vectors + kKrylovWidth - 1) / kKrylovWidth);
  return (vectors + blocks - 1) / blocks;
}

// Vectors of a Krylov basis, at most.
int64_t krylov_capacity(const CertifiedOptions& options, int64_t rows) {
  const int64_t basis =
      options.basis > 0 ? options.basis : (options.values / kKrylovWidth + 3) * kKrylovWidth;
  const int64_t width = krylov_width(basis), capacity = (basis + width - 1) / width * width;
  return capacity + kResidualWidth * kResidualSteps <= rows ? capacity : rows;
}

}  // namespace

CertifiedPlan::CertifiedPlan(int64_t rows, int64_t cols, const CertifiedOptions& options)
    : capacity(krylov_capacity(options, rows)),
      width(krylov_width(capacity)),
      enough(std::min({options.values, rows, cols})),
      has_residual(capacity < rows) {}

int64_t certified_bytes(int64_t rows, int64_t cols, int64_t head_size, const CertifiedOptions& options,
                        int threads) {
  const CertifiedPlan plan(rows, cols, options);
  const int64_t widest = std::max(plan.widest() + kResidualWidth, options.probes);
  return AttentionOperator::buffer_bytes(rows, cols, head_size, widest, threads) +
         BlockKrylov::buffer_bytes(rows, cols, plan.room(), plan.widest(), kResidualWidth, threads) +
         (options.probes > 0 ? nuclear_norm_bytes(rows, cols, plan.capacity, options.probes, threads) : 0);
}

double certified_operations(int64_t rows, int64_t cols, int64_t head_size, const CertifiedOptions& options) {
  const CertifiedPlan plan(rows, cols, options);
  const auto passes = [&](int64_t count, int64_t columns) {
    return 2.0 * static_cast<double>(count) * static_cast<double>(rows) * static_cast<double>(cols) *
           static_cast<double>(head_size + columns);
  };
  const int64_t width = plan.width, probe_steps = options.probes > 0 ? most_probe_steps(options.probes) : 0;
  int64_t alone = 0, along = 0;  // blocks without and with the residual's chain
  for (int64_t size = 0; width > 0 && size + width <= plan.capacity; size += width) {
    (plan.may_be_last(size) ? along : alone) += 1;
  }
  const int64_t residual = plan.has_residual ? 2 * kResidualSteps - (along > 0 ? 3 : 1) : 0;
  return passes(1, width + kResidualWidth) + passes(2 * alone, width) +
         passes(2 * along, width + kResidualWidth) + passes(residual, kResidualWidth) +
         passes(2 * probe_steps, options.probes);
}

}  // namespace linformer
