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

double RitzValues::coupling_norm(int64_t k) const {
  const int64_t r = std::ssize(values);
  double squares = 0;
  for (int64_t i = 0; i < coupling_rows; ++i)
    squares += coupling[index(i * r + k)] * coupling[index(i * r + k)];
  return std::sqrt(squares);
}

BlockKrylov::BlockKrylov(AttentionOperator& p, int64_t capacity, int64_t width, int64_t later)
    : p_(p), products_(p.run()), capacity_(capacity), stride_(padded_stride(capacity)), later_width_(later) {
  MemoryAccount& memory = p.run().memory;
  left_ = Buffer<float>(memory, p.rows() * stride_, "Krylov basis");
  right_ = Buffer<float>(memory, p.cols() * stride_, "products with the Krylov basis");
  images_ = Buffer<float>(memory, p.rows() * (width + later), "a Krylov block");
  later_ = Buffer<float>(memory, p.rows() * later, "a Krylov block");
  gram_ = Buffer<double>(memory, capacity * capacity, "Gram matrices of the Krylov basis");
  energy_ = Buffer<double>(memory, capacity * capacity, "Gram matrices of the Krylov basis");
}

int64_t BlockKrylov::buffer_bytes(int64_t rows, int64_t cols, int64_t capacity, int64_t width, int64_t later,
                                  int threads) {
  const int64_t floats =
      (rows + cols) * (padded_stride(capacity) + width + later) + rows * (width + 2 * later);
  return floats * static_cast<int64_t>(sizeof(float)) +
         2 * capacity * capacity * static_cast<int64_t>(sizeof(double)) +
         TallProducts::buffer_bytes(std::max(capacity, width), std::max(width, later), std::max(rows, cols),
                                    threads);
}

