// SPDX-License-Identifier: MIT
#include "spectrum/attention_operator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/stride.h"
#include "base/threads.h"
#include "kernels/fused_attention.h"

namespace linformer {
namespace {

constexpr int64_t kColumnSums = 3;
constexpr double kUnit = 0x1p-24;  // of f32 rounding

constexpr int64_t kBiasTables = 3;

// Of a table of biases by distance.
int64_t bias_floats(int64_t rows, int64_t cols) { return rows + cols - 1 + fused_attention_rows(); }

int64_t thread_floats(int64_t head_size, int64_t width) {
  return whole_lines(std::max(probability_products_workspace(head_size, width),
                              fused_attention_workspace(head_size, width)));
}

// For the mean sum of P's rows.
void require_stochastic(double mean_sum) {
  constexpr double kMost = 1e-4;  // from 1
  if (std::abs(mean_sum - 1) <= kMost) return;
  throw Error(ErrorCode::kInput,
              {.subject = "probabilities",
               .found = fmt::format("rows that sum to {:.6g} in the mean", mean_sum),
               .expected = "1",
               .remedy = "Scores this large keep no digits of their differences in f32: look "
                         "at --scale and at the queries and keys"});
}

}  // namespace

AttentionOperator::AttentionOperator(const Head& head, Run& run) : head_(head), run_(run) {
  const int64_t d = head.q.cols;
  q_ = Buffer<float>(run.memory, head.q.rows * d, "scaled queries");
  const float factor = head.scale * std::numbers::log2e_v<float>;
  parallel_for(run.threads, head.q.rows, [&](int64_t i, int) {
    for (int64_t c = 0; c < d; ++c) q_[i * d + c] = head.q.row(i)[c] * factor;
  });
  shifts_ = Buffer<float>(run.memory, head.q.rows, "references of rows");
  factors_ = Buffer<float>(run.memory, head.q.rows, "factors of rows");
  p_ = {.q = q_.data(),
        .k = head.k.data,
        .shifts = shifts_.data(),
        .factors = factors_.data(),
        .q_stride = d,
        .k_stride = head.k.stride,
        .queries = head.q.rows,
        .keys = head.k.rows,
        .head_size = d,
        .causal = head.causal};
  if (head.distance_bias != nullptr) make_bias_tables();
}

void AttentionOperator::make_bias_tables() {
  const int64_t room = bias_floats(rows(), cols()), count = rows() + cols() - 1;
  biases_ = Buffer<float>(run_.memory, kBiasTables * room, "biases by distance");
  std::fill_n(biases_.data(), kBiasTables * room, 0.0f);
  float *const plain = biases_.data(), *const by_query = plain + room, *const by_key = by_query + room;
  for (int64_t i = 0; i < count; ++i) {
    const float bias = head_.distance_bias[i];
    plain[count - 1 - i] = bias;
    by_query[count - 1 - i] = by_key[i] = bias * std::numbers::log2e_v<float>;
  }
  p_.bias_by_query = by_query;
  p_.bias_by_key = by_key;
}

int64_t AttentionOperator::buffer_bytes(int64_t rows, int64_t cols, int64_t head_size, int64_t width,
                                        int threads) {
  const int64_t floats = rows * (head_size + 2) + threads * thread_floats(head_size, width) +
                         kBiasTables * bias_floats(rows, cols);
  return floats * static_cast<int64_t>(sizeof(float)) +
         kColumnSums * cols * static_cast<int64_t>(sizeof(double));
}

// Calls piece(first, count, workspace) for pieces of a group of rows, beginning where there is most to do.
template <class Piece>
void AttentionOperator::in_pieces(int64_t rows, int64_t width, bool last_first, Piece&& piece) {
  const int64_t floats = thread_floats(p_.head_size, width);
  workspace_.reserve(run_.memory, run_.threads * floats, "workspace of products with P");
  const int64_t pieces = (rows + kFusedAttentionGroup - 1) / kFusedAttentionGroup;
  parallel_for(run_.threads, pieces, [&](int64_t i, int thread) {
    const int64_t first = (last_first ? pieces - 1 - i : i) * kFusedAttentionGroup;
    piece(first, std::min(kFusedAttentionGroup, rows - first), workspace_.data() + thread * floats);
  });
}

// By attention itself, which gives each row's reference and sum.
void AttentionOperator::attend(MatrixView<const float> in, MatrixView<float> out) {
  const FusedAttention call{.q = head_.q.data,
                            .k = head_.k.data,
                            .v = in.data,
                            .o = out.data,
                            .q_stride = head_.q.stride,
                            .k_stride = head_.k.stride,
                            .v_stride = in.stride,
                            .o_stride = out.stride,
                            .queries = p_.queries,
                            .keys = p_.keys,
                            .head_size = p_.head_size,
                            .value_size = in.cols,
                            .scale = head_.scale,
                            .causal = head_.causal,
                            .distance_bias = biases_.data(),
                            .part = {.sums = factors_.data(), .shifts = shifts_.data()}};
  in_pieces(p_.queries, in.cols, true, [&](int64_t first, int64_t count, float* workspace) {
    fused_attention(call, first, count, workspace);
  });
  has_factors_ = true;
  for (int64_t i = 0; i < p_.queries; ++i) {
    factors_[i] = 1 / factors_[i];
    if (std::isfinite(factors_[i]) && std::isfinite(shifts_[i])) continue;
    throw Error(
        ErrorCode::kInput,
        {.subject = "probabilities",
         .item = fmt::format("row {}", i),
         .found = "scores that are not finite, or so large that f32 cannot tell them apart",
         .expected = "scores up to a hundred million",
         .remedy = "Look for NaN, infinity or overflow in the weights or the file, and at --scale; --method "
                   "fast takes P as f32 rounds it"});
  }
}

void AttentionOperator::multiply(MatrixView<const float> in, MatrixView<float> out) {
  if (!has_factors_) return attend(in, out);
  const ProductVectors x{
      .in = in.data, .out = out.data, .in_stride = in.stride, .out_stride = out.stride, .width = in.cols};
  in_pieces(p_.queries, x.width, true, [&](int64_t first, int64_t count, float* workspace) {
    multiply_probabilities(p_, x, first, count, workspace);
  });
}

void AttentionOperator::multiply_transposed(MatrixView<const float> in, MatrixView<float> out) {
  const ProductVectors x{
      .in = in.data, .out = out.data, .in_stride = in.stride, .out_stride = out.stride, .width = in.cols};
  ColumnSums sums;
  if (!has_moments_) {
    columns_ = Buffer<double>(run_.memory, kColumnSums * p_.keys, "column sums");
    sums = {columns_.data(), columns_.data() + p_.keys, columns_.data() + 2 * p_.keys};
  }
  in_pieces(p_.keys, x.width, false, [&](int64_t first, int64_t count, float* workspace) {
    multiply_transposed_probabilities(p_, x, has_moments_ ? nullptr : &sums, first, count, workspace);
  });
  if (!has_moments_) take_moments();
}

void AttentionOperator::take_moments() {
  double entropy = 0, all = 0;
  for (int64_t i = 0; i < p_.queries; ++i) entropy -= std::log2(static_cast<double>(factors_[i]));
  for (int64_t j = 0; j < p_.keys; ++j) {
    const double sum = columns_[j];
    all += sum;
    moments_.largest_column = std::max(moments_.largest_column, sum);
    moments_.squared_columns += sum * sum;
    moments_.squared_norm += columns_[p_.keys + j];
    entropy += columns_[2 * p_.keys + j];
  }
  moments_.mean_row_entropy = entropy * std::numbers::ln2 / static_cast<double>(p_.queries);
  columns_ = {};
  has_moments_ = true;
  require_stochastic(all / static_cast<double>(p_.queries));
}

double AttentionOperator::relative_rounding() const {
  const double chain = static_cast<double>(probability_chain(std::max(p_.queries, p_.keys))) * kUnit;
  return chain / (1 - chain);
}

double AttentionOperator::norm_bound() const {
  constexpr double kRowSum = 1.01;  // more than rounding adds to a row's sum
  return std::min(std::sqrt(kRowSum * moments_.largest_column), std::sqrt(moments_.squared_norm));
}

}  // namespace linformer
