// SPDX-License-Identifier: MIT
// Singular values by LAPACK's gesdd 'N' (bidiagonalisation, then dqds), in f32 or f64.
#include "base/lapack.h"
#include "spectrum/methods.h"

namespace linformer {
namespace {

// A row-major P[rows, cols] is Pᵀ to LAPACK, which has the same singular values: m = cols, n = rows.
template <class T>
class Gesdd final : public SingularValues {
 public:
  int64_t workspace_bytes(int64_t rows, int64_t cols) const override {
    if (std::min(rows, cols) == 0) return 0;
    const Sizes s(rows, cols);
    const auto element = static_cast<int64_t>(sizeof(T));
    return (s.matrix + s.values + s.work) * element + s.integers * int64_t{sizeof(int32_t)} +
           s.means * int64_t{sizeof(double)};
  }

  void compute(std::span<const SpectrumTask> tasks, Run& run) override {
    solve_tasks(tasks, run, workspaces_, idle_seconds_, [&](const SpectrumTask& task, Workspace& w) {
      w.prepare(Sizes(task.matrix.rows, task.matrix.cols), run.memory);
      solve(task.matrix, false, task.values, w);
      if (!task.centred.empty()) solve(task.matrix, true, task.centred, w);
    });
  }

 private:
  // Elements of each buffer.
  struct Sizes {
    Sizes(int64_t rows, int64_t cols)
        : ld(padded(cols)),
          matrix(rows * ld),
          values(std::min(rows, cols)),
          work(Lapack::get().gesdd_lwork<T>(static_cast<int32_t>(cols), static_cast<int32_t>(rows))),
          integers(8 * values),
          means(cols) {}
    int64_t ld, matrix, values, work, integers, means;
  };

  struct Workspace {
    void prepare(const Sizes& s, MemoryAccount& account) {
      ld = s.ld;
      lwork = static_cast<int32_t>(s.work);
      matrix.reserve(account, s.matrix, "a copy for gesdd");
      values.reserve(account, s.values, "gesdd values");
      work.reserve(account, s.work, "gesdd work");
      integers.reserve(account, s.integers, "gesdd integers");
      means.reserve(account, s.means, "column means");
    }
    int64_t ld = 0;
    int32_t lwork = 0;
    Buffer<T> matrix, values, work;
    Buffer<int32_t> integers;
    Buffer<double> means;
  };

  static void solve(MatrixView<const float> p, bool centre, std::span<double> out, Workspace& w) {
    const std::span<double> means(w.means.data(), static_cast<size_t>(p.cols));
    if (centre)
      column_means(p, means);
    else
      std::fill(means.begin(), means.end(), 0.0);
    for (int64_t i = 0; i < p.rows; ++i) {
      const float* from = p.row(i);
      T* to = w.matrix.data() + i * w.ld;
      for (int64_t j = 0; j < p.cols; ++j)
        to[j] = static_cast<T>(static_cast<double>(from[j]) - means[static_cast<size_t>(j)]);
    }
    Lapack::get().gesdd_values(static_cast<int32_t>(p.cols), static_cast<int32_t>(p.rows), w.matrix.data(),
                               static_cast<int32_t>(w.ld), w.values.data(), w.work.data(), w.lwork,
                               w.integers.data());
    for (size_t m = 0; m < out.size(); ++m) out[m] = static_cast<double>(w.values[static_cast<int64_t>(m)]);
  }

  std::vector<Workspace> workspaces_;
};

}  // namespace

std::unique_ptr<SingularValues> make_gesdd_f32() { return std::make_unique<Gesdd<float>>(); }
std::unique_ptr<SingularValues> make_gesdd_f64() { return std::make_unique<Gesdd<double>>(); }

}  // namespace linformer
