// SPDX-License-Identifier: MIT
#include "spectrum/certified.h"

#include <algorithm>
#include <cmath>

#include "base/index.h"
#include "spectrum/block_krylov.h"
#include "spectrum/certificates.h"
#include "spectrum/nuclear_norm.h"

namespace linformer {
namespace {

// RandomStream::purpose of each use.
constexpr uint32_t kStartPurpose = 0x4B52'0001, kProbePurpose = 0x4B52'0003;
// Of what the confidence of 99 % leaves, the bound on the residual takes a tenth and the probes the rest.
constexpr double kResidualRisk = 0.001;
constexpr double kProbeRisk = 1 - kCertifiedConfidence - kResidualRisk;
// Of the chain that bounds the residual, which begins with columns of its own of the very first product. Its
// steps, at most, share the risk, because it ends when its bound is low enough.
constexpr int64_t kResidualWidth = 16, kResidualSteps = 3;
constexpr double kStepRisk = kResidualRisk / kResidualSteps;
// How many times the largest of the last Ritz values the residual's is guessed to be: ‖R‖₂ is 1.1 to 1.8
// times that on the heads of the tests.
constexpr double kOfLastRitz = 1.5;

// A basis of fewer vectors than rows has a chain for the residual after it.
int64_t room_for_residual(int64_t rows, int64_t capacity) {
  return capacity < rows ? kResidualWidth * kResidualSteps : 0;
}

// Columns of the blocks that make up so many vectors.
int64_t krylov_width(int64_t capacity) {
  const int64_t blocks = std::max<int64_t>(1, (capacity + kKrylovWidth - 1) / kKrylovWidth);
  return (capacity + blocks - 1) / blocks;
}

// Vectors of a Krylov basis, at most.
int64_t krylov_capacity(const CertifiedOptions& options, int64_t rows) {
  const int64_t basis =
      options.basis > 0 ? options.basis : (options.values / kKrylovWidth + 3) * kKrylovWidth;
  const int64_t width = krylov_width(basis), capacity = (basis + width - 1) / width * width;
  return capacity + kResidualWidth * kResidualSteps <= rows ? capacity : rows;
}

// Vectors without which iteration does not end while there are more.
int64_t enough_vectors(const CertifiedOptions& options, int64_t rows, int64_t cols) {
  return std::min({options.values, rows, cols});
}

// Whether a block after `size` vectors may be the last one, which a first block hardly ever is.
bool may_be_last(int64_t size, int64_t width, int64_t enough) { return size > 0 && size + width >= enough; }

// The analysis of one head.
class Certified {
 public:
  Certified(const AttentionOperator::Head& head, const CertifiedOptions& options, uint64_t index, Run& run)
      : options_(options),
        index_(index),
        run_(run),
        op_(head, run),
        capacity_(krylov_capacity(options, op_.rows())),
        width_(krylov_width(capacity_)),
        krylov_(op_, capacity_ + room_for_residual(op_.rows(), capacity_), std::max(width_, kResidualWidth),
                kResidualWidth) {}

  std::optional<CertifiedSpectrum> run() {
    if (!iterate()) return std::nullopt;
    const RitzValues ritz = krylov_.ritz();
    const int64_t basis = krylov_.size();
    if (!bound_residual(ritz)) return std::nullopt;
    const int64_t count = std::min(options_.values, basis);
    describe(ritz, count);
    spectrum_.basis = basis;
    if (options_.probes == 0) return spectrum_;
    const std::optional<NuclearNorm> norm = nuclear_norm(
        op_, krylov_, ritz, residual_bound_,
        {.probes = options_.probes, .confidence = 1 - kProbeRisk, .stream = stream(kProbePurpose)});
    if (!norm) return std::nullopt;
    take_nuclear_norm(norm->interval);
    return spectrum_;
  }

 private:
  RandomStream stream(uint32_t purpose, uint64_t draw = 0) const {
    return {.seed = options_.seed, .purpose = purpose, .index = (index_ << 20) + draw};
  }

  // A sure bound on ‖B − computed B‖_F.
  double rounding(int64_t basis) const {
    return op_.relative_rounding() * op_.norm_bound() * std::sqrt(static_cast<double>(basis)) * (1 + 1e-4);
  }

