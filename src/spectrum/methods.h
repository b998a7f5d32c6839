// SPDX-License-Identifier: MIT
// What the methods of singular_values.h share; private to this folder.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/idle_time.h"
#include "base/index.h"
#include "base/lapack.h"
#include "kernels/reflected_copy.h"
#include "spectrum/singular_values.h"

namespace linformer {

/// As the kernels take it.
inline RowMajor row_major(MatrixView<const float> p) { return {p.data, p.rows, p.cols, p.stride}; }

std::unique_ptr<SingularValues> make_fast();
std::unique_ptr<SingularValues> make_gram();
std::unique_ptr<SingularValues> make_gesdd_f32();
std::unique_ptr<SingularValues> make_gesdd_f64();

/// The largest |entry| of each matrix, found on run.threads threads. Throws as SingularValues::compute()
/// says: spans of a wrong size, sizes beyond LAPACK's integers, entries that are not finite (the first task
/// in order is named).
std::vector<float> largest_entries(std::span<const SpectrumTask> tasks, const Run& run);

/// What compute() does in every method: checks the tasks, then solve(task, workspace) for each that is not
/// empty, on run.threads threads with a workspace each; `workspaces` grows to their number. The
/// waiting of threads is added to `idle_seconds`.
template <class Workspace, class Solve>
void solve_tasks(std::span<const SpectrumTask> tasks, Run& run, std::vector<Workspace>& workspaces,
                 double& idle_seconds, const Solve& solve) {
  largest_entries(tasks, run);
  Lapack::get();
  if (std::ssize(workspaces) < run.threads) workspaces.resize(index(run.threads));
  parallel_for_timed(run.threads, std::ssize(tasks), idle_seconds, [&](int64_t i, int thread) {
    const SpectrumTask& task = tasks[index(i)];
    if (!task.values.empty()) solve(task, workspaces[index(thread)]);
  });
}

/// p̄[cols], the mean of each column, in f64.
void column_means(MatrixView<const float> p, std::span<double> means);

/// A leading dimension of at least `count` f64 or f32 elements that is no multiple of 4 KiB, so that columns
/// do not compete for the same cache sets.
inline int64_t padded(int64_t count) {
  const int64_t lines = (count + 15) / 16;
  return 16 * lines + (lines % 4 == 0 ? 16 : 0);
}

}  // namespace linformer