void BlockKrylov::begin(const RandomStream& stream, int64_t width) {
  const int64_t all = width + later_width_, rows = p_.rows();
  {
    MemoryAccount& memory = p_.run().memory;
    const Buffer<float> omega(memory, p_.cols() * all, "random start");
    const Buffer<float> product(memory, rows * all, "products with a random start");
    fill_normal({omega.data(), index(p_.cols() * all)}, 1, stream, p_.run().threads);
    p_.multiply({omega.data(), p_.cols(), all, all}, {product.data(), rows, all, all});
    for (int64_t i = 0; i < rows; ++i) {
      const float* const row = product.data() + i * all;
      std::copy_n(row, width, images_.data() + i * width);
      std::copy_n(row + width, later_width_, later_.data() + i * later_width_);
    }
  }
  next_ = beyond({images_.data(), rows, width, width});
  last_width_ = along_width_ = 0;
  prepared_ = true;
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

// The directions are those of YᵀY = W Λ Wᵀ, in order of length.
BlockKrylov::Directions BlockKrylov::beyond(MatrixView<float> y) {
  const int64_t w = y.cols;
  std::vector<double> squared_lengths = take_out_old(y);
  std::vector<double> directions(index(w * w)), squares(index(w));
  products_.cross(y, y, directions.data());
  for (int64_t c = 0; c < w; ++c) squared_lengths[index(c)] += directions[index(c * w + c)];
  Lapack::get().dsyevd_lower(narrow(w), directions.data(), narrow(w), squares.data());

  const double least = kNoise * kNoise * *std::ranges::max_element(squared_lengths);
  int64_t width = std::ranges::count_if(squares, [&](double square) { return square > least; });
  if (capacity_ == p_.rows()) width = std::min(width, capacity_ - size_);  // the rest is rounding
  Directions found{.y = y,
                   .width = width,
                   .to_new = std::vector<double>(index(w * width)),
                   .from_new = std::vector<double>(index(width * w))};
  for (int64_t i = 0; i < width; ++i) {  // LAPACK's are ascending
    const double* const direction = directions.data() + (w - 1 - i) * w;
    const double length = std::sqrt(squares[index(w - 1 - i)]);
    for (int64_t c = 0; c < w; ++c) {
      found.to_new[index(c * width + i)] = direction[c] / length;
      found.from_new[index(i * w + c)] = direction[c] * length;
    }
  }
  return found;
}

MatrixView<float> BlockKrylov::columns(const Buffer<float>& of, int64_t rows, int64_t first,
                                       int64_t count) const {
  return {of.data() + first, rows, count, stride_};
}

// The rows that the last `added` columns of `all` bring to its Gram matrix.
void BlockKrylov::append_to(double* gram, MatrixView<const float> all, int64_t added) {
  const int64_t before = all.cols - added;
  std::vector<double> rows(index(added * all.cols));
  products_.cross({all.data + before, all.rows, added, all.stride}, all, rows.data());
  for (int64_t i = 0; i < added; ++i) {
    for (int64_t j = 0; j <= before + i; ++j) {
      gram[j * capacity_ + before + i] = rows[index(i * all.cols + j)];
    }
  }
}

bool BlockKrylov::add_block(Along along) {
  const int64_t w = next_.width, first = size_;
  if (w == 0 || first + w > capacity_) return false;
  products_.multiply(next_.y, next_.to_new.data(), false, columns(left_, p_.rows(), first, w));
  size_ += w;
  append_to(gram_.data(), left(), w);
  along_width_ = 0;
  if (along == Along::kLater) {
    std::copy_n(later_.data(), p_.rows() * later_width_, images_.data());
    const Directions start = beyond({images_.data(), p_.rows(), later_width_, later_width_});
    if (size_ + start.width <= capacity_) {
      along_width_ = start.width;
      products_.multiply(start.y, start.to_new.data(), false, columns(left_, p_.rows(), size_, along_width_));
    }
  }
  p_.multiply_transposed(columns(left_, p_.rows(), first, w + along_width_),
                         columns(right_, p_.cols(), first, w + along_width_));
  append_to(energy_.data(), right(), w);
  next_ = {};
  last_width_ = w;
  prepared_ = false;
  return true;
}

void BlockKrylov::prepare_block() {
  if (prepared_) return;
  const int64_t w = last_width_, all = w + along_width_;
  p_.multiply(columns(right_, p_.cols(), size_ - w, all), {images_.data(), p_.rows(), all, all});
  next_ = beyond({images_.data(), p_.rows(), w, all});
  along_image_ = {images_.data() + w, p_.rows(), along_width_, all};
  prepared_ = true;
}

bool BlockKrylov::begin_later() {
  if (along_width_ == 0) {
    next_ = beyond({later_.data(), p_.rows(), later_width_, later_width_});
    last_width_ = 0;
    return add_block();
  }
  size_ += along_width_;
  append_to(gram_.data(), left(), along_width_);
  append_to(energy_.data(), right(), along_width_);
  next_ = beyond(along_image_);
  last_width_ = along_width_;
  along_width_ = 0;
  return true;
}

RitzValues BlockKrylov::ritz(int64_t first) const {
  const int64_t r = size_ - first, coupled = last_width_ > 0 ? next_.width : 0;
  RitzValues ritz{.values = std::vector<double>(index(r)),
                  .vectors = std::vector<double>(index(r * r)),
                  .coupling = std::vector<double>(index(coupled * r)),
                  .coupling_rows = coupled};
  if (r == 0) return ritz;
  std::vector<double> energy(index(r * r)), gram(index(r * r)), squares(index(r));
  for (int64_t j = 0; j < r; ++j) {
    const int64_t from = (first + j) * capacity_ + first;
    std::copy_n(energy_.data() + from + j, r - j, energy.data() + j * r + j);
    std::copy_n(gram_.data() + from + j, r - j, gram.data() + j * r + j);
  }
  for (int64_t j = size_ - last_width_; j < size_; ++j) ritz.last_norm += energy_.data()[j * (capacity_ + 1)];
  ritz.last_norm = std::sqrt(ritz.last_norm);
  Lapack::get().dsygvd_lower(narrow(r), energy.data(), narrow(r), gram.data(), narrow(r), squares.data());
  for (int64_t k = 0; k < r; ++k) {  // LAPACK's are ascending
    ritz.values[index(k)] = std::sqrt(std::max(squares[index(r - 1 - k)], 0.0));
    for (int64_t i = 0; i < r; ++i) ritz.vectors[index(i * r + k)] = energy[index((r - 1 - k) * r + i)];
  }
  for (int64_t i = 0; i < ritz.coupling_rows; ++i) {
    for (int64_t c = 0; c < last_width_; ++c) {
      const double factor = next_.from_new[index(i * last_width_ + c)];
      const double* const vector = ritz.vectors.data() + (r - last_width_ + c) * r;
      for (int64_t k = 0; k < r; ++k) ritz.coupling[index(i * r + k)] += factor * vector[k];
    }
  }
  return ritz;
}

}  // namespace linformer
