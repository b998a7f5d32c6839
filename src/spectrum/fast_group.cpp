// SPDX-License-Identifier: MIT
#include "spectrum/fast_group.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "base/index.h"
#include "base/subnormals.h"
#include "kernels/band_reduction.h"
#include "kernels/band_to_bidiagonal.h"
#include "kernels/tridiagonal_values.h"

namespace linformer {
namespace {

// Whether chases in f32 may have moved values by more than 1.6e-6 σ₁. They round every entry n times; where
// all singular values are equal, that is 1.6e-6 σ₁ at n = 64, 1.8e-6 at 128 and 3.7e-6 at 512 (measured), and
// it falls with the root mean square of the values.
bool is_flat(std::span<const double> values) {
  constexpr double kMost = 0.5, kMostAt = 512;  // of (root mean square)/σ₁, at this n
  const auto n = static_cast<double>(values.size());
  const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  const double limit = kMost * std::min(std::cbrt(kMostAt / n), std::sqrt(kMostAt / n));
  return squares > limit * limit * n * values[0] * values[0];
}

}  // namespace

// Padded sizes of A and of all buffers for P of one shape.
struct FastGroup::Sizes {
  Sizes(int64_t row_count, int64_t col_count)
      : rows(row_count),
        cols(col_count),
        tall(padded_to_band(std::max(rows, cols))),
        n(padded_to_band(std::min(rows, cols))),
        stride(band_row_stride(n)),
        group(tridiagonal_group()) {}

  int64_t rows, cols;
  int64_t tall, n;  ///< A's rows and columns, padded
  int64_t stride;   ///< A's
  int64_t group;    ///< matrices at a time

  int64_t band() const { return n * (kBandwidth + 1); }
  int64_t matrix_floats() const { return tall * stride; }
  int64_t reduction_floats() const {
    return std::max(band_workspace(tall, n), bidiagonal_workspace<float>(n));
  }
  int64_t band_floats() const { return group * band(); }
  int64_t wide_doubles() const { return bidiagonal_workspace<double>(n); }
  int64_t bidiagonal_doubles() const { return 2 * n * group; }
  int64_t tridiagonal_doubles() const { return 2 * (n + 1) * group; }
  int64_t reflection_floats() const { return FastInput::floats(rows, cols); }
  int64_t bytes() const {
    // Bands of a batch and of what waits.
    return (matrix_floats() + reduction_floats() + 2 * band_floats() + reflection_floats()) *
               int64_t{sizeof(float)} +
           (wide_doubles() + bidiagonal_doubles() + tridiagonal_doubles()) * int64_t{sizeof(double)};
  }
};

int64_t FastGroup::bytes(int64_t rows, int64_t cols) { return Sizes(rows, cols).bytes(); }

float* FastGroup::Batch::band(const Sizes& s, int64_t i) const { return bands.data() + i * s.band(); }
double* FastGroup::d(const Sizes& s, int64_t i) const { return bidiagonals_.data() + 2 * i * s.n; }
double* FastGroup::e(const Sizes& s, int64_t i) const { return d(s, i) + s.n; }

void FastGroup::prepare(const Sizes& s, MemoryAccount& account) {
  matrix_.reserve(account, s.matrix_floats(), "a copy of a matrix");
  reduction_.reserve(account, s.reduction_floats(), "a band reduction");
  batch_.bands.reserve(account, s.band_floats(), "band matrices");
  bidiagonals_.reserve(account, s.bidiagonal_doubles(), "bidiagonal matrices");
  tridiagonals_.reserve(account, s.tridiagonal_doubles(), "tridiagonal matrices");
  reflections_.reserve(account, s.reflection_floats(), "reflections");
}

// The second step, in T.
template <class T>
void FastGroup::chase(const Sizes& s, const Batch& batch, T* room) {
  const int64_t lanes = bidiagonal_group<T>();
  for (int64_t begin = 0; begin < batch.size(); begin += lanes) {
    std::vector<const float*> bands(index(lanes), nullptr);
    std::vector<double*> d(index(lanes)), e(index(lanes));
    for (int64_t l = 0; l < lanes && begin + l < batch.size(); ++l) {
      const int64_t i = begin + l;
      bands[index(l)] = batch.band(s, i), d[index(l)] = this->d(s, i), e[index(l)] = this->e(s, i);
    }
    band_to_bidiagonal(bands.data(), s.n, room, d.data(), e.data());
  }
}

// T = BᵀB of matrix i into lane i, rows and columns from `first` on.
void FastGroup::form_tridiagonal(const Sizes& s, int64_t i, int64_t first, double* diagonal,
                                 double* squares) const {
  const double *const d = this->d(s, i), *const e = this->e(s, i);
  for (int64_t r = first; r < s.n; ++r) {
    const double above = r > 0 ? e[r - 1] : 0.0;
    diagonal[(r - first) * s.group + i] = d[r] * d[r] + above * above;
    if (r == first) continue;
    const double beside = d[r - 1] * above;
    squares[(r - first) * s.group + i] = beside * beside;
  }
}

// The spectra that out(job) wants of a batch, from T's row and column `first` on.
template <class Out>
void FastGroup::find_values(const Sizes& s, const Batch& batch, int64_t first, const Out& out) {
  double* const diagonal = tridiagonals_.data();
  double* const squares = diagonal + (s.n + 1) * s.group;
  std::fill_n(diagonal, s.tridiagonal_doubles(), 0.0);
  for (int64_t i = 0; i < batch.size(); ++i) form_tridiagonal(s, i, first, diagonal, squares);
  const int64_t order = s.n - first;
  if (!tridiagonal_values(order, batch.size(), diagonal, squares)) {
    throw Error(ErrorCode::kInternal, {.subject = "singular values", .found = "no convergence"});
  }
  std::vector<double> values(index(order));
  for (int64_t i = 0; i < batch.size(); ++i) {
    const auto scale = static_cast<double>(batch.scales[index(i)]);
    for (int64_t r = 0; r < order; ++r) {
      values[index(r)] = std::sqrt(std::max(0.0, diagonal[r * s.group + i])) / scale;
    }
    std::ranges::sort(values, std::greater<>());
    const std::span<double> to = out(batch.jobs[index(i)]);
    const size_t kept = std::min(values.size(), to.size());
    std::copy_n(values.begin(), kept, to.begin());
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(kept), to.end(), 0.0);
  }
}

