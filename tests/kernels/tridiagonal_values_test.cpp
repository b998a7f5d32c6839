// SPDX-License-Identifier: MIT
#include "kernels/tridiagonal_values.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/memory.h"
#include "base/random.h"
#include "catch.h"
#include "kernels/every_target.h"

namespace linformer {
namespace {

// BᵀB of an upper bidiagonal B.
struct Tridiagonal {
  std::vector<double> diagonal, squares;  // squares[i]: of the element between i − 1 and i

  Tridiagonal(const std::vector<double>& d, const std::vector<double>& e) {
    for (size_t i = 0; i < d.size(); ++i) {
      const double above = i > 0 ? e[i - 1] : 0;
      diagonal.push_back(d[i] * d[i] + above * above);
      squares.push_back(i > 0 ? std::pow(d[i - 1] * above, 2) : 0);
    }
  }

  // Gershgorin's bound.
  double largest() const {
    double most = 0;
    for (size_t i = 0; i < diagonal.size(); ++i) {
      const double next = i + 1 < squares.size() ? squares[i + 1] : 0;
      most = std::max(most, diagonal[i] + std::sqrt(squares[i]) + std::sqrt(next));
    }
    return most;
  }

  // How many eigenvalues are below x, by Sturm's sequence.
  int64_t below(double x) const {
    int64_t count = 0;
    double pivot = 1;
    for (size_t i = 0; i < diagonal.size(); ++i) {
      pivot = diagonal[i] - x - squares[i] / pivot;
      if (pivot == 0) pivot = -1e-200;
      count += pivot < 0;
    }
    return count;
  }

  // Eigenvalue k, ascending.
  double eigenvalue(int64_t k, double most) const {
    double low = -most, high = 2 * most;
    for (int i = 0; i < 70; ++i) {
      const double middle = (low + high) / 2;
      (below(middle) <= k ? low : high) = middle;
    }
    return low;
  }
};

// Elements of B of the kinds that spectra of attention leave: of one size, equal, zero, and coupled over many
// orders of magnitude, where rows that should have split off still rotate.
Tridiagonal drawn(int64_t n, int kind, uint64_t index) {
  Random random({.seed = 3, .purpose = 98, .index = index});
  std::vector<double> d(static_cast<size_t>(n)), e(d.size());
  const auto tiny = [&](double orders) { return std::pow(10.0, -orders * random.uniform()); };
  for (size_t i = 0; i < d.size(); ++i) {
    d[i] = kind == 0 ? std::abs(random.normal()) : std::floor(3 * random.uniform()) / 2;
    e[i] = kind == 0 ? std::abs(random.normal()) : kind == 1 ? 0.0 : tiny(kind == 2 ? 12 : 45);
    if (kind == 4) d[i] = i == 0 ? 1 : tiny(45);
    if (kind == 5) d[i] *= 1e-14, e[i] *= 1e-14;  // T of the order of 1e-28
  }
  return {d, e};
}

// The eigenvalues of the first `count` of a group, ascending, one matrix after another.
std::vector<std::vector<double>> values_of(const std::vector<Tridiagonal>& matrices, int64_t n,
                                           int64_t count) {
  const int64_t group = tridiagonal_group();
  MemoryAccount memory;
  const Buffer<double> room(memory, 2 * (n + 1) * group, "tridiagonal matrices");
  double *const diagonal = room.data(), *const squares = diagonal + (n + 1) * group;
  std::fill_n(diagonal, 2 * (n + 1) * group, 0.0);
  for (int64_t l = 0; l < count; ++l) {
    const Tridiagonal& matrix = matrices[static_cast<size_t>(l)];
    for (int64_t i = 0; i < n; ++i) {
      diagonal[i * group + l] = matrix.diagonal[static_cast<size_t>(i)];
      squares[i * group + l] = matrix.squares[static_cast<size_t>(i)];
    }
  }
  REQUIRE(tridiagonal_values(n, count, diagonal, squares));
  std::vector<std::vector<double>> values(static_cast<size_t>(count));
  for (int64_t l = 0; l < count; ++l) {
    std::vector<double>& own = values[static_cast<size_t>(l)];
    for (int64_t i = 0; i < n; ++i) own.push_back(diagonal[i * group + l]);
    std::ranges::sort(own);
  }
  return values;
}

}  // namespace

TEST_CASE("eigenvalues of tridiagonal matrices agree with bisection, however far rows are from splitting") {
  on_every_target([] {
    const int64_t group = tridiagonal_group();
    for (const int64_t n : {1, 2, 3, 16, 48, 130}) {
      for (int kind = 0; kind < 6; ++kind) {
        std::vector<Tridiagonal> matrices;
        for (int64_t l = 0; l < group; ++l) matrices.push_back(drawn(n, kind, static_cast<uint64_t>(l)));
        const std::vector<std::vector<double>> values = values_of(matrices, n, group);
        for (size_t l = 0; l < values.size(); ++l) {
          const double most = std::max(matrices[l].largest(), 1e-30);
          for (int64_t i = 0; i < n; ++i) {
            const double truth = matrices[l].eigenvalue(i, most);
            CAPTURE(n, kind, l, i, truth, most);
            CHECK(std::abs(values[l][static_cast<size_t>(i)] - truth) <= 1e-14 * most);
          }
        }
      }
    }
  });
}

TEST_CASE("eigenvalues of a tridiagonal matrix are the same bits however many others come with it") {
  on_every_target([] {
    const int64_t group = tridiagonal_group(), n = 48;
    for (int kind = 0; kind < 6; ++kind) {
      std::vector<Tridiagonal> matrices;
      for (int64_t l = 0; l < group; ++l) matrices.push_back(drawn(n, kind, static_cast<uint64_t>(l)));
      const std::vector<std::vector<double>> all = values_of(matrices, n, group);
      for (int64_t count = 1; count < group; ++count) {
        CAPTURE(kind, count);
        CHECK(values_of(matrices, n, count) == std::vector(all.begin(), all.begin() + count));
      }
    }
  });
}

}  // namespace linformer
