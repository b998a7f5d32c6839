// SPDX-License-Identifier: MIT
// Singular values in f32 by three steps of our own kernels: dense to band, band to bidiagonal B, and the
// eigenvalues of BᵀB in f64. Matrices go through in groups, a lane each from the second step on; each thread
// has a group of its own.
//
// A [rows, cols] with rows >= cols is P or Pᵀ, scaled by a power of two so that its entries are of the order
// of 1. Where P has no more rows than columns, A = (QP)ᵀ with Q orthogonal, Q 1/√rows = ±e₁, gives the
// centred spectrum too: centring takes A's first column away (see centring.h), which neither of the first two
// steps touches from the right, and so T = BᵀB loses its first row and column. Q is two reflections, HG, of
// which G is a random one: H alone makes matrices near the identity or a permutation have many equal entries,
// whose equal rounding adds up to 4e-6 σ₁. A P with more rows is reduced twice, as it is and centred: what
// would be taken off T₁₁ there is known to 1e-7 σ₁² only, which is 3e-4 σ₁ at zero.
//
// Where a spectrum turns out nearly flat, which the second step in f32 does not carry to 2e-6 σ₁, that step
// is done again in f64; of a P that is not square, whose A may have hundreds of equal rows with equal
// rounding in the first step, all is done again by the Gram matrix.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <tuple>
#include <vector>

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
    return (matrix_floats() + reduction_floats() + band_floats() + input_floats()) * int64_t{sizeof(float)} +
           (wide_doubles() + bidiagonal_doubles() + tridiagonal_doubles()) * int64_t{sizeof(double)};
  }
};

struct Workspace {
  Buffer<float> matrix, reduction, bands, input;
  Buffer<double> bidiagonals, tridiagonals;
  Buffer<double> wide;  ///< of the second step in f64; where one was needed

  void prepare(const Sizes& s, MemoryAccount& account) {
    matrix.reserve(account, s.matrix_floats(), "a copy of a matrix");
    reduction.reserve(account, s.reduction_floats(), "a band reduction");
    bands.reserve(account, s.band_floats(), "band matrices");
    bidiagonals.reserve(account, s.bidiagonal_doubles(), "bidiagonal matrices");
    tridiagonals.reserve(account, s.tridiagonal_doubles(), "tridiagonal matrices");
    input.reserve(account, s.input_floats(), "reflections");
  }
  float* band(const Sizes& s, int64_t i) const { return bands.data() + i * s.band(); }
  double* d(const Sizes& s, int64_t i) const { return bidiagonals.data() + 2 * i * s.n; }
  double* e(const Sizes& s, int64_t i) const { return d(s, i) + s.n; }
};

// One reduction: the reflected P yields both spectra, the centred one its own.
struct Job {
  MatrixForm form;
  MatrixView<const float> matrix;
  std::span<double> values, centred;  ///< either may be empty
};

// Matrices of a group, by number.
using Members = std::span<const int64_t>;

// The second step, in T.
template <class T>
void chase(const Sizes& s, Members members, const Workspace& w, T* room) {
  const int64_t lanes = bidiagonal_group<T>();
  for (int64_t begin = 0; begin < std::ssize(members); begin += lanes) {
    std::vector<const float*> bands(index(lanes), nullptr);
    std::vector<double*> d(index(lanes)), e(index(lanes));
    for (int64_t l = 0; l < lanes && begin + l < std::ssize(members); ++l) {
      const int64_t i = members[index(begin + l)];
      bands[index(l)] = w.band(s, i), d[index(l)] = w.d(s, i), e[index(l)] = w.e(s, i);
    }
    band_to_bidiagonal(bands.data(), s.n, room, d.data(), e.data());
  }
}

// T = BᵀB of matrix i of the group into lane l, rows and columns from `first` on.
void square(const Sizes& s, const Workspace& w, int64_t i, int64_t l, int64_t first, double* diagonal,
            double* squares) {
  const double *const d = w.d(s, i), *const e = w.e(s, i);
  for (int64_t r = first; r < s.n; ++r) {
    const double above = r > 0 ? e[r - 1] : 0.0;
    diagonal[(r - first) * s.group + l] = d[r] * d[r] + above * above;
    if (r == first) continue;
    const double beside = d[r - 1] * above;
    squares[(r - first) * s.group + l] = beside * beside;
  }
}

// The spectra that out(job) wants of the members, from T's row and column `first` on.
template <class Out>
void finish(const Sizes& s, std::span<const Job> jobs, Members members, std::span<const float> scales,
            int64_t first, Workspace& w, const Out& out) {
  double* const diagonal = w.tridiagonals.data();
  double* const squares = diagonal + (s.n + 1) * s.group;
  std::fill_n(diagonal, s.tridiagonal_doubles(), 0.0);
  for (int64_t l = 0; l < std::ssize(members); ++l) {
    square(s, w, members[index(l)], l, first, diagonal, squares);
  }
  const int64_t order = s.n - first;
  if (!tridiagonal_values(order, diagonal, squares)) {
    throw Error(ErrorCode::kInternal, {.subject = "singular values", .found = "no convergence"});
  }
  std::vector<double> values(index(order));
  for (int64_t l = 0; l < std::ssize(members); ++l) {
    const size_t job = index(members[index(l)]);
    const auto scale = static_cast<double>(scales[job]);
    for (int64_t i = 0; i < order; ++i) {
      values[index(i)] = std::sqrt(std::max(0.0, diagonal[i * s.group + l])) / scale;
    }
    std::ranges::sort(values, std::greater<>());
    const std::span<double> to = out(jobs[job]);
    const size_t kept = std::min(values.size(), to.size());
    std::copy_n(values.begin(), kept, to.begin());
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(kept), to.end(), 0.0);
  }
}

