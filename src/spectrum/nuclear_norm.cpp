// SPDX-License-Identifier: MIT
#include "spectrum/nuclear_norm.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/index.h"
#include "base/lapack.h"
#include "base/student_t.h"
#include "spectrum/probe_columns.h"

namespace linformer {
namespace {

constexpr int64_t kLeastSteps = 4;
constexpr double kKnown = 1e-3;   // relative bracket of a Ritz vector's part that is taken out of the probes
constexpr double kNarrow = 0.25;  // of brackets, beside the half-width from the scatter of the probes
constexpr double kNoise = 1e-6;   // norms below it, relative to ‖P‖₂, are rounding

double square(double x) { return x * x; }

// vᵀ√(PᵀP)v of the right Ritz vector v = Bᵀx/Σ: at most ‖Pv‖ by Jensen, and at least ‖Pv‖³/‖PᵀPv‖ by Hölder.
// With f what Pv has beyond Q, ‖Pv‖² = Σ² + f² and ‖PᵀPv‖² <= Σ⁴ + 2Σ²f² + ρ²f².
Interval part_of(double value, double beyond, double residual_bound) {
  const double f2 = square(beyond), v2 = square(value);
  const double image2 = v2 + f2;
  const double twice = std::sqrt(square(v2) + 2 * v2 * f2 + square(residual_bound) * f2);
  return {image2 * std::sqrt(image2) / twice, std::sqrt(image2)};
}

struct Known {
  int64_t count = 0;  ///< of leading Ritz vectors
  Interval sum;       ///< of their parts
};

Known known_part(const RitzValues& ritz, double residual_bound) {
  Known known;
  const int64_t r = std::ssize(ritz.values);
  for (; known.count < r; ++known.count) {
    const int64_t k = known.count;
    if (!(ritz.values[index(k)] > kNoise * ritz.values[0])) break;
    const Interval part = part_of(ritz.values[index(k)], ritz.beyond(k), residual_bound);
    if (part.low < (1 - kKnown) * part.high) break;
    known.sum.low += part.low;
    known.sum.high += part.high;
  }
  return known;
}

// Random signs, each column by itself.
void fill_signs(MatrixView<float> out, RandomStream stream) {
  Random random(stream);
  for (int64_t i = 0; i < out.rows; ++i) {
    for (int64_t c = 0; c < out.cols; ++c) out.row(i)[c] = (random.bits() >> 31) != 0 ? 1.0f : -1.0f;
  }
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
  Bidiagonalisation(AttentionOperator& p, MatrixView<const float> start)
      : p_(p), width_(start.cols), least_(kNoise * p.norm_bound()) {
    MemoryAccount& memory = p.run().memory;
    u_ = Buffer<float>(memory, kMostProbeSteps * p.rows() * width_, "left vectors of probes");
    v_ = Buffer<float>(memory, (kMostProbeSteps + 1) * p.cols() * width_, "right vectors of probes");
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

  /// gᵀ√(PᵀP)g of a probe lies in it: √ has negative even derivatives, so Gauss's rule is above, and the rule
  /// of Radau with a node at 0, T without its last row, below.
  Interval bracket(int64_t probe) const {
    std::vector<double> diagonal, super;
    for (int64_t j = 0; j < steps_; ++j) {
      diagonal.push_back(diagonal_[index(j)][index(probe)]);
      super.push_back(super_[index(j)][index(probe)]);
    }
    const double squared_length = square(lengths_[index(probe)]);
    const double above = squared_length * root_moment(diagonal, super);
    diagonal.back() = 0;
    return {squared_length * root_moment(diagonal, super), above};
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

struct Sample {
  double mean = 0, half_width = 0;
};

Sample sample_of(std::span<const double> values, double confidence) {
  const auto count = static_cast<double>(values.size());
  Sample sample{.mean = std::accumulate(values.begin(), values.end(), 0.0) / count};
  double squares = 0;
  for (const double value : values) squares += square(value - sample.mean);
  const double t = student_t_quantile((1 + confidence) / 2, count - 1);
  sample.half_width = t * std::sqrt(squares / (count - 1) / count);
  return sample;
}

}  // namespace

int64_t nuclear_norm_bytes(int64_t rows, int64_t cols, int64_t basis, int64_t probes, int threads) {
  const int64_t floats =
      kMostProbeSteps * probes * rows + (kMostProbeSteps + 2) * probes * cols + cols * basis;
  return floats * static_cast<int64_t>(sizeof(float)) +
         TallProducts::buffer_bytes(basis, std::max(basis, probes), cols, threads);
}

std::optional<NuclearNorm> nuclear_norm(AttentionOperator& p, const BlockKrylov& krylov,
                                        const RitzValues& ritz, double residual_bound,
                                        const NuclearNormOptions& options) {
  const int64_t n = p.cols(), probes = options.probes;
  const Known known = known_part(ritz, residual_bound);
  Buffer<float> start(p.run().memory, n * probes, "probes");
  const MatrixView<float> g{start.data(), n, probes, probes};
  fill_signs(g, options.stream);
  if (known.count > 0) take_out(krylov.right(), ritz, known.count, p.run(), g);

  Bidiagonalisation bidiagonalisation(p, g);
  const int64_t least = std::min(kLeastSteps, n);
  Sample low, high;
  while (bidiagonalisation.steps() < least ||
         (bidiagonalisation.steps() < kMostProbeSteps && high.mean - low.mean > kNarrow * high.half_width)) {
    if (p.run().stopped()) return std::nullopt;
    bidiagonalisation.step();
    std::vector<double> lows, highs;
    for (int64_t i = 0; i < probes; ++i) {
      const Interval bracket = bidiagonalisation.bracket(i);
      lows.push_back(bracket.low);
      highs.push_back(bracket.high);
    }
    low = sample_of(lows, options.confidence);
    high = sample_of(highs, options.confidence);
  }
  return NuclearNorm{.interval = {known.sum.low + std::max(0.0, low.mean - low.half_width),
                                  known.sum.high + high.mean + high.half_width},
                     .deflated = known.count,
                     .steps = bidiagonalisation.steps()};
}

}  // namespace linformer
