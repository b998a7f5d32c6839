// SPDX-License-Identifier: MIT
#include "spectrum/probe_columns.h"

#include <cmath>

#include "base/index.h"
#include "base/threads.h"

namespace linformer {
namespace {

constexpr int64_t kParts = 16;  // sums over rows that are added up in the end, however many threads there are

constexpr int64_t kForThreads = 1 << 15;  // elements below which waking another thread takes longer

template <class F>
void for_rows(MatrixView<const float> a, const Run& run, F&& f) {
  const int64_t rows = a.rows;
  parallel_for(rows * a.cols < kForThreads ? 1 : run.threads, kParts, [&](int64_t part, int) {
    for (int64_t i = part * rows / kParts; i < (part + 1) * rows / kParts; ++i) f(part, i);
  });
}

}  // namespace

std::vector<double> column_dots(MatrixView<const float> a, MatrixView<const float> b, const Run& run) {
  const int64_t w = a.cols;
  std::vector<std::vector<double>> parts(index(kParts), std::vector<double>(index(w)));
  for_rows(a, run, [&](int64_t part, int64_t i) {
    double* const sums = parts[index(part)].data();
    const float *const x = a.row(i), *const y = b.row(i);
    for (int64_t c = 0; c < w; ++c) sums[c] += static_cast<double>(x[c]) * static_cast<double>(y[c]);
  });
  std::vector<double> dots(index(w));
  for (const std::vector<double>& part : parts) {
    for (size_t c = 0; c < dots.size(); ++c) dots[c] += part[c];
  }
  return dots;
}

void add_scaled_columns(std::span<const double> factors, MatrixView<const float> a, MatrixView<float> b,
                        const Run& run) {
  for_rows(a, run, [&](int64_t, int64_t i) {
    const float* const x = a.row(i);
    float* const y = b.row(i);
    for (int64_t c = 0; c < a.cols; ++c) {
      y[c] = static_cast<float>(static_cast<double>(y[c]) + factors[index(c)] * static_cast<double>(x[c]));
    }
  });
}

std::vector<double> normalise_columns(MatrixView<float> a, double least, const Run& run) {
  std::vector<double> norms = column_dots(a, a, run), factors(norms.size());
  for (size_t c = 0; c < norms.size(); ++c) {
    norms[c] = std::sqrt(norms[c]);
    if (!(norms[c] > least)) norms[c] = 0;
    factors[c] = norms[c] > 0 ? 1 / norms[c] : 0;
  }
  for_rows(a, run, [&](int64_t, int64_t i) {
    float* const x = a.row(i);
    for (int64_t c = 0; c < a.cols; ++c) {
      x[c] = static_cast<float>(static_cast<double>(x[c]) * factors[index(c)]);
    }
  });
  return norms;
}

}  // namespace linformer