  // False if it was stopped. A chain sees no more of a cluster of equal values than a block's width; where
  // one ends before there are enough values, another begins, until nothing is left.
  bool iterate() {
    const int64_t enough = enough_vectors(options_, op_.rows(), op_.cols());
    for (uint64_t chain = 0; !run_.stopped(); ++chain) {
      const int64_t before = krylov_.size();
      krylov_.begin(stream(kStartPurpose, chain), width_);
      const auto along = [&] {
        return may_be_last(krylov_.size(), width_, enough) ? BlockKrylov::Along::kLater
                                                           : BlockKrylov::Along::kNothing;
      };
      while (!run_.stopped() && krylov_.add_block(along())) {
        krylov_.prepare_block();
        if (full() || (krylov_.size() >= enough && narrow())) return true;
      }
      if (full() || krylov_.size() >= enough || krylov_.size() == before) return !run_.stopped();
    }
    return false;
  }

  // Whether another block is more than the iteration may take; if P has no more rows it takes all.
  bool full() const { return capacity_ < op_.rows() && krylov_.size() + width_ > capacity_; }

  // Whether the certificate will be narrow enough, by a guess at the largest Ritz value that the residual's
  // chain will find: kOfLastRitz times the largest of as many of the last Ritz values as a block has. More
  // vectors do not help against rounding: where that takes more than half of the tolerance, iteration ends
  // with half of it for the rest.
  bool narrow() const {
    const RitzValues ritz = krylov_.ritz();
    const int64_t last = std::max<int64_t>(0, krylov_.size() - width_);
    const double bound = residual_bound(ritz, kOfLastRitz * ritz.values[index(last)], kResidualSteps);
    return energy_width(ritz, bound, rounding(std::ssize(ritz.values))) <= options_.tolerance ||
           energy_width(ritz, bound, 0) <= options_.tolerance / 2;
  }

  // Of the interval of the last value's energy.
  double energy_width(const RitzValues& ritz, double residual_bound, double rounding_bound) const {
    CertificateInput input = certificate_input(ritz, residual_bound);
    input.rounding = rounding_bound;
    const Interval energy =
        certify(ritz, input, std::min<int64_t>(options_.values, std::ssize(ritz.values))).energy.back();
    return energy.high - energy.low;
  }

  CertificateInput certificate_input(const RitzValues& ritz, double residual_bound = 0) const {
    return {.squared_norm = op_.moments().squared_norm,
            .residual_bound = residual_bound,
            .rounding = rounding(std::ssize(ritz.values)),
            .rows = op_.rows()};
  }

  double residual_bound(const RitzValues& ritz, double theta, int64_t steps) const {
    const ResidualChain chain{.energy = residual_energy(ritz, certificate_input(ritz)),
                              .cols = op_.cols(),
                              .width = kResidualWidth,
                              .steps = steps};
    return linformer::residual_bound(theta, chain, kStepRisk);
  }

  // By ‖R‖_F where that makes the certificate narrow enough, and else by the residual's chain, which ends
  // when it does, or when it has all that there is; by all of the chain where Σσ is wanted, whose interval it
  // makes narrower too. False if it was stopped.
  bool bound_residual(const RitzValues& ritz) {
    const int64_t basis = krylov_.size();
    const auto is_enough = [&] {
      return options_.probes == 0 &&
             energy_width(ritz, residual_bound_, rounding(basis)) <= options_.tolerance;
    };
    residual_bound_ = std::sqrt(residual_energy(ritz, certificate_input(ritz)));
    if (is_enough()) return true;
    bool more = krylov_.begin_later();
    for (int64_t steps = 1;; ++steps) {
      if (run_.stopped()) return false;
      const RitzValues residual = krylov_.ritz(basis);
      const double theta = residual.values.empty() ? 0 : residual.values.front();
      const double bound = residual_bound(ritz, theta + rounding(kResidualWidth * kResidualSteps),
                                          more ? steps : kResidualSteps);
      residual_bound_ = std::min(residual_bound_, bound);
      if (!more || steps == kResidualSteps || is_enough()) return true;
      krylov_.prepare_block();
      if (run_.stopped()) return false;
      more = krylov_.add_block();
    }
  }

