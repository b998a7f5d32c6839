// SPDX-License-Identifier: MIT
// Matrix products and normalisation by oneDNN. This file and its .cpp are the only ones that know its
// version. All matrices are f32, row-major. Scratch memory is the caller's, so memory figures are exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/memory.h"
#include "base/tensor.h"

namespace linformer {

/// What follows a dense layer's product element by element.
enum class Activation {
  kNone,
  kGelu,      ///< x Φ(x) by erf
  kGeluTanh,  ///< its tanh form
  kRelu,
  kSilu  ///< x / (1 + e^−x)
};

/// Limits oneDNN to an instruction set; to be called before anything else here. `isa`: "baseline", "avx2",
/// "avx512". False if this machine has no such set or the library has chosen already.
bool limit_dnn_isa(std::string_view isa);

/// "2.6.3".
std::string dnn_version();
/// The instruction set oneDNN uses, e.g. "avx512_core".
std::string dnn_isa();

/// C[m, n] = A[m, k] · B, with B [k, n], or Bᵀ where B is [n, k]. The strides are fixed when it is made.
/// One object serves one thread at a time and runs on that thread alone.
class Product {
 public:
  struct Sizes {
    int64_t m, n, k;
    int64_t a_stride, b_stride, c_stride;
    bool b_transposed;
    friend auto operator<=>(const Sizes&, const Sizes&) = default;
  };

  explicit Product(const Sizes& sizes);
  Product(Product&&) noexcept;
  Product& operator=(Product&&) noexcept;
  ~Product();

  int64_t scratch_bytes() const;
  /// What a product of these sizes will ask for, a multiple of 64; from k = 2 on strides and m do not matter.
  static int64_t scratch_bytes(const Sizes& sizes);
  /// `scratch`: scratch_bytes() bytes, aligned to 64.
  void run(const float* a, const float* b, float* c, void* scratch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The products of one thread: each is made at its first use and kept.
class ProductCache {
 public:
  /// As Product::run. Where `scratch` does not suffice, more is taken from `account` and kept.
  void run(const Product::Sizes& sizes, const float* a, const float* b, float* c,
           std::span<std::byte> scratch, MemoryAccount& account);

  /// Of the scratch that was taken.
  int64_t bytes() const { return scratch_.bytes(); }

 private:
  std::map<Product::Sizes, Product> products_;
  RawBuffer scratch_;
};

/// Y[rows, out] = activation(X[rows, in] · Wᵀ + bias), or Y += that. W [out, in] as torch.nn.Linear keeps it
/// stays the caller's; products read a copy packed in the form that oneDNN wants.
class Dense {
 public:
  struct Options {
    Activation activation = Activation::kNone;
    bool accumulate =
        false;  ///< add to Y instead of overwriting it (a residual connection); not with an activation
  };

  /// Keeps views of `weight` [out, in] and `bias` [out] (may be null): they must outlive it.
  Dense(MatrixView<const float> weight, const float* bias, Options options);
  Dense(Dense&&) noexcept;
  Dense& operator=(Dense&&) noexcept;
  ~Dense();

  /// Makes ready for X with that many rows, and keeps so for up to 63 other numbers. The first fixes the
  /// packed form.
  void prepare(int64_t rows);
  /// Scratch for any prepared number of rows.
  int64_t scratch_bytes() const;
  /// Of the packed weight. After prepare().
  int64_t packed_bytes() const;
  /// Packs the weight, anew if it was packed before: to be called when the weight has changed. After
  /// prepare().
  void pack(MemoryAccount& account);
  bool packed() const;
  /// X and Y are dense. `rows` must have been prepared, and the weight packed.
  void run(int64_t rows, const float* x, float* y, void* scratch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Y = (X − mean) / √(variance + epsilon) · weight + bias over each row of X [rows, width]. Y may be X.
class LayerNorm {
 public:
  /// Keeps views of `weight` and `bias` [width].
  LayerNorm(int64_t width, const float* weight, const float* bias, float epsilon);
  LayerNorm(LayerNorm&&) noexcept;
  LayerNorm& operator=(LayerNorm&&) noexcept;
  ~LayerNorm();

  void prepare(int64_t rows);
  int64_t scratch_bytes() const;
  void run(int64_t rows, const float* x, float* y, void* scratch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linformer
