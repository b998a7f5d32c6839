// SPDX-License-Identifier: MIT
#include "spectrum/nuclear_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/index.h"
#include "base/lapack.h"
#include "base/random_fill.h"
#include "spectrum/probe_columns.h"
#include "spectrum/random_trace.h"

namespace linformer {
namespace {

constexpr int64_t kLeastSteps = 4;
constexpr double kKnown = 1e-3;   // relative bracket of a Ritz vector's part that is taken out of the probes
constexpr double kNarrow = 0.25;  // of the bracket of the probes' mean, beside the half-width of the interval
constexpr double kNoValue = 1e-6;  // Ritz values below it, relative to the first, have no vectors
// Rounding as it is observed, with room: of ‖P‖_F², and of ‖Pg‖ for a g of length 1, relative to ‖P‖_F/√n.
constexpr double kRounding = 1e-6;

double square(double x) { return x * x; }

// vᵀ√(PᵀP)v of the right Ritz vector v = Bᵀx/Σ: at most ‖Pv‖ by Jensen, and at least ‖Pv‖³/‖PᵀPv‖ by Hölder.
// With f what Pv has beyond Q, ‖Pv‖² = Σ² + f² and ‖PᵀPv‖² <= Σ⁴ + 2Σ²f² + ρ²f²; `beyond` is f, at most.
Interval part_of(double value, double beyond, double residual_bound) {
  const double f2 = square(beyond), v2 = square(value);
  const double twice = std::sqrt(square(v2) + 2 * v2 * f2 + square(residual_bound) * f2);
  return {v2 * value / twice, std::sqrt(v2 + f2)};
}

struct Known {
  int64_t count = 0;  ///< of leading Ritz vectors
  Interval sum;       ///< of their parts
  double energy = 0;  ///< Σ ‖Pv‖², at least
};

Known known_part(const RitzValues& ritz, const CertificateInput& in) {
  Known known;
  const int64_t r = std::ssize(ritz.values);
  for (; known.count < r; ++known.count) {
    const int64_t k = known.count;
    const double value = ritz.values[index(k)];
    if (!(value > kNoValue * ritz.values[0])) break;
    const double beyond = (ritz.coupling_norm(k) + in.coupling_rounding) / value;
    const Interval part = part_of(value, beyond, in.residual_bound);
    if (part.low < (1 - kKnown) * part.high) break;
    known.sum.low += part.low;
    known.sum.high += part.high;
    known.energy += square(value);
  }
  return known;
}

// Projects the first `count` right Ritz vectors out of g; `right` is PᵀQ.
void take_out(MatrixView<const float> right, const RitzValues& ritz, int64_t count, Run& run,
              MatrixView<float> g) {
  const int64_t r = std::ssize(ritz.values);
  const Buffer<float> vectors(run.memory, g.rows * count, "right Ritz vectors");
  const MatrixView<float> v{vectors.data(), g.rows, count, count};
  std::vector<double> combination(index(r * count)), dots(index(count * g.cols));
  for (int64_t i = 0; i < r; ++i) {
    for (int64_t k = 0; k < count; ++k) {
      combination[index(i * count + k)] = ritz.vectors[index(i * r + k)] / ritz.values[index(k)];
    }
  }
  TallProducts products(run);
  products.multiply({right.data, g.rows, r, right.stride}, combination.data(), false, v);
  products.cross(v, g, dots.data());
  products.multiply(v, dots.data(), true, g);
}

// e₁ᵀ √(TᵀT) e₁ of the upper bidiagonal T with this diagonal and superdiagonal.
double root_moment(std::span<const double> diagonal, std::span<const double> super) {
  const int64_t k = std::ssize(diagonal);
  std::vector<double> a(index(k * k)), squares(index(k));
  for (int64_t i = 0; i < k; ++i) {
    const double above = i > 0 ? super[index(i - 1)] : 0;
    a[index(i * k + i)] = square(diagonal[index(i)]) + square(above);
    if (i + 1 < k) a[index(i * k + i + 1)] = diagonal[index(i)] * super[index(i)];
  }
  const auto n = static_cast<int32_t>(k);
  Lapack::get().dsyevd_lower(n, a.data(), n, squares.data());
  double sum = 0;
  for (int64_t i = 0; i < k; ++i)
    sum += square(a[index(i * k)]) * std::sqrt(std::max(squares[index(i)], 0.0));
  return sum;
}

// Golub-Kahan bidiagonalisations of P from the columns of a block, each by itself, with full
// reorthogonalisation: P V = U T, T upper bidiagonal.
class Bidiagonalisation {
 public:
  /// Images shorter than `least`, of vectors of length 1, count as zero.
  Bidiagonalisation(AttentionOperator& p, MatrixView<const float> start, int64_t most_steps, double least)
      : p_(p), width_(start.cols), least_(least) {
    MemoryAccount& memory = p.run().memory;
    u_ = Buffer<float>(memory, most_steps * p.rows() * width_, "left vectors of probes");
    v_ = Buffer<float>(memory, (most_steps + 1) * p.cols() * width_, "right vectors of probes");
    for (int64_t i = 0; i < start.rows; ++i) std::copy_n(start.row(i), width_, right(0).row(i));
    lengths_ = normalise_columns(right(0), 0, p.run());
  }

