// SPDX-License-Identifier: MIT
#include "spectrum/controls.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "kernels/softmax.h"

namespace linformer {
namespace {

int64_t support(int64_t row, int64_t cols, bool causal) { return causal ? std::min(row + 1, cols) : cols; }

SoftmaxMoments mean_moments(MatrixView<const float> logits, bool causal, double scale) {
  SoftmaxMoments mean{0, 0};
  for (int64_t i = 0; i < logits.rows; ++i) {
    const SoftmaxMoments row =
        softmax_moments(logits.row(i), support(i, logits.cols, causal), static_cast<float>(scale));
    mean.entropy += row.entropy / static_cast<double>(logits.rows);
    mean.variance += row.variance / static_cast<double>(logits.rows);
  }
  return mean;
}

double largest_entropy(MatrixView<const float> logits, bool causal) {
  double sum = 0;
  for (int64_t i = 0; i < logits.rows; ++i)
    sum += std::log(static_cast<double>(support(i, logits.cols, causal)));
  return sum / static_cast<double>(std::max<int64_t>(logits.rows, 1));
}

}  // namespace

std::vector<std::string> control_names() {
  std::vector<std::string> names = {"none"};
  for (const ControlKind& control : kControls) names.emplace_back(control.name);
  return names;
}

std::string control_help() {
  std::string text;
  for (const ControlKind& control : kControls) {
    const char* need = control.needs_causal       ? "; of causal heads"
                       : control.needs_checkpoint ? "; with a checkpoint"
                                                  : "";
    text += fmt::format("{}{} ({}{})", text.empty() ? "" : ", ", control.name, control.help, need);
  }
  return text;
}

const ControlKind* find_control(std::string_view name) {
  const auto found = std::find_if(kControls.begin(), kControls.end(),
                                  [&](const ControlKind& control) { return name == control.name; });
  return found == kControls.end() ? nullptr : &*found;
}

RandomStream control_stream(uint64_t seed, ControlPurpose purpose, int64_t sequence, int64_t layer,
                            int64_t head) {
  return {.seed = seed,
          .purpose = static_cast<uint32_t>(purpose),
          .index = static_cast<uint64_t>(sequence) << 32 | static_cast<uint64_t>(layer) << 16 |
                   static_cast<uint64_t>(head)};
}

void permute_rows(MatrixView<float> p, bool causal, const RandomStream& stream) {
  Random random(stream);
  for (int64_t i = 0; i < p.rows; ++i) {
    float* row = p.row(i);
    for (auto left = static_cast<uint32_t>(support(i, p.cols, causal)); left > 1; --left)
      std::swap(row[left - 1], row[random.below(left)]);
  }
}

void causal_uniform(MatrixView<float> p) {
  for (int64_t i = 0; i < p.rows; ++i) {
    const int64_t count = support(i, p.cols, true);
    std::fill(p.row(i), p.row(i) + count, 1.0f / static_cast<float>(count));
    std::fill(p.row(i) + count, p.row(i) + p.cols, 0.0f);
  }
}

MatchedResult solve_scale(MatrixView<const float> logits, bool causal, double entropy) {
  const double most = largest_entropy(logits, causal);
  // A quarter of what is promised; the rest is for the rounding of the matrix.
  const double tolerance = 0.25e-6 * std::log(static_cast<double>(std::max<int64_t>(logits.cols, 2)));
  if (entropy >= most - tolerance) return {.scale = 0, .entropy = most, .evaluations = 0};
  double low = 0;
  double high = kLargestScale;
  MatchedResult at{.scale = std::sqrt(2 * (most - entropy)), .entropy = 0, .evaluations = 0};
  while (true) {
    const SoftmaxMoments moments = mean_moments(logits, causal, at.scale);
    at.entropy = moments.entropy;
    ++at.evaluations;
    const double excess = moments.entropy - entropy;
    if (std::abs(excess) <= tolerance) return at;
    (excess > 0 ? low : high) = at.scale;
    if (high - low <= 1e-7 * high) return at;  // neighbours in f32
    const double square = at.scale * at.scale + 2 * excess / moments.variance;
    double next = square > 0 ? std::sqrt(square) : 0;
    // Outside the bracket (also NaN): the geometric middle.
    if (!(next > low && next < high)) next = low > 0 ? std::sqrt(low) * std::sqrt(high) : high / 2;
    at.scale = next;
  }
}

MatchedResult matched_control(MatrixView<float> p, const MatchedOptions& options, const RandomStream& stream,
                              const MatrixProduct& product, std::span<float> workspace) {
  const int64_t d = options.d;
  if (d < 1 || static_cast<int64_t>(workspace.size()) < matched_workspace(p.rows, p.cols, d) ||
      std::isnan(options.entropy))
    throw Error(ErrorCode::kInternal, {.subject = "matched_control",
                                       .item = "",
                                       .found = "arguments out of range",
                                       .expected = "d >= 1, workspace of (rows + cols) d, an entropy",
                                       .remedy = ""});
  const MatrixView<float> q{workspace.data(), p.rows, d, d};
  const MatrixView<float> k{workspace.data() + p.rows * d, p.cols, d, d};
  Random random(stream);
  const float shrink = 1 / std::sqrt(static_cast<float>(d));
  for (int64_t i = 0; i < p.rows * d; ++i) q.data[i] = shrink * random.normal();
  for (int64_t i = 0; i < p.cols * d; ++i) k.data[i] = random.normal();
  product(q, k, p);
  const MatchedResult result = solve_scale(p, options.causal, options.entropy);
  softmax_rows(p.data, p.rows, p.cols, p.stride, static_cast<float>(result.scale), options.causal, 0);
  return result;
}

}  // namespace linformer