// The third step, for all spectra that are wanted of the members.
void finish(const Sizes& s, std::span<const Job> jobs, Members members, std::span<const float> scales,
            Workspace& w) {
  const MatrixForm form = jobs.front().form;
  if (form != MatrixForm::kCentred) {
    finish(s, jobs, members, scales, 0, w, [](const Job& job) { return job.values; });
  }
  if (form != MatrixForm::kPlain) {
    const int64_t first = form == MatrixForm::kReflected ? 1 : 0;
    finish(s, jobs, members, scales, first, w, [](const Job& job) { return job.centred; });
  }
}

// Whether the rounding of chases in f32 may have moved values by more than 1.5e-6 σ₁. They round every entry
// n times; where all singular values are equal, that is 3e-6 σ₁ at n = 512 (measured), and it grows with √n
// and with the root mean square of the values.
bool is_flat(std::span<const double> values) {
  constexpr double kMost = 0.5, kMostAt = 512;  // of (root mean square)/σ₁, up to this n
  const auto n = static_cast<double>(values.size());
  const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  const double limit = kMost * kMost * std::min(1.0, kMostAt / n);
  return squares > limit * n * values[0] * values[0];
}

// At most a group of jobs of one form and shape.
void solve(const Sizes& s, std::span<const Job> jobs, Workspace& w, MemoryAccount& account) {
  const FastInput input(jobs.front().form, s.rows, s.cols, w.input.data());
  std::vector<float> scales;
  std::vector<int64_t> all, flat;
  for (int64_t i = 0; i < std::ssize(jobs); ++i) {
    all.push_back(i);
    scales.push_back(input.write(jobs[index(i)].matrix, w.matrix.data(), s.tall, s.n, s.stride));
    reduce_to_band(w.matrix.data(), s.tall, s.n, w.reduction.data(), w.band(s, i));
  }
  chase(s, all, w, w.reduction.data());
  finish(s, jobs, all, scales, w);
  std::ranges::copy_if(all, std::back_inserter(flat),
                       [&](int64_t i) { return s.square() && is_flat(jobs[index(i)].values); });
  if (flat.empty()) return;
  w.wide.reserve(account, s.wide_doubles(), "band matrices in f64");
  chase(s, flat, w, w.wide.data());
  finish(s, jobs, flat, scales, w);
}

class Fast final : public SingularValues {
 public:
  int64_t workspace_bytes(int64_t rows, int64_t cols) const override {
    if (std::min(rows, cols) == 0) return 0;
    return Sizes(rows, cols).bytes() + (rows == cols ? 0 : exact_->workspace_bytes(rows, cols));
  }

  void compute(std::span<const SpectrumTask> tasks, Run& run) override {
    check_tasks(tasks, run);
    std::map<std::tuple<int64_t, int64_t, MatrixForm>, std::vector<Job>> forms;
    for (const SpectrumTask& task : tasks) {
      for (const Job& job : jobs_of(task)) forms[{job.matrix.rows, job.matrix.cols, job.form}].push_back(job);
    }
    std::vector<std::span<const Job>> groups;
    for (const auto& [form, jobs] : forms) split(jobs, run.threads, groups);
    std::ranges::stable_sort(groups, std::greater<>(), [](const auto& group) { return group.size(); });
    if (std::ssize(workspaces_) < run.threads) workspaces_.resize(index(run.threads));
    parallel_for_timed(run.threads, std::ssize(groups), idle_seconds_, [&](int64_t i, int thread) {
      const auto& group = groups[index(i)];
      const Sizes sizes(group.front().matrix.rows, group.front().matrix.cols);
      Workspace& workspace = workspaces_[index(thread)];
      workspace.prepare(sizes, run.memory);
      solve(sizes, group, workspace, run.memory);
    });
    std::vector<SpectrumTask> flat;
    std::ranges::copy_if(tasks, std::back_inserter(flat), [](const SpectrumTask& task) {
      return task.matrix.rows != task.matrix.cols && !task.values.empty() && is_flat(task.values);
    });
    if (!flat.empty()) exact_->compute(flat, run);
  }

 private:
  static std::vector<Job> jobs_of(const SpectrumTask& task) {
    if (task.values.empty()) return {};
    if (task.centred.empty()) return {{MatrixForm::kPlain, task.matrix, task.values, {}}};
    if (task.matrix.rows <= task.matrix.cols) {
      return {{MatrixForm::kReflected, task.matrix, task.values, task.centred}};
    }
    return {{MatrixForm::kPlain, task.matrix, task.values, {}},
            {MatrixForm::kCentred, task.matrix, {}, task.centred}};
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
