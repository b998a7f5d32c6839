// SPDX-License-Identifier: MIT
#include "spectrum/tall_products.h"

#include <algorithm>

#include "base/lapack.h"
#include "base/threads.h"

namespace linformer {
namespace {

constexpr int64_t kChunk = 128;  // rows that are converted to f64 at a time
constexpr int64_t kParts = 16;  // sums over rows that are added up in the end, however many threads there are

int32_t narrow(int64_t n) { return static_cast<int32_t>(n); }

int64_t chunks_of(int64_t rows) { return (rows + kChunk - 1) / kChunk; }
int64_t parts_of(int64_t rows) { return std::clamp<int64_t>(chunks_of(rows), 1, kParts); }

// Rows [first, first + rows) of m, densely.
void convert(MatrixView<const float> m, int64_t first, int64_t rows, double* to) {
  for (int64_t i = first; i < first + rows; ++i) to = std::copy_n(m.row(i), m.cols, to);
}

}  // namespace

int64_t TallProducts::buffer_bytes(int64_t left, int64_t right, int64_t rows, int64_t threads) {
  const int64_t doubles = threads * kChunk * (left + right) + parts_of(rows) * left * right;
  return doubles * static_cast<int64_t>(sizeof(double));
}

void TallProducts::cross(MatrixView<const float> a, MatrixView<const float> b, double* c) {
  const Lapack& lapack = Lapack::get();
  const int64_t size = a.cols * b.cols, room = kChunk * (a.cols + b.cols);
  const int64_t chunks = chunks_of(a.rows), parts = parts_of(a.rows);
  rooms_.reserve(run_.memory, run_.threads * room, "rows in f64");
  sums_.reserve(run_.memory, parts * size, "sums of products");
  std::fill_n(sums_.data(), parts * size, 0.0);
  if (size > 0) {
    parallel_for(run_.threads, parts, [&](int64_t part, int thread) {
      double* const a64 = rooms_.data() + thread * room;
      double* const b64 = a64 + kChunk * a.cols;
      for (int64_t chunk = part * chunks / parts; chunk < (part + 1) * chunks / parts; ++chunk) {
        const int64_t first = chunk * kChunk, rows = std::min(kChunk, a.rows - first);
        convert(a, first, rows, a64);
        convert(b, first, rows, b64);
        // Row-major matrices are their transposes to LAPACK.
        lapack.dgemm(false, true, narrow(b.cols), narrow(a.cols), narrow(rows), 1, b64, narrow(b.cols), a64,
                     narrow(a.cols), 1, sums_.data() + part * size, narrow(b.cols));
      }
    });
  }
  std::fill_n(c, size, 0.0);
  for (int64_t part = 0; part < parts; ++part) {
    for (int64_t i = 0; i < size; ++i) c[i] += sums_[part * size + i];
  }
}

void TallProducts::multiply(MatrixView<const float> a, const double* c, bool subtract,
                            MatrixView<float> out) {
  if (out.cols == 0 || (a.cols == 0 && subtract)) return;
  const Lapack& lapack = Lapack::get();
  const int64_t room = kChunk * (a.cols + out.cols);
  rooms_.reserve(run_.memory, run_.threads * room, "rows in f64");
  parallel_for(run_.threads, chunks_of(a.rows), [&](int64_t chunk, int thread) {
    double* const a64 = rooms_.data() + thread * room;
    double* const out64 = a64 + kChunk * a.cols;
    const int64_t first = chunk * kChunk, rows = std::min(kChunk, a.rows - first);
    convert(a, first, rows, a64);
    if (subtract) convert(out, first, rows, out64);
    lapack.dgemm(false, false, narrow(out.cols), narrow(rows), narrow(a.cols), subtract ? -1 : 1, c,
                 narrow(out.cols), a64, narrow(a.cols), subtract ? 1 : 0, out64, narrow(out.cols));
    for (int64_t i = 0; i < rows; ++i) {
      std::transform(out64 + i * out.cols, out64 + (i + 1) * out.cols, out.row(first + i),
                     [](double x) { return static_cast<float>(x); });
    }
  });
}

}  // namespace linformer
