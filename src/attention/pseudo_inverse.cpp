// SPDX-License-Identifier: MIT
#include "attention/pseudo_inverse.h"

#include <algorithm>
#include <cmath>

#include "base/lapack.h"
#include "base/stride.h"

namespace linformer {
namespace {

constexpr double kProductsOfStep = 4;
constexpr double kEigenFlops = 9;  // m³ each, with vectors: Golub and Van Loan, section 8.3

// Hands out pieces of a room, each on lines of its own.
class Room {
 public:
  explicit Room(void* data) : at_(static_cast<char*>(data)) {}
  double* doubles(int64_t count) { return reinterpret_cast<double*>(take(line_bytes<double>(count))); }
  int32_t* integers(int64_t count) { return reinterpret_cast<int32_t*>(take(line_bytes<int32_t>(count))); }

 private:
  char* take(int64_t bytes) {
    char* const here = at_;
    at_ += bytes;
    return here;
  }
  char* at_;
};

// X becomes c I − X.
void subtract_from_identity(double c, double* x, int64_t m) {
  std::transform(x, x + m * m, x, [](double value) { return -value; });
  for (int64_t i = 0; i < m; ++i) x[i * m + i] += c;
}

// Z = Aᵀ / (|A|₁|A|∞); `columns`: room for m.
void begin_inverse(const double* a, double* z, double* columns, int64_t m) {
  std::fill_n(columns, m, 0.0);
  double of_rows = 0;
  for (int64_t i = 0; i < m; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < m; ++j) {
      const double x = std::abs(a[i * m + j]);
      sum += x;
      columns[j] += x;
      z[j * m + i] = a[i * m + j];
    }
    of_rows = std::max(of_rows, sum);
  }
  const double product = of_rows * *std::max_element(columns, columns + m);
  std::transform(z, z + m * m, z, [=](double x) { return product > 0 ? x / product : x; });
}

void multiply_iteratively(int64_t iterations, const double* a, double* y, int64_t m, int64_t d, Room room) {
  double *const z = room.doubles(m * m), *const next = room.doubles(m * std::max(m, d));
  double *const az = room.doubles(m * m), *const bracket = room.doubles(m * m);
  begin_inverse(a, z, az, m);
  for (int64_t i = 0; i < iterations; ++i) {
    multiply(a, z, az, m, m, m);
    std::copy_n(az, m * m, next);
    subtract_from_identity(7, next, m);
    multiply(az, next, bracket, m, m, m);
    subtract_from_identity(15, bracket, m);
    multiply(az, bracket, next, m, m, m);
    subtract_from_identity(13, next, m);
    multiply(z, next, bracket, m, m, m);
    std::transform(bracket, bracket + m * m, z, [](double x) { return x / 4; });
  }
  std::copy_n(y, m * d, next);
  multiply(z, next, y, m, d, m);
}

// A⁺ = W Λ⁻¹ Wᵀ Aᵀ, W and Λ eigenvectors and eigenvalues of AᵀA. These resolve singular values down to some
// 1e-8 of the largest, below what is counted.
void multiply_exactly(const double* a, double* y, int64_t m, int64_t d, Room room) {
  const Lapack& lapack = Lapack::get();
  const auto n = static_cast<int32_t>(m), columns = static_cast<int32_t>(d);
  const Lapack::EigenSizes sizes = lapack.dsyevd_sizes(n);
  double *const w = room.doubles(m * m), *const values = room.doubles(m),
                *const work = room.doubles(sizes.work);
  int32_t* const integers = room.integers(sizes.integers);
  double *const projected = room.doubles(m * d), *const coefficients = room.doubles(m * d);
  lapack.dsyrk_lower(false, n, n, 1, a, n, 0, w, n);
  lapack.dsyevd_lower(n, w, n, values, work, integers, sizes);
  lapack.dgemm(false, true, columns, n, n, 1, y, columns, a, n, 0, projected, columns);  // Aᵀ Y
  multiply(w, projected, coefficients, m, d, m);  // the vectors are our rows
  const double least = std::pow(static_cast<double>(m) * 0x1p-23, 2) * values[m - 1];
  for (int64_t i = 0; i < m; ++i) {
    double* const row = coefficients + i * d;
    const double factor = values[i] > least ? 1 / values[i] : 0;
    std::transform(row, row + d, row, [=](double x) { return factor * x; });
  }
  lapack.dgemm(false, true, columns, n, n, 1, coefficients, columns, w, n, 0, y, columns);  // Wᵀ of our rows
}

}  // namespace

// A row-major matrix is its transpose to LAPACK: Cᵀ = Bᵀ Aᵀ.
void multiply(const double* a, const double* b, double* c, int64_t m, int64_t n, int64_t k) {
  const auto rows = static_cast<int32_t>(m), cols = static_cast<int32_t>(n), summed = static_cast<int32_t>(k);
  Lapack::get().dgemm(false, false, cols, rows, summed, 1, b, cols, a, summed, 0, c, cols);
}

void multiply_transposed(double factor, const double* a, const double* b, double* c, int64_t m, int64_t n,
                         int64_t k) {
  const auto rows = static_cast<int32_t>(m), cols = static_cast<int32_t>(n), summed = static_cast<int32_t>(k);
  Lapack::get().dgemm(true, false, cols, rows, summed, factor, b, summed, a, summed, 0, c, cols);
}

int64_t inverse_bytes(const NystromOptions& options, int64_t m, int64_t d) {
  if (options.inverse == NystromOptions::Inverse::kIterative)
    return 3 * line_bytes<double>(m * m) + line_bytes<double>(m * std::max(m, d));
  const Lapack::EigenSizes sizes = Lapack::get().dsyevd_sizes(static_cast<int32_t>(m));
  return line_bytes<double>(m * m) + line_bytes<double>(m) + line_bytes<double>(sizes.work) +
         line_bytes<int32_t>(sizes.integers) + 2 * line_bytes<double>(m * d);
}

double inverse_flops(const NystromOptions& options, int64_t m, int64_t d) {
  const auto rows = static_cast<double>(m), cube = rows * rows * rows,
             apply = 2 * rows * rows * static_cast<double>(d);
  if (options.inverse == NystromOptions::Inverse::kIterative)
    return static_cast<double>(options.iterations) * kProductsOfStep * 2 * cube + apply;
  return (kEigenFlops + 1) * cube + 3 * apply;
}

void multiply_by_inverse(const NystromOptions& options, const double* a, double* y, int64_t m, int64_t d,
                         void* room) {
  if (options.inverse == NystromOptions::Inverse::kIterative) {
    multiply_iteratively(options.iterations, a, y, m, d, Room(room));
  } else {
    multiply_exactly(a, y, m, d, Room(room));
  }
}

}  // namespace linformer
