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

// The first row with an entry that is not finite, or -1.
int64_t bad_row(MatrixView<const float> p) {
  if (is_finite(largest_magnitude(row_major(p)))) return -1;
  for (int64_t i = 0; i < p.rows; ++i) {
    if (!std::all_of(p.row(i), p.row(i) + p.cols, is_finite)) return i;
  }
  return -1;
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

void check_tasks(std::span<const SpectrumTask> tasks, const Run& run) {
  for (const SpectrumTask& task : tasks) check_sizes(task);
  std::vector<int64_t> bad(tasks.size(), -1);
  parallel_for(run.threads, static_cast<int64_t>(tasks.size()), [&](int64_t i, int) {
    bad[static_cast<size_t>(i)] = bad_row(tasks[static_cast<size_t>(i)].matrix);
  });
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (bad[i] < 0) continue;
    const float* row = tasks[i].matrix.row(bad[i]);
    const int64_t col = std::find_if_not(row, row + tasks[i].matrix.cols, is_finite) - row;
    throw NonFiniteEntry(static_cast<int64_t>(i), bad[i], col, row[col]);
  }
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
