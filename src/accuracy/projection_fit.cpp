// SPDX-License-Identifier: MIT
#include "accuracy/projection_fit.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "accuracy/measures.h"
#include "accuracy/places.h"
#include "attention/slot_projection.h"

namespace linformer {
namespace {

constexpr int kPasses = 15;  // over the sequences that are learnt from, at each rate
// Of the weight that mean pooling gives a position; at first, 0 at the end. The large one finds what is far
// from pooling, the small one what many positions hint at.
constexpr float kRates[] = {0.02f, 0.0005f};
constexpr float kDecay1 = 0.9f, kDecay2 = 0.99f, kTiny = 1e-12f;

double square(double x) { return x * x; }

double squared_norm(MatrixView<const float> m) {
  double sum = 0;
  for (int64_t i = 0; i < m.rows; ++i) {
    for (int64_t j = 0; j < m.cols; ++j) sum += square(m.row(i)[j]);
  }
  return sum;
}

void softmax_rows(MatrixView<float> m, float scale) {
  for (int64_t i = 0; i < m.rows; ++i) {
    float* const row = m.row(i);
    const float most = *std::max_element(row, row + m.cols);
    float sum = 0;
    for (int64_t j = 0; j < m.cols; ++j) sum += row[j] = std::exp(scale * (row[j] - most));
    for (int64_t j = 0; j < m.cols; ++j) row[j] /= sum;
  }
}

void transpose(MatrixView<const float> from, MatrixView<float> to) {
  for (int64_t i = 0; i < from.rows; ++i) {
    for (int64_t j = 0; j < from.cols; ++j) to.row(j)[i] = from.row(i)[j];
  }
}

void pool_windows(MatrixView<float> m) {
  const SlotWeights pooling{.kind = SlotWeights::Kind::kMeanPooling, .k = m.rows, .n = m.cols};
  for (int64_t i = 0; i < m.rows; ++i) {
    const Window window = window_of(pooling, 1, i);
    std::fill_n(m.row(i), m.cols, 0.0f);
    std::fill(m.row(i) + window.begin, m.row(i) + window.end,
              1 / static_cast<float>(window.end - window.begin));
  }
}

// One sample forwards, and backwards to the gradients of E and F.
class Step {
 public:
  Step(MatrixView<const float> e, MatrixView<const float> f, float scale, HeadWorkspace& w)
      : e_(e), f_(f), scale_(scale), w_(w) {}

  // Ô − O in the place of outputs.
  MatrixView<float> residual(const FitSample& s) {
    const int64_t n = s.q.rows, d = s.v.cols, k = e_.rows;
    slot_keys_ = w_.matrix(place::kSlotKeys, k, d);
    slot_values_ = w_.matrix(place::kSlotValues, k, d);
    p_ = w_.matrix(place::kSlotProbabilities, n, k);
    const MatrixView<float> out = w_.matrix(place::kOutput, n, d);
    w_.multiply(e_, s.k, slot_keys_);
    w_.multiply(f_, s.v, slot_values_);
    w_.multiply_transposed(s.q, slot_keys_, p_);
    softmax_rows(p_, scale_);
    w_.multiply(p_, slot_values_, out);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t c = 0; c < d; ++c) out.row(i)[c] -= s.o.row(i)[c];
    }
    return out;
  }

  // Adds weight · d(½‖Ô − O‖²)/d(E, F) to the two halves of `gradient` [2k, n]. With G = Ô − O:
  // dV̄ = P̄ᵀG, dP̄ = G V̄ᵀ, dS = s P̄ ∘ (dP̄ − rows' sums of dP̄ ∘ P̄), dK̄ = dSᵀQ, dE = dK̄ Kᵀ, dF = dV̄ Vᵀ.
  void add_gradient(const FitSample& s, float weight, MatrixView<float> gradient) {
    const int64_t n = s.q.rows, d = s.v.cols, k = e_.rows;
    const MatrixView<float> g = residual(s), ds = w_.matrix(place::kSlotGradient, n, k),
                            transposed = w_.matrix(place::kTransposed, k, n),
                            dk = w_.matrix(place::kSlotKeysGradient, k, d),
                            dv = w_.matrix(place::kSlotValuesGradient, k, d);
    transpose(p_, transposed);
    w_.multiply(transposed, g, dv);
    w_.multiply_transposed(g, slot_values_, ds);
    for (int64_t i = 0; i < n; ++i) softmax_backwards(p_.row(i), ds.row(i), k);
    transpose(ds, transposed);
    w_.multiply(transposed, s.q, dk);
    add_product(dk, s.k, weight * scale_, {gradient.data, k, n, n});
    add_product(dv, s.v, weight, {gradient.row(k), k, n, n});
  }

