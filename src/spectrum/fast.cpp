// SPDX-License-Identifier: MIT
// Singular values in f32 by three steps of our own kernels: dense to band, band to bidiagonal B, and the
// eigenvalues of BᵀB in f64. Matrices go through in groups, a lane each from the second step on; each thread
// has a group of its own.
//
// A [rows, cols] with rows >= cols is GP or (GP)ᵀ, G a random reflection (see fast_input.h), scaled by a
// power of two so that its entries are of the order of 1. Where P has no more rows than columns, A = (QP)ᵀ
// with Q orthogonal, Q 1/√rows = ±e₁, gives the centred spectrum too: centring takes A's first column away
// (see centring.h), which neither of the first two steps touches from the right, and so T = BᵀB loses its
// first row and column. Q is two reflections, HG. A P with more rows is reduced twice, as it is and centred:
// what would be taken off T₁₁ there is known to 1e-7 σ₁² only, which is 3e-4 σ₁ at zero.
//
// Where a spectrum turns out nearly flat, which the second step in f32 does not carry to 2e-6 σ₁, that step
// is done again in f64, once there are enough of them to fill lanes; of a P that is not square, whose A may
// have hundreds of equal rows with equal rounding in the first step, all is done again by the Gram matrix.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <tuple>
#include <vector>

#include "base/subnormals.h"
#include "kernels/band_reduction.h"
#include "kernels/band_to_bidiagonal.h"
#include "kernels/tridiagonal_values.h"
#include "spectrum/fast_input.h"
#include "spectrum/methods.h"

namespace linformer {
namespace {

struct Sizes {
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

  bool square() const { return rows == cols; }
  int64_t band() const { return n * (kBandwidth + 1); }
  int64_t matrix_floats() const { return tall * stride; }
  int64_t reduction_floats() const {
    return std::max(band_workspace(tall, n), bidiagonal_workspace<float>(n));
  }
  int64_t band_floats() const { return group * band(); }
  int64_t wide_doubles() const { return square() ? bidiagonal_workspace<double>(n) : 0; }
  int64_t bidiagonal_doubles() const { return 2 * n * group; }
  int64_t tridiagonal_doubles() const { return 2 * (n + 1) * group; }
  int64_t input_floats() const { return FastInput::floats(rows, cols); }
  int64_t bytes() const {
    const int64_t batches = square() ? 2 : 1;
    return (matrix_floats() + reduction_floats() + batches * band_floats() + input_floats()) *
               int64_t{sizeof(float)} +
           (wide_doubles() + bidiagonal_doubles() + tridiagonal_doubles()) * int64_t{sizeof(double)};
  }
};

// One reduction: the reflected P yields both spectra, the centred one its own.
struct Job {
  MatrixForm form;
  MatrixView<const float> matrix;
  float largest;                      ///< |entry| of it
  std::span<double> values, centred;  ///< either may be empty
};

// Matrices of one form and shape after the first step, a group at most.
struct Batch {
  std::vector<Job> jobs;
  std::vector<float> scales;  ///< what each matrix was multiplied by
  Buffer<float> bands;        ///< [jobs, band]

  int64_t size() const { return std::ssize(jobs); }
  float* band(const Sizes& s, int64_t i) const { return bands.data() + i * s.band(); }
  void clear() { jobs.clear(), scales.clear(); }
};

struct Workspace {
  Buffer<float> matrix, reduction, input;
  Buffer<double> bidiagonals, tridiagonals;
  Batch batch;
  Batch flat;           ///< what waits for the second step in f64; the buffers where one was needed
  Buffer<double> wide;  ///< of that step

