// SPDX-License-Identifier: MIT
#include "spectrum/block_krylov.h"

#include <algorithm>
#include <cmath>

#include "base/index.h"
#include "base/lapack.h"
#include "base/random_fill.h"
#include "base/stride.h"

namespace linformer {
namespace {

// Directions shorter than this, relative to the products they come from, are rounding.
constexpr double kNoise = 1e-6;

int32_t narrow(int64_t n) { return static_cast<int32_t>(n); }

}  // namespace

double RitzValues::beyond(int64_t k) const {
  const int64_t r = std::ssize(values);
  double squares = 0;
  for (int64_t i = 0; i < coupling_rows; ++i)
    squares += coupling[index(i * r + k)] * coupling[index(i * r + k)];
  return squares > 0 ? std::sqrt(squares) / values[index(k)] : 0;
}

BlockKrylov::BlockKrylov(AttentionOperator& p, int64_t capacity, int64_t width, int64_t later)
    : p_(p), products_(p.run()), capacity_(capacity), stride_(padded_stride(capacity)), later_width_(later) {
  MemoryAccount& memory = p.run().memory;
  left_ = Buffer<float>(memory, p.rows() * stride_, "Krylov basis");
  right_ = Buffer<float>(memory, p.cols() * stride_, "products with the Krylov basis");
  next_ = Buffer<float>(memory, p.rows() * width, "a Krylov block");
  later_ = Buffer<float>(memory, p.rows() * later, "a Krylov block");
  gram_ = Buffer<double>(memory, capacity * capacity, "Gram matrices of the Krylov basis");
  energy_ = Buffer<double>(memory, capacity * capacity, "Gram matrices of the Krylov basis");
}

int64_t BlockKrylov::buffer_bytes(int64_t rows, int64_t cols, int64_t capacity, int64_t width, int64_t later,
                                  int threads) {
  const int64_t floats = (rows + cols) * (padded_stride(capacity) + width + later) + rows * (width + later);
  return floats * static_cast<int64_t>(sizeof(float)) +
         2 * capacity * capacity * static_cast<int64_t>(sizeof(double)) +
         TallProducts::buffer_bytes(std::max(capacity, width), width, std::max(rows, cols), threads);
}

void BlockKrylov::begin(const RandomStream& stream, int64_t width) {
  const int64_t all = width + later_width_, rows = p_.rows();
  next_width_ = width, last_width_ = 0;
  {
    MemoryAccount& memory = p_.run().memory;
    const Buffer<float> omega(memory, p_.cols() * all, "random start");
    const Buffer<float> product(memory, rows * all, "products with a random start");
    fill_normal({omega.data(), index(p_.cols() * all)}, 1, stream, p_.run().threads);
    p_.multiply({omega.data(), p_.cols(), all, all}, {product.data(), rows, all, all});
    for (int64_t i = 0; i < rows; ++i) {
      const float* const row = product.data() + i * all;
      std::copy_n(row, width, next_.data() + i * width);
      std::copy_n(row + width, later_width_, later_.data() + i * later_width_);
    }
  }
  take_new_part();
}

void BlockKrylov::begin_later() {
  next_width_ = later_width_, last_width_ = 0;
  std::copy_n(later_.data(), p_.rows() * later_width_, next_.data());
  take_new_part();
}

// Y − Q (QᵀQ)⁻¹ QᵀY for Y, a block. Returns the squared lengths of what is taken out of each column.
std::vector<double> BlockKrylov::take_out_old(MatrixView<float> y) {
  const int64_t r = size_, w = y.cols;
  std::vector<double> along(index(w * r)), lengths(index(w));
  if (r == 0) return lengths;
  products_.cross(y, left(), along.data());  // row-major; QᵀY to LAPACK
  for (int64_t i = 0; i < w * r; ++i) lengths[index(i / r)] += along[index(i)] * along[index(i)];
  std::vector<double> gram(gram_.data(), gram_.data() + capacity_ * r);
  Lapack::get().dposv_lower(narrow(r), narrow(w), gram.data(), narrow(capacity_), along.data(), narrow(r));
  std::vector<double> coefficients(index(r * w));
  for (int64_t i = 0; i < r * w; ++i) coefficients[index(i)] = along[index(i % w * r + i / w)];
  products_.multiply(left(), coefficients.data(), true, y);
  return lengths;
}

// What is new in Y = next_: its directions, from YᵀY = W Λ Wᵀ, in order of length.
void BlockKrylov::take_new_part() {
  const int64_t w = next_width_;
  const MatrixView<float> y{next_.data(), p_.rows(), w, w};
  std::vector<double> squared_lengths = take_out_old(y);
  std::vector<double> directions(index(w * w)), squares(index(w));
  products_.cross(y, y, directions.data());
  for (int64_t c = 0; c < w; ++c) squared_lengths[index(c)] += directions[index(c * w + c)];
  Lapack::get().dsyevd_lower(narrow(w), directions.data(), narrow(w), squares.data());

  const double least = kNoise * kNoise * *std::ranges::max_element(squared_lengths);
  new_width_ = std::ranges::count_if(squares, [&](double square) { return square > least; });
  if (capacity_ == p_.rows()) new_width_ = std::min(new_width_, capacity_ - size_);  // the rest is rounding
  to_new_.assign(index(w * new_width_), 0);
  from_new_.assign(index(new_width_ * w), 0);
  for (int64_t i = 0; i < new_width_; ++i) {  // LAPACK's are ascending
    const double* const direction = directions.data() + (w - 1 - i) * w;
    const double length = std::sqrt(squares[index(w - 1 - i)]);
    for (int64_t c = 0; c < w; ++c) {
      to_new_[index(c * new_width_ + i)] = direction[c] / length;
      from_new_[index(i * w + c)] = direction[c] * length;
    }
  }
}

// The rows of a Gram matrix that vectors just added bring.
void BlockKrylov::append_to(double* gram, MatrixView<const float> all, MatrixView<const float> added) {
  std::vector<double> rows(index(added.cols * all.cols));
  products_.cross(added, all, rows.data());
  for (int64_t i = 0; i < added.cols; ++i) {
    const int64_t row = all.cols - added.cols + i;
    for (int64_t j = 0; j <= row; ++j) gram[j * capacity_ + row] = rows[index(i * all.cols + j)];
  }
}

bool BlockKrylov::add_block() {
  const int64_t w = new_width_;
  if (w == 0 || size_ + w > capacity_) return false;
  const MatrixView<float> block{left_.data() + size_, p_.rows(), w, stride_};
  const MatrixView<float> product{right_.data() + size_, p_.cols(), w, stride_};
  products_.multiply({next_.data(), p_.rows(), next_width_, next_width_}, to_new_.data(), false, block);
  p_.multiply_transposed(block, product);
  size_ += w;
  append_to(gram_.data(), left(), block);
  append_to(energy_.data(), right(), product);
  last_width_ = w;
  new_width_ = 0;
  return true;
}

void BlockKrylov::prepare_block() {
  next_width_ = last_width_;
  const int64_t w = next_width_;
  p_.multiply({right_.data() + size_ - w, p_.cols(), w, stride_}, {next_.data(), p_.rows(), w, w});
  take_new_part();
}

RitzValues BlockKrylov::ritz(int64_t first) const {
  const int64_t r = size_ - first;
  RitzValues ritz{.values = std::vector<double>(index(r)),
                  .vectors = std::vector<double>(index(r * r)),
                  .coupling = std::vector<double>(index(new_width_ * r)),
                  .coupling_rows = new_width_};
  if (r == 0) return ritz;
  std::vector<double> energy(index(r * r)), gram(index(r * r)), squares(index(r));
  for (int64_t j = 0; j < r; ++j) {
    const int64_t from = (first + j) * capacity_ + first;
    std::copy_n(energy_.data() + from + j, r - j, energy.data() + j * r + j);
    std::copy_n(gram_.data() + from + j, r - j, gram.data() + j * r + j);
  }
  Lapack::get().dsygvd_lower(narrow(r), energy.data(), narrow(r), gram.data(), narrow(r), squares.data());
  for (int64_t k = 0; k < r; ++k) {  // LAPACK's are ascending
    ritz.values[index(k)] = std::sqrt(std::max(squares[index(r - 1 - k)], 0.0));
    for (int64_t i = 0; i < r; ++i) ritz.vectors[index(i * r + k)] = energy[index((r - 1 - k) * r + i)];
  }
  for (int64_t i = 0; i < new_width_; ++i) {
    for (int64_t c = 0; c < last_width_; ++c) {
      const double factor = from_new_[index(i * next_width_ + c)];
      const double* const vector = ritz.vectors.data() + (r - last_width_ + c) * r;
      for (int64_t k = 0; k < r; ++k) ritz.coupling[index(i * r + k)] += factor * vector[k];
    }
  }
  return ritz;
}

}  // namespace linformer