 private:
  static void softmax_backwards(const float* p, float* gradient, int64_t k) {
    float sum = 0;
    for (int64_t j = 0; j < k; ++j) sum += p[j] * gradient[j];
    for (int64_t j = 0; j < k; ++j) gradient[j] = p[j] * (gradient[j] - sum);
  }
  void add_product(MatrixView<const float> a, MatrixView<const float> b, float weight, MatrixView<float> to) {
    const MatrixView<float> product = w_.matrix(place::kTransposed, a.rows, b.rows);
    w_.multiply_transposed(a, b, product);
    for (int64_t i = 0; i < to.rows * to.cols; ++i) to.data[i] += weight * product.data[i];
  }

  MatrixView<const float> e_, f_;
  float scale_;
  HeadWorkspace& w_;
  MatrixView<float> slot_keys_, slot_values_, p_;
};

double norm_of(std::span<const FitSample> samples) {
  double norm = 0;
  for (const FitSample& s : samples) norm += squared_norm(s.o);
  return norm > 0 ? norm : 1;
}

// E above F [2k, n] by Adam.
class Descent {
 public:
  Descent(MatrixView<float> parameters, HeadWorkspace& w)
      : parameters_(parameters),
        gradient_(w.matrix(place::kGradient, parameters.rows, parameters.cols)),
        moments_(w.matrix(place::kMoments, 2 * parameters.rows, parameters.cols)) {
    std::fill_n(moments_.data, moments_.rows * moments_.cols, 0.0f);
  }

  MatrixView<float> empty_gradient() {
    std::fill_n(gradient_.data, gradient_.rows * gradient_.cols, 0.0f);
    return gradient_;
  }

  void take(float rate) {
    const int64_t count = parameters_.rows * parameters_.cols;
    correction1_ *= kDecay1, correction2_ *= kDecay2;
    float *const first = moments_.data, *const second = moments_.data + count;
    for (int64_t i = 0; i < count; ++i) {
      const float g = gradient_.data[i];
      first[i] = kDecay1 * first[i] + (1 - kDecay1) * g;
      second[i] = kDecay2 * second[i] + (1 - kDecay2) * g * g;
      parameters_.data[i] -=
          rate * first[i] / (1 - correction1_) / (std::sqrt(second[i] / (1 - correction2_)) + kTiny);
    }
  }

 private:
  MatrixView<float> parameters_, gradient_, moments_;
  float correction1_ = 1, correction2_ = 1;
};

// One pass over the sequences.
void descend(std::span<const std::vector<FitSample>> sequences, float scale, MatrixView<const float> e,
             MatrixView<const float> f, float rate, Descent& descent, HeadWorkspace& w) {
  for (const std::vector<FitSample>& samples : sequences) {
    const MatrixView<float> gradient = descent.empty_gradient();
    Step step(e, f, scale, w);
    const auto weight = static_cast<float>(1 / norm_of(samples));
    for (const FitSample& s : samples) step.add_gradient(s, weight, gradient);
    descent.take(rate);
  }
}

// From 1 to 0 along a cosine.
float rate_of(int pass) {
  const float done = static_cast<float>(pass) / static_cast<float>(kPasses);
  return (1 + std::cos(std::numbers::pi_v<float> * done)) / 2;
}

void copy(MatrixView<const float> from, MatrixView<float> to) {
  for (int64_t i = 0; i < from.rows; ++i) std::copy_n(from.row(i), from.cols, to.row(i));
}

}  // namespace

double projection_error(std::span<const FitSample> samples, float scale, MatrixView<const float> e,
                        MatrixView<const float> f, HeadWorkspace& workspace) {
  Step step(e, f, scale, workspace);
  double error = 0;
  for (const FitSample& s : samples) error += squared_norm(step.residual(s));
  return error / norm_of(samples);
}

void fit_projection(std::span<const std::vector<FitSample>> sequences, float scale, MatrixView<float> e,
                    MatrixView<float> f, HeadWorkspace& w) {
  const int64_t k = e.rows, n = e.cols;
  const size_t kept_back = sequences.size() == 1 ? 0 : std::max<size_t>(1, sequences.size() / 4);
  const auto learnt_from = sequences.first(sequences.size() - kept_back);
  const auto judged_by = kept_back == 0 ? sequences : sequences.last(kept_back);
  const MatrixView<float> now = w.matrix(place::kParameters, 2 * k, n);
  const MatrixView<float> e_now{now.data, k, n, n}, f_now{now.row(k), k, n, n};
  pool_windows(e), pool_windows(f);
  const auto judge = [&](MatrixView<const float> of_keys, MatrixView<const float> of_values) {
    double error = 0;
    for (const std::vector<FitSample>& samples : judged_by)
      error += projection_error(samples, scale, of_keys, of_values, w);
    return error;
  };
  double least = judge(e, f);
  for (const float rate : kRates) {
    pool_windows(e_now), pool_windows(f_now);
    Descent descent(now, w);
    for (int pass = 0; pass < kPasses; ++pass) {
      descend(learnt_from, scale, e_now, f_now,
              rate_of(pass) * rate * static_cast<float>(k) / static_cast<float>(n), descent, w);
      const double error = judge(e_now, f_now);
      if (error >= least) continue;
      least = error;
      copy(e_now, e), copy(f_now, f);
    }
  }
}

}  // namespace linformer
