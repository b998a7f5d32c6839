// SPDX-License-Identifier: MIT
#include "attention/linformer_sizes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace linformer {
namespace {

using Projection = LinformerOptions::Projection;

constexpr int64_t kMostElements = int64_t{1} << 58;  // whose bytes can still be counted and added

// Of the projection to slots.
constexpr SlotWeights::Kind kind_of(Projection projection) {
  switch (projection) {
    case Projection::kMeanPooling:
      return SlotWeights::Kind::kMeanPooling;
    case Projection::kMaxPooling:
      return SlotWeights::Kind::kMaxPooling;
    case Projection::kConvolution:
      return SlotWeights::Kind::kConvolution;
    case Projection::kLearned:
    case Projection::kGaussian:
      break;
  }
  return SlotWeights::Kind::kMatrix;
}

}  // namespace

void LinformerSizes::require_possible(const AttentionShape& s) const {
  if (options_.order == LinformerOptions::Order::kBeforeWeights) {
    refuse_linformer("order=before-weights", "order=after-weights where Q, K and V are given");
  }
  if (s.causal) refuse_linformer("causal attention", "attention to both sides: E and F mix future positions");
  if (s.keys > positions(s))
    refuse_linformer(fmt::format("{} keys", s.keys), fmt::format("at most n={}", positions(s)));
  if (options_.windows() && options_.k > positions(s)) {
    refuse_linformer(fmt::format("k={} windows", options_.k), fmt::format("at most n={}", positions(s)));
  }
  const bool mixes = options_.projection == Projection::kConvolution && options_.one_matrix();
  if (mixes && s.value_size != 0 && s.value_size != s.head_size) {
    refuse_linformer(fmt::format("one kernel for rows of {} and {}", s.head_size, s.value_size),
                     "sharing=headwise or none");
  }
}

int64_t LinformerSizes::slots(const AttentionShape& s) const {
  return options_.windows() ? std::min(options_.k, positions(s)) : options_.k;
}

ParameterSpec LinformerSizes::spec(std::string name, const AttentionShape& s, int64_t d) const {
  const bool convolution = options_.projection == Projection::kConvolution;
  Shape shape = convolution ? Shape{d, d, kernel(s)} : Shape{options_.k, positions(s)};
  if (options_.of_heads()) shape.insert(shape.begin(), s.heads);
  if (element_count(shape).value_or(kMostElements) >= kMostElements) {
    refuse_linformer(fmt::format("{} of shape {}", name, to_string(shape)), "fewer than 2^58 elements");
  }
  const int64_t summed = convolution ? d * kernel(s) : options_.k;
  return {.name = std::move(name),
          .shape = std::move(shape),
          .init = {.deviation = 1 / std::sqrt(static_cast<float>(std::max<int64_t>(summed, 1)))},
          .trainable = options_.projection != Projection::kGaussian};
}

std::vector<ParameterSpec> LinformerSizes::parameters(const AttentionShape& s) const {
  if (options_.pools()) return {};
  if (options_.projection == Projection::kGaussian) return {spec("R", s, s.head_size)};
  std::vector<ParameterSpec> specs = {spec("E", s, s.head_size)};
  if (!options_.one_matrix()) specs.push_back(spec("F", s, s.value_size));
  return specs;
}

SlotWeights LinformerSizes::slot_weights(const AttentionShape& s, int64_t d) const {
  SlotWeights w{.kind = kind_of(options_.projection), .k = slots(s), .n = positions(s)};
  const int64_t groups = options_.of_heads() ? s.heads : 1;
  if (w.kind == SlotWeights::Kind::kMatrix) w.weight = {nullptr, groups * w.k, w.n, w.n};
  if (w.kind == SlotWeights::Kind::kConvolution) {
    w.weight = {nullptr, groups * d, d * kernel(s), d * kernel(s)};
  }
  return w;
}

double LinformerSizes::projection_flops(const AttentionShape& s, int64_t d) const {
  const double elements = static_cast<double>(s.batch * s.heads * s.keys * d);
  if (options_.pools()) return elements;
  const int64_t summed = options_.projection == Projection::kConvolution ? d : options_.k;
  return 2 * elements * static_cast<double>(summed);
}

}  // namespace linformer