  void describe(const RitzValues& ritz, int64_t count) {
    const AttentionMoments& moments = op_.moments();
    Certificate c = certify(ritz, certificate_input(ritz, residual_bound_), count);
    spectrum_.rows = op_.rows();
    spectrum_.cols = op_.cols();
    spectrum_.squared_norm = moments.squared_norm;
    spectrum_.row_entropy = moments.mean_row_entropy;
    spectrum_.sigma1_bound = std::sqrt(moments.squared_columns / static_cast<double>(op_.rows()));
    spectrum_.residual_bound = residual_bound_;
    // Rounding may have left a value a little above what is sure.
    for (int64_t m = 0; m < count; ++m)
      spectrum_.values.push_back(std::min(ritz.values[index(m)], c.sure_sigma[index(m)].high));
    spectrum_.sure_energy = std::move(c.sure_energy);
    spectrum_.energy = std::move(c.energy);
    spectrum_.sure_sigma = std::move(c.sure_sigma);
    spectrum_.sigma = std::move(c.sigma);
    const Interval& last = spectrum_.energy.back();
    spectrum_.within_tolerance = last.high - last.low <= options_.tolerance;
  }

  // c_m from sums of the intervals of σ and that of Σσ.
  void take_nuclear_norm(const Interval& norm) {
    spectrum_.nuclear_norm = norm;
    double low = 0, high = 0;
    for (const Interval& sigma : spectrum_.sigma) {
      low += sigma.low;
      high += sigma.high;
      spectrum_.cumulative.push_back(
          {low / std::max(norm.high, low), std::min(1.0, high / std::max(norm.low, low))});
    }
  }

  const CertifiedOptions& options_;
  uint64_t index_;
  Run& run_;
  AttentionOperator op_;
  int64_t capacity_, width_;
  BlockKrylov krylov_;
  double residual_bound_ = 0;  ///< of ‖R‖₂
  CertifiedSpectrum spectrum_;
};

}  // namespace

int64_t certified_bytes(int64_t rows, int64_t cols, int64_t head_size, const CertifiedOptions& options,
                        int threads) {
  const int64_t capacity = krylov_capacity(options, rows),
                width = std::max(krylov_width(capacity), kResidualWidth);
  const int64_t widest = std::max(width + kResidualWidth, options.probes);
  return AttentionOperator::buffer_bytes(rows, cols, head_size, widest, threads) +
         BlockKrylov::buffer_bytes(rows, cols, capacity + room_for_residual(rows, capacity), width,
                                   kResidualWidth, threads) +
         (options.probes > 0 ? nuclear_norm_bytes(rows, cols, capacity, options.probes, threads) : 0);
}

double certified_operations(int64_t rows, int64_t cols, int64_t head_size, const CertifiedOptions& options) {
  const int64_t capacity = krylov_capacity(options, rows), width = krylov_width(capacity);
  const auto pass = [&](int64_t columns) {
    return 2.0 * static_cast<double>(rows) * static_cast<double>(cols) *
           static_cast<double>(head_size + columns);
  };
  const auto passes = [&](int64_t count, int64_t columns) {
    return static_cast<double>(count) * pass(columns);
  };
  const int64_t probe_steps = options.probes > 0 ? kMostProbeSteps : 0;
  int64_t alone = 0, along = 0;  // blocks without and with the residual's chain
  for (int64_t size = 0; width > 0 && size + width <= capacity; size += width) {
    (may_be_last(size, width, enough_vectors(options, rows, cols)) ? along : alone) += 1;
  }
  return pass(width + kResidualWidth) + passes(2 * alone, width) + passes(2 * along, width + kResidualWidth) +
         passes(2 * kResidualSteps - (along > 0 ? 3 : 1), kResidualWidth) +
         passes(2 * probe_steps, options.probes);
}

std::optional<CertifiedSpectrum> certified_spectrum(const AttentionOperator::Head& head,
                                                    const CertifiedOptions& options, uint64_t index,
                                                    Run& run) {
  return Certified(head, options, index, run).run();
}

}  // namespace linformer
