// SPDX-License-Identifier: MIT
#include "spectrum/certified.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/index.h"
#include "spectrum/block_krylov.h"
#include "spectrum/certificates.h"
#include "spectrum/certified_plan.h"
#include "spectrum/nuclear_norm.h"

namespace linformer {
namespace {

// RandomStream::purpose of each use.
constexpr uint32_t kStartPurpose = 0x4B52'0001, kProbePurpose = 0x4B52'0003;
// Of what the confidence of 99 % leaves, the bound on the residual takes a tenth and the probes the rest.
constexpr double kResidualRisk = 0.001;
constexpr double kProbeRisk = 1 - kCertifiedConfidence - kResidualRisk;
// The steps of the residual's chain, at most, share the risk, because it ends when its bound is low enough.
constexpr double kStepRisk = kResidualRisk / kResidualSteps;
// How many times the largest of the last Ritz values the residual's is guessed to be: ‖R‖₂ is 1.1 to 1.8
// times that on the heads of the tests.
constexpr double kOfLastRitz = 1.5;

// The analysis of one head.
class Certified {
 public:
  Certified(const AttentionOperator::Head& head, const CertifiedOptions& options, uint64_t index, Run& run)
      : options_(options),
        index_(index),
        run_(run),
        op_(head, run),
        plan_(head.q.rows, head.k.rows, options),
        krylov_(op_, plan_.room(), plan_.widest(), kResidualWidth) {}

  std::optional<CertifiedSpectrum> run() {
    if (!iterate()) return std::nullopt;
    const RitzValues ritz = krylov_.ritz();
    const int64_t basis = krylov_.size();
    if (!bound_residual(ritz)) return std::nullopt;
    const int64_t count = std::min(plan_.enough, basis);
    describe(ritz, count);
    spectrum_.basis = basis;
    if (options_.probes == 0) return spectrum_;
    const std::optional<Interval> norm = nuclear_norm(
        op_, krylov_, ritz, certificate_input(ritz, residual_bound_),
        {.probes = options_.probes, .confidence = 1 - kProbeRisk, .stream = stream(kProbePurpose)});
    if (!norm) return std::nullopt;
    take_nuclear_norm(*norm, ritz);
    return spectrum_;
  }

 private:
  RandomStream stream(uint32_t purpose, uint64_t draw = 0) const {
    // Of 2^20 indices for a head, 2^12 a draw (see fill_normal()).
    return {.seed = options_.seed, .purpose = purpose, .index = (index_ << 20) + (draw << 12)};
  }

  // A sure bound on the rounding of a product of P or Pᵀ, over the norm of what is multiplied, both
  // Frobenius.
  double product_rounding() const { return op_.relative_rounding() * op_.norm_bound() * (1 + 1e-4); }
  // A sure bound on ‖B − computed B‖_F.
  double rounding(int64_t basis) const { return product_rounding() * std::sqrt(static_cast<double>(basis)); }
  // And of ‖S − computed S‖_F: the product's, that of what is taken out of it, and directions counted as
  // rounding, as much each.
  double coupling_rounding(const RitzValues& ritz) const { return 3 * product_rounding() * ritz.last_norm; }

  // False if it was stopped. A chain sees no more of a cluster of equal values than a block's width; where
  // one ends before there are enough values, another begins, until nothing is left.
  bool iterate() {
    for (uint64_t chain = 0; !run_.stopped(); ++chain) {
      const int64_t before = krylov_.size();
      krylov_.begin(stream(kStartPurpose, chain), plan_.width);
      const auto along = [&] {
        return plan_.may_be_last(krylov_.size()) ? BlockKrylov::Along::kLater : BlockKrylov::Along::kNothing;
      };
      while (!run_.stopped() && krylov_.add_block(along())) {
        krylov_.prepare_block();
        if (full() || (krylov_.size() >= plan_.enough && narrow())) return true;
      }
      if (full() || krylov_.size() >= plan_.enough || krylov_.size() == before) return !run_.stopped();
    }
    return false;
  }

  // Whether another block is more than the iteration may take.
  bool full() const { return plan_.has_residual && krylov_.size() + plan_.width > plan_.capacity; }

  // Whether the certificate will be narrow enough, by a guess at the largest Ritz value that the residual's
  // chain will find: kOfLastRitz times the largest of as many of the last Ritz values as a block has. More
  // vectors do not help against rounding: where that takes more than half of the tolerance, iteration ends
  // with half of it for the rest.
  bool narrow() const {
    const RitzValues ritz = krylov_.ritz();
    const int64_t last = std::max<int64_t>(0, krylov_.size() - plan_.width);
    const double bound = residual_bound(ritz, kOfLastRitz * ritz.values[index(last)], kResidualSteps);
    CertificateInput input = certificate_input(ritz, bound);
    if (energy_width(ritz, input) <= options_.tolerance) return true;
    input.rounding = input.coupling_rounding = 0;
    return energy_width(ritz, input) <= options_.tolerance / 2;
  }

  // Of the interval of the last value's energy.
  double energy_width(const RitzValues& ritz, const CertificateInput& input) const {
    const Interval energy =
        certify(ritz, input, std::min<int64_t>(plan_.enough, std::ssize(ritz.values))).energy.back();
    return energy.high - energy.low;
  }

  CertificateInput certificate_input(const RitzValues& ritz, double residual_bound = 0) const {
    return {.squared_norm = op_.moments().squared_norm,
            .residual_bound = residual_bound,
            .rounding = rounding(std::ssize(ritz.values)),
            .coupling_rounding = coupling_rounding(ritz),
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
             energy_width(ritz, certificate_input(ritz, residual_bound_)) <= options_.tolerance;
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
    if (has_all_values()) spectrum_.energy.back() = spectrum_.sure_energy.back() = {1, 1};
    const Interval& last = spectrum_.energy.back();
    spectrum_.within_tolerance = last.high - last.low <= options_.tolerance;
  }

  // No less than the Ritz values; c_m from sums of the intervals of σ and that of Σσ.
  void take_nuclear_norm(const Interval& found, const RitzValues& ritz) {
    const auto count = static_cast<double>(ritz.values.size());
    const double sure = std::accumulate(ritz.values.begin(), ritz.values.end(), 0.0) -
                        std::sqrt(count) * rounding(std::ssize(ritz.values));
    const Interval norm = {std::max(found.low, sure), std::max(found.high, sure)};
    spectrum_.nuclear_norm = norm;
    double low = 0, high = 0;
    for (const Interval& sigma : spectrum_.sigma) {
      low += sigma.low;
      high += sigma.high;
      spectrum_.cumulative.push_back({low / norm.high, std::min(1.0, high / norm.low)});
    }
    if (has_all_values()) spectrum_.cumulative.back() = {1, 1};
  }

  // Whether P has no more values than are wanted.
  bool has_all_values() const { return std::ssize(spectrum_.sigma) == std::min(op_.rows(), op_.cols()); }

  const CertifiedOptions& options_;
  uint64_t index_;
  Run& run_;
  AttentionOperator op_;
  CertifiedPlan plan_;
  BlockKrylov krylov_;
  double residual_bound_ = 0;  ///< of ‖R‖₂
  CertifiedSpectrum spectrum_;
};

}  // namespace

std::optional<CertifiedSpectrum> certified_spectrum(const AttentionOperator::Head& head,
                                                    const CertifiedOptions& options, uint64_t index,
                                                    Run& run) {
  return Certified(head, options, index, run).run();
}

}  // namespace linformer