  void step() {
    p_.multiply(right(steps_), left(steps_));
    for (int64_t j = 0; j < steps_; ++j) project(left(j), left(steps_));
    diagonal_.push_back(normalise_columns(left(steps_), least_, p_.run()));
    p_.multiply_transposed(left(steps_), right(steps_ + 1));
    for (int64_t j = 0; j <= steps_; ++j) project(right(j), right(steps_ + 1));
    super_.push_back(normalise_columns(right(steps_ + 1), least_, p_.run()));
    ++steps_;
  }

  int64_t steps() const { return steps_; }

  /// Σ gᵀ√(PᵀP)g / Σ gᵀg over the probes lies in it: √ has negative even derivatives, so Gauss's rule is
  /// above, and the rule of Radau with a node at 0, T without its last row, below.
  Interval bracket() const {
    Interval sum;
    double squares = 0;
    for (int64_t probe = 0; probe < width_; ++probe) {
      std::vector<double> diagonal, super;
      for (int64_t j = 0; j < steps_; ++j) {
        diagonal.push_back(diagonal_[index(j)][index(probe)]);
        super.push_back(super_[index(j)][index(probe)]);
      }
      const double squared_length = square(lengths_[index(probe)]);
      squares += squared_length;
      sum.high += squared_length * root_moment(diagonal, super);
      diagonal.back() = 0;
      sum.low += squared_length * root_moment(diagonal, super);
    }
    return {sum.low / squares, sum.high / squares};
  }

 private:
  MatrixView<float> left(int64_t j) const {
    return {u_.data() + j * p_.rows() * width_, p_.rows(), width_, width_};
  }
  MatrixView<float> right(int64_t j) const {
    return {v_.data() + j * p_.cols() * width_, p_.cols(), width_, width_};
  }
  void project(MatrixView<const float> out_of, MatrixView<float> x) {
    std::vector<double> dots = column_dots(out_of, x, p_.run());
    for (double& dot : dots) dot = -dot;
    add_scaled_columns(dots, out_of, x, p_.run());
  }

  AttentionOperator& p_;
  int64_t width_, steps_ = 0;
  double least_;
  std::vector<double> lengths_;
  std::vector<std::vector<double>> diagonal_, super_;  ///< [step][probe]
  Buffer<float> u_, v_;
};

}  // namespace

int64_t most_probe_steps(int64_t probes) {
  constexpr double kUsual = 16;  // of either
  return std::max<int64_t>(kLeastSteps,
                           std::llround(kUsual * std::cbrt(static_cast<double>(probes) / kUsual)));
}

int64_t nuclear_norm_bytes(int64_t rows, int64_t cols, int64_t basis, int64_t probes, int threads) {
  const int64_t steps = most_probe_steps(probes);
  const int64_t floats = steps * probes * rows + (steps + 2) * probes * cols + cols * basis;
  return floats * static_cast<int64_t>(sizeof(float)) +
         TallProducts::buffer_bytes(basis, std::max(basis, probes), cols, threads);
}

std::optional<Interval> nuclear_norm(AttentionOperator& p, const BlockKrylov& krylov, const RitzValues& ritz,
                                     const CertificateInput& in, const NuclearNormOptions& options) {
  const int64_t n = p.cols(), probes = options.probes;
  Known known = known_part(ritz, in);
  const double known_rounding = 2 * in.rounding * std::sqrt(static_cast<double>(known.count));
  known.sum = {known.sum.low - known_rounding, known.sum.high + known_rounding};
  if (known.count == n) return known.sum;
  Buffer<float> start(p.run().memory, n * probes, "probes");
  const MatrixView<float> g{start.data(), n, probes, probes};
  fill_normal({start.data(), index(n * probes)}, 1, options.stream, p.run().threads);
  if (known.count > 0) take_out(krylov.right(), ritz, known.count, p.run(), g);

  const double next = known.count < std::ssize(ritz.values) ? ritz.values[index(known.count)] : 0;
  const TraceFacts facts{
      .size = n - known.count,
      .energy = std::max(0.0, in.squared_norm - known.energy) + kRounding * in.squared_norm,
      .norm = std::hypot(next + in.rounding, in.residual_bound)};
  const double noise = kRounding * std::sqrt(in.squared_norm / static_cast<double>(n));
  const double risk = (1 - options.confidence) / 2;
  const int64_t most = most_probe_steps(probes), least = std::min(kLeastSteps, n);
  Bidiagonalisation bidiagonalisation(p, g, most, noise);
  Interval mean, rest;
  while (bidiagonalisation.steps() < least ||
         (bidiagonalisation.steps() < most &&
          static_cast<double>(facts.size) * (mean.high - mean.low) > kNarrow * (rest.high - rest.low) / 2)) {
    if (p.run().stopped()) return std::nullopt;
    bidiagonalisation.step();
    mean = bidiagonalisation.bracket();
    rest = {least_trace(facts, probes, std::max(0.0, mean.low - noise), risk),
            most_trace(facts, probes, mean.high + noise, risk)};
  }
  return Interval{known.sum.low + rest.low, known.sum.high + rest.high};
}

}  // namespace linformer
