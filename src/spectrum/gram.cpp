// SPDX-License-Identifier: MIT
// Singular values as square roots of the eigenvalues of the Gram matrix on the shorter side, in f64: dsyrk,
// dsytrd, dsterf. A product of two f32 is exact in f64, and the error of the eigenvalues, about 1e-15 σ₁²,
// leaves σ accurate to about 1e-7 σ₁ even at zero. In f32 it would be 3e-4 σ₁: never.
//
// The centred spectrum comes out of the same reduction of the reflected P (see centring.h), since dsytrd 'L'
// leaves e₁ alone (T = QᵀGQ, Qe₁ = e₁).
//   rows <= cols: G = (HP)(HP)ᵀ; the centred Gram matrix is G without its first row and column, similar to T
//   without them, plus a 0. rows > cols: G = (PH)ᵀ(PH); centring takes rows ā² off G₁₁ and nothing else,
//   hence off T₁₁, which is replaced.
#include <cmath>

#include "base/lapack.h"
#include "spectrum/centring.h"
#include "spectrum/methods.h"

namespace linformer {
namespace {

constexpr int64_t kDepth = 256;  // columns (rows) of P converted to f64 at a time

struct Sizes {
  Sizes(int64_t row_count, int64_t col_count)
      : rows(row_count), cols(col_count), n(std::min(rows, cols)), by_rows(rows <= cols), ld(padded(n)) {
    const int64_t depth = std::min(kDepth, std::max(rows, cols));
    block_ld = by_rows ? padded(depth) : padded(cols);
    block = block_ld * (by_rows ? rows : depth);
    work = Lapack::get().dsytrd_lwork(static_cast<int32_t>(n));
    vectors = rows + cols + 5 * n;
  }
  int64_t rows, cols, n;
  bool by_rows;
  int64_t ld;        // of G
  int64_t block_ld;  // of the converted block, whose rows are rows of P (by_rows) or of a slice of P
  int64_t block, work, vectors;

  int64_t bytes() const { return (n * ld + block + work + vectors) * int64_t{sizeof(double)}; }
};

struct Workspace {
  Buffer<double> gram, block, work, vectors;
  double *left = nullptr, *right = nullptr;                                                 // [rows], [cols]
  double *d = nullptr, *e = nullptr, *d_kept = nullptr, *e_kept = nullptr, *tau = nullptr;  // [n]

  void prepare(const Sizes& s, MemoryAccount& account) {
    gram.reserve(account, s.n * s.ld, "a Gram matrix");
    block.reserve(account, s.block, "a block of a matrix in f64");
    work.reserve(account, s.work, "dsytrd work");
    vectors.reserve(account, s.vectors, "vectors of a tridiagonal reduction");
    left = vectors.data();
    right = left + s.rows;
    d = right + s.cols;
    e = d + s.n;
    d_kept = e + s.n;
    e_kept = d_kept + s.n;
    tau = e_kept + s.n;
  }
};

// to[i, j] = P[r + i, c + j] (− left rightᵀ) for a piece [rows, cols] of P that begins at (r, c).
void convert(MatrixView<const float> p, int64_t r, int64_t c, int64_t rows, int64_t cols, bool reflected,
             Workspace& w, int64_t ld) {
  for (int64_t i = 0; i < rows; ++i) {
    const float* from = p.row(r + i) + c;
    double* to = w.block.data() + i * ld;
    const double factor = reflected ? w.left[r + i] : 0;
    const double* right = w.right + c;
    if (reflected)
      for (int64_t j = 0; j < cols; ++j) to[j] = static_cast<double>(from[j]) - factor * right[j];
    else
      for (int64_t j = 0; j < cols; ++j) to[j] = static_cast<double>(from[j]);
  }
}

// The lower triangle of G, to LAPACK (a row-major block is its transpose there).
void gram_matrix(const Sizes& s, MatrixView<const float> p, bool reflected, Workspace& w) {
  const auto n = static_cast<int32_t>(s.n);
  const int64_t depth = s.by_rows ? s.cols : s.rows;
  for (int64_t begin = 0; begin < depth; begin += kDepth) {
    const int64_t count = std::min(kDepth, depth - begin);
    if (s.by_rows)
      convert(p, 0, begin, s.rows, count, reflected, w, s.block_ld);
    else
      convert(p, begin, 0, count, s.cols, reflected, w, s.block_ld);
    Lapack::get().dsyrk_lower(s.by_rows, n, static_cast<int32_t>(count), 1, w.block.data(),
                              static_cast<int32_t>(s.block_ld), begin == 0 ? 0 : 1, w.gram.data(),
                              static_cast<int32_t>(s.ld));
  }
}

// Descending square roots of the eigenvalues of (d, e)[count]; what `out` has more becomes 0.
void roots(int64_t count, double* d, double* e, std::span<double> out) {
  Lapack::get().dsterf(static_cast<int32_t>(count), d, e);
  for (int64_t m = 0; m < count; ++m)
    out[static_cast<size_t>(m)] = std::sqrt(std::max(0.0, d[count - 1 - m]));
  std::fill(out.begin() + count, out.end(), 0.0);
}

void solve(const Sizes& s, const SpectrumTask& task, Workspace& w) {
  const bool centred = !task.centred.empty();
  double spread = 0;
  if (centred && s.by_rows) reflect_rows(task.matrix, {w.left, w.right});
  if (centred && !s.by_rows) spread = reflect_cols(task.matrix, {w.left, w.right});
  gram_matrix(s, task.matrix, centred, w);
  Lapack::get().dsytrd_lower(static_cast<int32_t>(s.n), w.gram.data(), static_cast<int32_t>(s.ld), w.d, w.e,
                             w.tau, w.work.data(), static_cast<int32_t>(s.work));
  if (centred) {
    std::copy(w.d, w.d + s.n, w.d_kept);
    std::copy(w.e, w.e + s.n - 1, w.e_kept);
    w.d_kept[0] = spread;  // not used by rows
  }
  roots(s.n, w.d, w.e, task.values);
  if (!centred) return;
  if (s.by_rows)
    roots(s.n - 1, w.d_kept + 1, w.e_kept + 1, task.centred);
  else
    roots(s.n, w.d_kept, w.e_kept, task.centred);
}

class Gram final : public SingularValues {
 public:
  int64_t workspace_bytes(int64_t rows, int64_t cols) const override {
    return std::min(rows, cols) == 0 ? 0 : Sizes(rows, cols).bytes();
  }

  void compute(std::span<const SpectrumTask> tasks, Run& run) override {
    solve_tasks(tasks, run, workspaces_, idle_seconds_, [&](const SpectrumTask& task, Workspace& w) {
      const Sizes sizes(task.matrix.rows, task.matrix.cols);
      w.prepare(sizes, run.memory);
      solve(sizes, task, w);
    });
  }

 private:
  std::vector<Workspace> workspaces_;
};

}  // namespace

std::unique_ptr<SingularValues> make_gram() { return std::make_unique<Gram>(); }

}  // namespace linformer