  void prepare(const Sizes& s, MemoryAccount& account) {
    matrix.reserve(account, s.matrix_floats(), "a copy of a matrix");
    reduction.reserve(account, s.reduction_floats(), "a band reduction");
    batch.bands.reserve(account, s.band_floats(), "band matrices");
    bidiagonals.reserve(account, s.bidiagonal_doubles(), "bidiagonal matrices");
    tridiagonals.reserve(account, s.tridiagonal_doubles(), "tridiagonal matrices");
    input.reserve(account, s.input_floats(), "reflections");
  }
  double* d(const Sizes& s, int64_t i) const { return bidiagonals.data() + 2 * i * s.n; }
  double* e(const Sizes& s, int64_t i) const { return d(s, i) + s.n; }
};

// The second step, in T.
template <class T>
void chase(const Sizes& s, const Batch& batch, const Workspace& w, T* room) {
  const int64_t lanes = bidiagonal_group<T>();
  for (int64_t begin = 0; begin < batch.size(); begin += lanes) {
    std::vector<const float*> bands(index(lanes), nullptr);
    std::vector<double*> d(index(lanes)), e(index(lanes));
    for (int64_t l = 0; l < lanes && begin + l < batch.size(); ++l) {
      const int64_t i = begin + l;
      bands[index(l)] = batch.band(s, i), d[index(l)] = w.d(s, i), e[index(l)] = w.e(s, i);
    }
    band_to_bidiagonal(bands.data(), s.n, room, d.data(), e.data());
  }
}

// T = BᵀB of matrix i into lane i, rows and columns from `first` on.
void square(const Sizes& s, const Workspace& w, int64_t i, int64_t first, double* diagonal, double* squares) {
  const double *const d = w.d(s, i), *const e = w.e(s, i);
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
void finish(const Sizes& s, const Batch& batch, int64_t first, Workspace& w, const Out& out) {
  double* const diagonal = w.tridiagonals.data();
  double* const squares = diagonal + (s.n + 1) * s.group;
  std::fill_n(diagonal, s.tridiagonal_doubles(), 0.0);
  for (int64_t i = 0; i < batch.size(); ++i) square(s, w, i, first, diagonal, squares);
  const int64_t order = s.n - first;
  if (!tridiagonal_values(order, diagonal, squares)) {
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
void finish(const Sizes& s, const Batch& batch, Workspace& w) {
  const MatrixForm form = batch.jobs.front().form;
  if (form != MatrixForm::kCentred) finish(s, batch, 0, w, [](const Job& job) { return job.values; });
  if (form != MatrixForm::kPlain) {
    const int64_t first = form == MatrixForm::kReflected ? 1 : 0;
    finish(s, batch, first, w, [](const Job& job) { return job.centred; });
  }
}

// Whether the rounding of chases in f32 may have moved values by more than 1.6e-6 σ₁. They round every entry
// n times; where all singular values are equal, that is 1.6e-6 σ₁ at n = 64, 1.8e-6 at 128 and 3.7e-6 at 512
// (measured), and it falls with the root mean square of the values. It is no less for a small rectangle,
// whose longer side may have equal rows or columns.
bool is_flat(std::span<const double> values, bool square) {
  constexpr double kMost = 0.5, kMostAt = 512;  // of (root mean square)/σ₁, at this n
  const auto n = static_cast<double>(values.size());
  const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  const double limit = kMost * std::min(square ? std::cbrt(kMostAt / n) : 1, std::sqrt(kMostAt / n));
  return squares > limit * limit * n * values[0] * values[0];
}

// The second step in f64 and the third for what waits for them, in buffers that held it before.
void solve_flat(Workspace& w, MemoryAccount& account) {
  if (w.flat.size() == 0) return;
  const MatrixView<const float> matrix = w.flat.jobs.front().matrix;
  const Sizes s(matrix.rows, matrix.cols);
  w.wide.reserve(account, s.wide_doubles(), "band matrices in f64");
  const SubnormalsAreZero zero;
  chase(s, w.flat, w, w.wide.data());
  finish(s, w.flat, w);
  w.flat.clear();
}

// Puts matrix i of the batch among those that wait, of its own form and shape, a group at most.
void keep_flat(const Sizes& s, int64_t i, Workspace& w, MemoryAccount& account) {
  const Job& job = w.batch.jobs[index(i)];
  if (w.flat.size() > 0) {
    const Job& other = w.flat.jobs.front();
    const bool fits = other.form == job.form && other.matrix.rows == s.rows && other.matrix.cols == s.cols;
    if (!fits || w.flat.size() == s.group) solve_flat(w, account);
  }
  w.flat.bands.reserve(account, s.band_floats(), "band matrices");
  std::copy_n(w.batch.band(s, i), s.band(), w.flat.band(s, w.flat.size()));
  w.flat.jobs.push_back(job);
  w.flat.scales.push_back(w.batch.scales[index(i)]);
}

// At most a group of jobs of one form and shape; those with flat spectra may be left waiting.
void solve(const Sizes& s, std::span<const Job> jobs, Workspace& w, MemoryAccount& account) {
  const FastInput input(jobs.front().form, s.rows, s.cols, w.input.data());
  w.batch.clear();
  for (const Job& job : jobs) {
    w.batch.scales.push_back(input.write(job.matrix, job.largest, w.matrix.data(), s.tall, s.n, s.stride));
    const SubnormalsAreZero zero;
    reduce_to_band(w.matrix.data(), s.tall, s.n, w.reduction.data(), w.batch.band(s, w.batch.size()));
    w.batch.jobs.push_back(job);
  }
  const SubnormalsAreZero zero;
  chase(s, w.batch, w, w.reduction.data());
  finish(s, w.batch, w);
  if (!s.square()) return;
  for (int64_t i = 0; i < w.batch.size(); ++i) {
    if (is_flat(w.batch.jobs[index(i)].values, true)) keep_flat(s, i, w, account);
  }
}

class Fast final : public SingularValues {
 public:
  int64_t workspace_bytes(int64_t rows, int64_t cols) const override {
    if (std::min(rows, cols) == 0) return 0;
    return Sizes(rows, cols).bytes() + (rows == cols ? 0 : exact_->workspace_bytes(rows, cols));
  }

  void compute(std::span<const SpectrumTask> tasks, Run& run) override {
    const std::vector<float> largest = largest_entries(tasks, run);
    std::map<std::tuple<int64_t, int64_t, MatrixForm>, std::vector<Job>> forms;
    for (size_t i = 0; i < tasks.size(); ++i) {
      for (const Job& job : jobs_of(tasks[i], largest[i]))
        forms[{job.matrix.rows, job.matrix.cols, job.form}].push_back(job);
    }
    std::vector<std::span<const Job>> groups;
    for (const auto& [form, jobs] : forms) split(jobs, run.threads, groups);
    std::ranges::stable_sort(groups, std::greater<>(), [](const auto& group) { return group.size(); });
    if (std::ssize(workspaces_) < run.threads) workspaces_.resize(index(run.threads));
    for (Workspace& workspace : workspaces_) workspace.flat.clear();  // of a call that threw
    parallel_for_timed(run.threads, std::ssize(groups), idle_seconds_, [&](int64_t i, int thread) {
      const auto& group = groups[index(i)];
      const Sizes sizes(group.front().matrix.rows, group.front().matrix.cols);
      Workspace& workspace = workspaces_[index(thread)];
      workspace.prepare(sizes, run.memory);
      solve(sizes, group, workspace, run.memory);
    });
    const std::span<Workspace> used(workspaces_.data(), index(run.threads));
    if (std::ranges::any_of(used, [](const Workspace& w) { return w.flat.size() > 0; })) {
      parallel_for_timed(run.threads, run.threads, idle_seconds_,
                         [&](int64_t i, int) { solve_flat(used[index(i)], run.memory); });
    }
    std::vector<SpectrumTask> flat;
    std::ranges::copy_if(tasks, std::back_inserter(flat), [](const SpectrumTask& task) {
      return task.matrix.rows != task.matrix.cols && !task.values.empty() && is_flat(task.values, false);
    });
    if (!flat.empty()) exact_->compute(flat, run);
  }

 private:
  static std::vector<Job> jobs_of(const SpectrumTask& task, float largest) {
    if (task.values.empty()) return {};
    if (task.centred.empty()) return {{MatrixForm::kPlain, task.matrix, largest, task.values, {}}};
    if (task.matrix.rows <= task.matrix.cols) {
      return {{MatrixForm::kReflected, task.matrix, largest, task.values, task.centred}};
    }
    return {{MatrixForm::kPlain, task.matrix, largest, task.values, {}},
            {MatrixForm::kCentred, task.matrix, largest, {}, task.centred}};
  }

  // As many matrices for each thread, in groups that fill lanes but for its last one: the first step, a
  // matrix at a time, takes most of the time, and a thread without work would cost more than a lane without a
  // matrix.
  static void split(std::span<const Job> jobs, int threads, std::vector<std::span<const Job>>& groups) {
    const int64_t count = std::ssize(jobs), most = tridiagonal_group();
    for (int64_t t = 0; t < threads; ++t) {
      const int64_t end = (t + 1) * count / threads;
      for (int64_t begin = t * count / threads; begin < end; begin += most) {
        groups.push_back(jobs.subspan(index(begin), index(std::min(most, end - begin))));
      }
    }
  }

  std::vector<Workspace> workspaces_;
  std::unique_ptr<SingularValues> exact_ = make_gram();  ///< for flat spectra of rectangles
};

}  // namespace

std::unique_ptr<SingularValues> make_fast() { return std::make_unique<Fast>(); }

}  // namespace linformer
