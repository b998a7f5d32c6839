// SPDX-License-Identifier: MIT
#include "spectrum/certificates.h"

#include <cmath>
#include <numeric>
#include <tuple>
#include <vector>

#include "base/lapack.h"
#include "base/random.h"
#include "catch.h"

namespace linformer {
namespace {

// The largest Ritz value of R = diag(σ) from so many blocks of a Krylov chain that begins with R Ω.
double chain_value(const std::vector<double>& sigma, int64_t width, int64_t steps, uint64_t seed) {
  using Vector = std::vector<double>;
  const auto dot = [](const Vector& x, const Vector& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  Random random({.seed = seed, .purpose = 1, .index = 1});
  std::vector<Vector> basis, block(static_cast<size_t>(width), Vector(sigma.size()));
  for (Vector& x : block) {
    for (size_t i = 0; i < x.size(); ++i) x[i] = sigma[i] * static_cast<double>(random.normal());
  }
  for (int64_t step = 0; step < steps; ++step) {
    std::vector<Vector> next;
    for (Vector& x : block) {
      const double before = std::sqrt(dot(x, x));
      for (int pass = 0; pass < 2; ++pass) {
        for (const Vector& y : basis) {
          const double along = dot(x, y);
          for (size_t i = 0; i < x.size(); ++i) x[i] -= along * y[i];
        }
      }
      const double length = std::sqrt(dot(x, x));
      if (length < 1e-9 * before) continue;  // nothing new
      for (double& element : x) element /= length;
      basis.push_back(x);
      for (size_t i = 0; i < x.size(); ++i) x[i] *= sigma[i] * sigma[i];
      next.push_back(x);
    }
    block = std::move(next);
  }
  std::vector<double> squares(basis.size() * basis.size()), eigenvalues(basis.size());
  for (size_t a = 0; a < basis.size(); ++a) {
    for (size_t b = 0; b < basis.size(); ++b) {
      for (size_t i = 0; i < sigma.size(); ++i)
        squares[a * basis.size() + b] += sigma[i] * sigma[i] * basis[a][i] * basis[b][i];
    }
  }
  const auto size = static_cast<int32_t>(basis.size());
  Lapack::get().dsyevd_lower(size, squares.data(), size, eigenvalues.data());
  return std::sqrt(eigenvalues.back());
}

}  // namespace

TEST_CASE("the bound on the residual falls with every step and column, and grows with P, θ and confidence") {
  const ResidualChain usual{.energy = 1e9, .cols = 16384, .width = 16, .steps = 3};
  const auto bound = [](ResidualChain chain, double theta = 1, double risk = 0.001) {
    return residual_bound(theta, chain, risk);
  };
  const auto with = [&](auto ResidualChain::*member, auto value) {
    ResidualChain chain = usual;
    chain.*member = value;
    return bound(chain);
  };
  CHECK(bound(usual) > 1.2);
  CHECK(bound(usual) < 2);
  CHECK(with(&ResidualChain::steps, 4) < bound(usual));
  CHECK(with(&ResidualChain::width, 32) < bound(usual));
  CHECK(with(&ResidualChain::cols, 65536) > bound(usual));
  CHECK(bound(usual, 1, 1e-6) > bound(usual));
  CHECK(bound(usual, 2) == Approx(2 * bound(usual)));
  // ‖R‖_F² tells how many directions there can be across.
  CHECK(with(&ResidualChain::energy, 100.0) < bound(usual));
  ResidualChain few = usual;
  few.energy = 100;
  CHECK(bound(few, 2) > bound(few));
  CHECK(bound(few, 2) < 2 * bound(few));
  CHECK(bound(usual, 0) == 0);
  // By as much as METHODS.md says, two blocks and three.
  for (const auto& [steps, by_rows, by_energy] : {std::tuple{2, 2.679, 1.729}, {3, 1.678, 1.390}}) {
    ResidualChain chain{.energy = 1e9, .cols = 65536, .width = 16, .steps = steps};
    CHECK(bound(chain, 1, 0.001 / 3) == Approx(by_rows).margin(1e-3));
    chain.energy = 100;
    CHECK(bound(chain, 1, 0.001 / 3) == Approx(by_energy).margin(1e-3));
  }
  // It grows with θ, whichever of its two terms is the smaller.
  for (const double energy : {1e-3, 1.0, 1e3}) {
    ResidualChain chain = usual;
    chain.energy = energy;
    for (double theta = 1e-3; theta < 1e3; theta *= 1.3) {
      CHECK(bound(chain, 1.3 * theta) > bound(chain, theta));
    }
  }
}

TEST_CASE("the bound on the residual holds as often as it says, and is not far above") {
  constexpr int64_t kN = 400, kWidth = 4, kChains = 100;
  const auto random = static_cast<double>(kChains);
  for (const double halved_every : {2.0, 40.0, 1e9}) {
    std::vector<double> sigma(kN);
    double energy = 1;
    for (size_t i = 1; i < sigma.size(); ++i) {
      sigma[i] = 0.95 * std::pow(0.5, static_cast<double>(i) / halved_every);
      energy += sigma[i] * sigma[i];
    }
    sigma[0] = 1;
    for (const int64_t steps : {1, 2, 3}) {
      const ResidualChain chain{.energy = energy, .cols = kN, .width = kWidth, .steps = steps};
      int64_t missed = 0;
      double mean = 0;
      for (uint64_t seed = 0; seed < kChains; ++seed) {
        const double bound = residual_bound(chain_value(sigma, kWidth, steps, seed), chain, 0.05);
        missed += bound < 1;
        mean += bound / random;
      }
      CAPTURE(halved_every, steps, missed, mean);
      CHECK(missed <= 5);
      CHECK(mean < (steps == 1 ? 8 : 3));
    }
  }
}

}  // namespace linformer
