// SPDX-License-Identifier: MIT
#include "bench/layer_check.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "base/threads.h"
#include "bench/difference.h"
#include "model/distance_bias.h"

namespace linformer {
namespace {

enum Purpose : uint32_t { kPlaces = 0xa8, kTokenWeights, kSlotWeights };

constexpr int64_t kTokens = 6;  // sampled

// 1 or 2 each. Their sum is not 0, so that a bias that is missing shows.
std::vector<double> random_weights(int64_t count, uint64_t seed, uint32_t purpose) {
  Random random({.seed = seed, .purpose = purpose});
  std::vector<double> weights(static_cast<size_t>(count));
  for (double& weight : weights) weight = 1 + static_cast<double>(random.below(2));
  return weights;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

std::vector<double> as_f64(const float* values, int64_t count) { return {values, values + count}; }

}  // namespace

LayerCheck::LayerCheck(const Model& model, const Mechanism& mechanism, const DrawnProjection* projection,
                       uint64_t seed, int threads)
    : model_(model),
      a_(model.architecture()),
      mechanism_(mechanism),
      projection_(projection),
      seed_(seed),
      threads_(threads) {}

CellError LayerCheck::error() const {
  return {.error = error_,
          .bound = amplification_ * difference_bound(largest_score_),
          .rows = std::ssize(tokens_)};
}

void LayerCheck::note(double relative) {
  if (std::isnan(relative) || relative > error_) error_ = relative;  // NaN stays
}

void LayerCheck::on_layer(const LayerView& view) {
  const auto begin = std::chrono::steady_clock::now();
  if (sequence_ < 0) choose(view);
  const LayerWeights& layer = model_.layers()[model_.weights_of_layer(view.layer)];
  if (view.layer == 0) take_input(view.embeddings, 0);
  const int64_t queries = a_.heads * a_.head_size, keys = a_.kv_heads * a_.head_size;
  const std::vector<double> key_weights =
      projection_ == nullptr ? token_weights_ : random_weights(view.k.rows, seed_, kSlotWeights);
  compare_projection(view.q, layer, 0, queries_, token_weights_);
  compare_projection(view.k, layer, queries, keys_, key_weights);
  compare_projection(view.v, layer, queries + keys, values_, key_weights);
  const Rows truth = reference_layer(a_, layer, input_, context_of(view, layer), threads_);
  compare_states(view.hidden, truth);
  if (view.final_hidden.data != nullptr) {
    Rows normed = truth;
    for (std::vector<double>& row : normed) row = reference_norm(a_, model_.final_norm(), std::move(row));
    compare_states(view.final_hidden, normed);
  }
  if (view.layer + 1 < model_.layer_count()) take_input(view.hidden, view.layer + 1);
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The first token and the last, where masks and tiles end, and some between.
void LayerCheck::choose(const LayerView& view) {
  n_ = view.q.rows;
  Random random({.seed = seed_, .purpose = kPlaces});
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random.below(static_cast<uint32_t>(bound)));
  };
  sequence_ = below(view.q.batch);
  tokens_ = {0, n_ - 1};
  while (std::ssize(tokens_) < kTokens) tokens_.push_back(below(n_));
  token_weights_ = random_weights(n_, seed_, kTokenWeights);
}

// `states`: of all sequences, what comes into the layer.
void LayerCheck::take_input(MatrixView<const float> states, int64_t i) {
  const LayerWeights& layer = model_.layers()[model_.weights_of_layer(i)];
  const MatrixView<const float> own{states.row(sequence_ * n_), n_, states.cols, states.stride};
  input_.clear();
  for (const int64_t token : tokens_) input_.push_back(as_f64(own.row(token), own.cols));
  queries_ = {probe(own, layer, token_weights_)};
  keys_ = values_ = queries_;
  if (projection_ == nullptr) return;
  const auto& [slots, e, f] = projection_->layers[static_cast<size_t>(i)];
  keys_ = probes_of(own, layer, e, slots);
  values_ = e.weight.data == f.weight.data ? keys_ : probes_of(own, layer, f, slots);
}

// rᵀ E of one group of heads.
const std::vector<double>& LayerCheck::combined_rows(const DenseWeights& e, int64_t group, int64_t slots) {
  const auto [found, missing] = combined_.try_emplace(e.weight.row(group * slots));
  std::vector<double>& sum = found->second;
  if (!missing) return sum;
  const std::vector<double> weights = random_weights(slots, seed_, kSlotWeights);
  sum.resize(static_cast<size_t>(n_));
  constexpr int64_t kPiece = 1024;  // columns that a thread takes at a time
  parallel_for(threads_, (n_ + kPiece - 1) / kPiece, [&](int64_t piece, int) {
    const int64_t end = std::min(n_, (piece + 1) * kPiece);
    for (int64_t slot = 0; slot < slots; ++slot) {
      const float* const row = e.weight.row(group * slots + slot);
      const double weight = weights[static_cast<size_t>(slot)];
      for (int64_t j = piece * kPiece; j < end; ++j)
        sum[static_cast<size_t>(j)] += weight * static_cast<double>(row[j]);
    }
  });
  return sum;
}

LayerCheck::Probes LayerCheck::probes_of(MatrixView<const float> states, const LayerWeights& layer,
                                         const DenseWeights& e, int64_t slots) {
  Probes probes;
  for (int64_t group = 0; group < e.weight.rows / slots; ++group) {
    probes.push_back(probe(states, layer, combined_rows(e, group, slots)));
    // Before the weights, each slot has the bias once.
    if (projection_->how.order == Projection::Order::kBeforeWeights)
      probes.back().bias = sum_of(random_weights(slots, seed_, kSlotWeights));
  }
  return probes;
}

LayerCheck::Probe LayerCheck::probe(MatrixView<const float> states, const LayerWeights& layer,
                                    const std::vector<double>& tokens) {
  const bool normed = a_.norm_place != NormPlace::kAfter;
  constexpr int64_t kPiece = 256;  // rows that a thread takes at a time
  const int64_t pieces = (n_ + kPiece - 1) / kPiece;
  Rows sums(static_cast<size_t>(pieces), std::vector<double>(static_cast<size_t>(states.cols)));
  parallel_for(threads_, pieces, [&](int64_t piece, int) {
    std::vector<double>& sum = sums[static_cast<size_t>(piece)];
    const int64_t end = std::min(n_, (piece + 1) * kPiece);
    for (int64_t j = piece * kPiece; j < end; ++j) {
      std::vector<double> y = as_f64(states.row(j), states.cols);
      if (normed) y = reference_norm(a_, layer.attention_norm, std::move(y));
      const double t = tokens[static_cast<size_t>(j)];
      for (size_t c = 0; c < y.size(); ++c) sum[c] += t * y[c];
    }
  });
  for (size_t piece = 1; piece < sums.size(); ++piece) {
    std::transform(sums[0].begin(), sums[0].end(), sums[piece].begin(), sums[0].begin(), std::plus<>());
  }
  return {.sum = std::move(sums[0]), .bias = sum_of(tokens)};
}

// `first_output`: where the heads of `ours` begin in the stack of queries, keys and values.
void LayerCheck::compare_projection(HeadsView<const float> ours, const LayerWeights& layer,
                                    int64_t first_output, const Probes& probes,
                                    const std::vector<double>& weights) {
  Difference difference;
  for (int64_t h = 0; h < ours.heads; ++h) {
    const MatrixView<const float> rows = ours.matrix(sequence_, h);
    std::vector<double> sum(static_cast<size_t>(ours.cols));
    for (int64_t i = 0; i < rows.rows; ++i) {
      const double weight = weights[static_cast<size_t>(i)];
      for (size_t c = 0; c < sum.size(); ++c) sum[c] += weight * static_cast<double>(rows.row(i)[c]);
    }
    const Probe& probe = probes[static_cast<size_t>(h) * probes.size() / static_cast<size_t>(ours.heads)];
    const std::vector<double> truth =
        reference_outputs(layer.qkv, first_output + h * ours.cols, ours.cols, probe.sum, probe.bias);
    for (size_t c = 0; c < sum.size(); ++c) difference.add(sum[c], truth[c]);
  }
  note(difference.relative());
}

// Attention of the sampled tokens over the layer's own keys and values, all heads side by side.
Rows LayerCheck::context_of(const LayerView& view, const LayerWeights& layer) {
  AttentionInput in{.q = view.q, .k = view.k, .v = view.v};
  if (layer.distance_bias.data != nullptr) {
    if (bias_table_ != layer.distance_bias.data) {
      bias_table_ = layer.distance_bias.data;
      bias_.resize(static_cast<size_t>(a_.heads * (2 * n_ - 1)));
      fill_distance_bias(layer.distance_bias, a_.distance_buckets, a_.causal, n_, bias_.data());
    }
    in.distance_bias = {bias_.data(), a_.heads, 2 * n_ - 1, 2 * n_ - 1};
  }
  const AttentionShape shape{.batch = view.q.batch,
                             .heads = a_.heads,
                             .queries = n_,
                             .keys = view.k.rows,
                             .head_size = a_.head_size,
                             .value_size = a_.head_size,
                             .scale = a_.scale,
                             .causal = a_.causal};
  Rows context(tokens_.size(), std::vector<double>(static_cast<size_t>(a_.heads * a_.head_size)));
  std::vector<double> scores(static_cast<size_t>(a_.heads)), amplifications(scores.size());
  parallel_for(threads_, a_.heads, [&](int64_t h, int) {
    const ReferenceRows rows = mechanism_.reference(shape, in, sequence_, h, tokens_);
    scores[static_cast<size_t>(h)] = rows.largest_score;
    amplifications[static_cast<size_t>(h)] = rows.amplification;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      std::copy_n(rows.o.begin() + static_cast<int64_t>(i) * a_.head_size, a_.head_size,
                  context[i].begin() + h * a_.head_size);
    }
  });
  largest_score_ = std::max(largest_score_, *std::ranges::max_element(scores));
  amplification_ = std::max(amplification_, *std::ranges::max_element(amplifications));
  return context;
}

void LayerCheck::compare_states(MatrixView<const float> ours, const Rows& truth) {
  Difference difference;
  for (size_t i = 0; i < truth.size(); ++i) {
    const float* const row = ours.row(sequence_ * n_ + tokens_[i]);
    for (size_t c = 0; c < truth[i].size(); ++c) difference.add(static_cast<double>(row[c]), truth[i][c]);
  }
  note(difference.relative());
}

}  // namespace linformer
