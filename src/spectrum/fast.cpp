// SPDX-License-Identifier: MIT
// Singular values in f32 by three steps of our own kernels: dense to band, band to bidiagonal B, and the
// eigenvalues of BᵀB in f64. Matrices go through in groups, a lane each from the second step on; each thread
// has a group of its own.
//
// A [rows, cols] with rows >= cols is GPG' or its transpose, G and G' random reflections (see fast_input.h),
// scaled by a power of two so that its entries are of the order of 1. Where P has no more rows than columns,
// A = (QPG')ᵀ with Q orthogonal, Q 1/√rows = ±e₁, gives the centred spectrum too: centring takes A's first
// column away (see centring.h), which neither of the first two steps touches from the right, and so T = BᵀB
// loses its first row and column. Q is two reflections, HG. A P with more rows is reduced twice, as it is and
// centred: what would be taken off T₁₁ there is known to 1e-7 σ₁² only, which is 3e-4 σ₁ at zero.
#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "base/idle_time.h"
#include "base/index.h"
#include "kernels/tridiagonal_values.h"
#include "spectrum/fast_group.h"
#include "spectrum/methods.h"

namespace linformer {
namespace {

class Fast final : public SingularValues {
 public:
  int64_t workspace_bytes(int64_t rows, int64_t cols) const override {
    return std::min(rows, cols) == 0 ? 0 : FastGroup::bytes(rows, cols);
  }

  void compute(std::span<const SpectrumTask> tasks, Run& run) override {
    const std::vector<float> largest = largest_entries(tasks, run);
    std::map<std::tuple<int64_t, int64_t, MatrixForm>, std::vector<FastJob>> forms;
    for (size_t i = 0; i < tasks.size(); ++i) {
      for (const FastJob& job : jobs_of(tasks[i], largest[i]))
        forms[{job.matrix.rows, job.matrix.cols, job.form}].push_back(job);
    }
    std::vector<std::span<const FastJob>> pieces;
    for (const auto& [form, jobs] : forms) split(jobs, run.threads, pieces);
    std::ranges::stable_sort(pieces, std::greater<>(), [](const auto& piece) { return piece.size(); });
    if (std::ssize(groups_) < run.threads) groups_.resize(index(run.threads));
    for (FastGroup& group : groups_) group.forget_waiting();  // of a call that threw
    parallel_for_timed(run.threads, std::ssize(pieces), idle_seconds_, [&](int64_t i, int thread) {
      groups_[index(thread)].solve(pieces[index(i)], run.memory);
    });
    if (std::ranges::any_of(groups_, &FastGroup::has_waiting)) {
      parallel_for_timed(run.threads, run.threads, idle_seconds_,
                         [&](int64_t i, int) { groups_[index(i)].solve_waiting(run.memory); });
    }
  }

 private:
  static std::vector<FastJob> jobs_of(const SpectrumTask& task, float largest) {
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
  static void split(std::span<const FastJob> jobs, int threads,
                    std::vector<std::span<const FastJob>>& pieces) {
    const int64_t count = std::ssize(jobs), most = tridiagonal_group();
    for (int64_t t = 0; t < threads; ++t) {
      const int64_t end = (t + 1) * count / threads;
      for (int64_t begin = t * count / threads; begin < end; begin += most) {
        pieces.push_back(jobs.subspan(index(begin), index(std::min(most, end - begin))));
      }
    }
  }

  std::vector<FastGroup> groups_;  ///< a thread each
};

}  // namespace

std::unique_ptr<SingularValues> make_fast() { return std::make_unique<Fast>(); }

}  // namespace linformer
