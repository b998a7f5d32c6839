// SPDX-License-Identifier: MIT
#include "spectrum/singular_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "base/threads.h"
#include "spectrum/methods.h"

namespace linformer {
namespace {

bool is_finite(float x) { return (std::bit_cast<uint32_t>(x) & 0x7f800000u) != 0x7f800000u; }

// The first entry of a task's matrix, which has one, that is not finite.
NonFiniteEntry non_finite_entry(int64_t task, MatrixView<const float> p) {
  for (int64_t i = 0;; ++i) {
    const float *const row = p.row(i), *const entry = std::find_if_not(row, row + p.cols, is_finite);
    if (entry < row + p.cols) return {task, i, entry - row, *entry};
  }
}

void check_sizes(const SpectrumTask& task) {
  const auto least = static_cast<size_t>(std::min(task.matrix.rows, task.matrix.cols));
  if (task.values.size() == least && (task.centred.empty() || task.centred.size() == least) &&
      std::max(task.matrix.rows, task.matrix.cols) < std::numeric_limits<int32_t>::max() / 32)
    return;
  throw Error(
      ErrorCode::kInternal,
      {.subject = "SpectrumTask",
       .found = fmt::format("a matrix [{}, {}] with {} values and {} centred values", task.matrix.rows,
                            task.matrix.cols, task.values.size(), task.centred.size()),
       .expected = fmt::format("{} of each", least),
       .remedy = ""});
}

}  // namespace

NonFiniteEntry::NonFiniteEntry(int64_t task, int64_t row, int64_t col, float value)
    : Error(ErrorCode::kInput, {.subject = fmt::format("matrix {}", task),
                                .item = fmt::format("row {}, column {}", row, col),
                                .found = fmt::format("{}", value),
                                .expected = "finite values",
                                .remedy = "Singular values exist for finite matrices only"}),
      task_(task),
      row_(row) {}

std::vector<float> largest_entries(std::span<const SpectrumTask> tasks, const Run& run) {
  for (const SpectrumTask& task : tasks) check_sizes(task);
  std::vector<float> largest(tasks.size());
  parallel_for(run.threads, std::ssize(tasks), [&](int64_t i, int) {
    largest[index(i)] = largest_magnitude(row_major(tasks[index(i)].matrix));
  });
  for (int64_t i = 0; i < std::ssize(tasks); ++i) {
    if (!is_finite(largest[index(i)])) throw non_finite_entry(i, tasks[index(i)].matrix);
  }
  return largest;
}

void column_means(MatrixView<const float> p, std::span<double> means) {
  std::fill(means.begin(), means.end(), 0.0);
  for (int64_t i = 0; i < p.rows; ++i) {
    const float* row = p.row(i);
    for (size_t j = 0; j < means.size(); ++j) means[j] += static_cast<double>(row[j]);
  }
  for (double& mean : means) mean /= static_cast<double>(p.rows);
}

std::unique_ptr<SingularValues> make_singular_values(std::string_view method) {
  if (method == "fast") return make_fast();
  if (method == "gram") return make_gram();
  if (method == "gesdd") return make_gesdd_f32();
  if (method == "gesdd-f64") return make_gesdd_f64();
  throw Error(ErrorCode::kUsage, {.subject = "method of singular values",
                                  .found = fmt::format("\"{}\"", method),
                                  .expected = "fast, gram, gesdd or gesdd-f64",
                                  .remedy = "Choose one of these"});
}

}  // namespace linformer
