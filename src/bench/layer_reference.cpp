// SPDX-License-Identifier: MIT
#include "bench/layer_reference.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <utility>

#include "base/threads.h"

namespace linformer {
namespace {

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kGelu:
      return x / 2 * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::kGeluTanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kNone:
      break;
  }
  return x;
}

Rows sum_of(Rows sum, const Rows& more) {
  for (size_t i = 0; i < sum.size(); ++i)
    std::transform(sum[i].begin(), sum[i].end(), more[i].begin(), sum[i].begin(), std::plus<>());
  return sum;
}

Rows norms_of(const Architecture& a, const NormWeights& w, Rows rows) {
  for (std::vector<double>& row : rows) row = reference_norm(a, w, std::move(row));
  return rows;
}

Rows feed_forward(const Architecture& a, const LayerWeights& layer, const Rows& rows, int threads) {
  const bool gated = layer.ffn_gate.weight.data != nullptr;
  Rows inner = reference_product(layer.ffn_in, rows, threads);
  const Rows gate = gated ? reference_product(layer.ffn_gate, rows, threads) : Rows{};
  for (size_t i = 0; i < inner.size(); ++i) {
    for (size_t c = 0; c < inner[i].size(); ++c) {
      double& x = inner[i][c];
      x = gated ? x * activated(a.activation, gate[i][c]) : activated(a.activation, x);
    }
  }
  return reference_product(layer.ffn_out, inner, threads);
}

}  // namespace

std::vector<double> reference_outputs(const DenseWeights& w, int64_t first, int64_t count,
                                      const std::vector<double>& x, double bias) {
  std::vector<double> y(static_cast<size_t>(count));
  for (int64_t o = 0; o < count; ++o) {
    const float* const row = w.weight.row(first + o);
    double dot = w.bias == nullptr ? 0 : bias * static_cast<double>(w.bias[first + o]);
    for (size_t i = 0; i < x.size(); ++i) dot += static_cast<double>(row[i]) * x[i];
    y[static_cast<size_t>(o)] = dot;
  }
  return y;
}

Rows reference_product(const DenseWeights& w, const Rows& rows, int threads) {
  Rows products(rows.size(), std::vector<double>(static_cast<size_t>(w.weight.rows)));
  constexpr int64_t kPiece = 64;  // outputs that a thread takes at a time
  parallel_for(threads, (w.weight.rows + kPiece - 1) / kPiece, [&](int64_t piece, int) {
    const int64_t first = piece * kPiece, count = std::min(kPiece, w.weight.rows - first);
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::vector<double> part = reference_outputs(w, first, count, rows[i], 1);
      std::copy(part.begin(), part.end(), products[i].begin() + first);
    }
  });
  return products;
}

std::vector<double> reference_norm(const Architecture& a, const NormWeights& w, std::vector<double> x) {
  if (w.weight == nullptr) return x;
  const auto count = static_cast<double>(x.size());
  const double mean = a.norm_kind == NormKind::kLayer ? std::accumulate(x.begin(), x.end(), 0.0) / count : 0;
  double square = 0;
  for (double& value : x) value -= mean, square += value * value;
  const double scale = 1 / std::sqrt(square / count + static_cast<double>(a.norm_epsilon));
  for (size_t c = 0; c < x.size(); ++c) {
    x[c] *= scale * static_cast<double>(w.weight[c]);
    if (w.bias != nullptr) x[c] += static_cast<double>(w.bias[c]);
  }
  return x;
}

Rows reference_layer(const Architecture& a, const LayerWeights& layer, const Rows& input, Rows context,
                     int threads) {
  if (layer.attention_inner.weight.data != nullptr)
    context = reference_product(layer.attention_inner, context, threads);
  const Rows x = sum_of(input, reference_product(layer.attention_output, context, threads));
  const auto ffn = [&](const Rows& rows) { return feed_forward(a, layer, rows, threads); };
  switch (a.norm_place) {
    case NormPlace::kBefore:
      return sum_of(x, ffn(norms_of(a, layer.ffn_norm, x)));
    case NormPlace::kParallel:
      return sum_of(x, ffn(norms_of(a, layer.ffn_norm, input)));
    case NormPlace::kAfter:
      break;
  }
  const Rows normed = norms_of(a, layer.attention_norm, x);
  return norms_of(a, layer.ffn_norm, sum_of(normed, ffn(normed)));
}

}  // namespace linformer