// The third step, for all spectra that are wanted.
void FastGroup::find_values(const Sizes& s, const Batch& batch) {
  const MatrixForm form = batch.jobs.front().form;
  if (form != MatrixForm::kCentred) find_values(s, batch, 0, [](const FastJob& job) { return job.values; });
  if (form != MatrixForm::kPlain) {
    const int64_t first = form == MatrixForm::kReflected ? 1 : 0;
    find_values(s, batch, first, [](const FastJob& job) { return job.centred; });
  }
}

// In buffers that held them before.
void FastGroup::solve_waiting(MemoryAccount& account) {
  if (!has_waiting()) return;
  const MatrixView<const float> matrix = flat_.jobs.front().matrix;
  const Sizes s(matrix.rows, matrix.cols);
  wide_.reserve(account, s.wide_doubles(), "band matrices in f64");
  const SubnormalsAreZero zero;
  chase(s, flat_, wide_.data());
  find_values(s, flat_);
  flat_.clear();
}

// Puts matrix i of the batch among those that wait, of its own form and shape, a group at most.
void FastGroup::keep_waiting(const Sizes& s, int64_t i, MemoryAccount& account) {
  const FastJob& job = batch_.jobs[index(i)];
  if (has_waiting()) {
    const FastJob& other = flat_.jobs.front();
    const bool fits = other.form == job.form && other.matrix.rows == s.rows && other.matrix.cols == s.cols;
    if (!fits || flat_.size() == s.group) solve_waiting(account);
  }
  flat_.bands.reserve(account, s.band_floats(), "band matrices");
  std::copy_n(batch_.band(s, i), s.band(), flat_.band(s, flat_.size()));
  flat_.jobs.push_back(job);
  flat_.scales.push_back(batch_.scales[index(i)]);
}

void FastGroup::solve(std::span<const FastJob> jobs, MemoryAccount& account) {
  const Sizes s(jobs.front().matrix.rows, jobs.front().matrix.cols);
  prepare(s, account);
  FastInput input(jobs.front().form, s.rows, s.cols, reflections_.data());
  batch_.clear();
  for (const FastJob& job : jobs) {
    batch_.scales.push_back(input.write(job.matrix, job.largest, matrix_.data(), s.tall, s.n, s.stride));
    const SubnormalsAreZero zero;
    reduce_to_band(matrix_.data(), s.tall, s.n, reduction_.data(), batch_.band(s, batch_.size()));
    batch_.jobs.push_back(job);
  }
  {
    const SubnormalsAreZero zero;
    chase(s, batch_, reduction_.data());
    find_values(s, batch_);
  }
  for (int64_t i = 0; i < batch_.size(); ++i) {
    const FastJob& job = batch_.jobs[index(i)];
    if (is_flat(job.values.empty() ? job.centred : job.values)) keep_waiting(s, i, account);
  }
}

}  // namespace linformer
