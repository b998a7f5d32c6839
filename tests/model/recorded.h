// SPDX-License-Identifier: MIT
// What transformers computed for a checkpoint (tests/oracle), and how close we must come to it.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tensor_file.h"
#include "checkpoint/tensor_values.h"
#include "model/forward.h"
#include "places.h"

namespace linformer {

inline std::string fixture(const std::string& name) { return fixtures() + "/" + name; }

inline std::vector<float> recorded_floats(const TensorFile& file, const std::string& name) {
  const TensorInfo& tensor = file.get(name);
  std::vector<float> values(static_cast<size_t>(element_count(tensor.shape).value()));
  copy_as_f32(tensor, file.name(), values);
  return values;
}

inline std::vector<int64_t> recorded_integers(const TensorFile& file, const std::string& name) {
  const TensorInfo& tensor = file.get(name);
  std::vector<int64_t> values(static_cast<size_t>(element_count(tensor.shape).value()));
  copy_as_i64(tensor, file.name(), values);
  return values;
}

/// Whether every value is within 1.5e-5 (1.24e-5 has been seen, with oneDNN's AVX2 products; or 1e-6 of a
/// larger one, which f32 products of width 384 need), and within 1e-3 relative where the truth is at least
/// 1e-6.
inline bool agrees(std::span<const float> ours, std::span<const float> truth) {
  if (ours.size() != truth.size()) return false;
  for (size_t i = 0; i < ours.size(); ++i) {
    const float error = std::abs(ours[i] - truth[i]), size = std::abs(truth[i]);
    if (!(error <= std::max(1.5e-5f, 1e-6f * size))) return false;
  }
  return true;
}

/// Within 1e-6 of the largest value or 1.5e-5: for scores over a vocabulary, sums of terms as large as that.
inline bool scores_agree(std::span<const float> ours, std::span<const float> truth) {
  if (ours.size() != truth.size()) return false;
  float largest = 0, error = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(truth[i]));
    if (!(std::abs(ours[i] - truth[i]) <= error)) error = std::abs(ours[i] - truth[i]);
    if (std::isnan(error)) return false;
  }
  return error <= std::max(1.5e-5f, 1e-6f * largest);
}

/// As agrees(), and within 1e-3 relative from 1e-6 on: for probabilities.
inline bool probabilities_agree(std::span<const float> ours, std::span<const float> truth) {
  if (!agrees(ours, truth)) return false;
  for (size_t i = 0; i < ours.size(); ++i) {
    if (truth[i] >= 1e-6f && std::abs(ours[i] - truth[i]) > 1e-3f * truth[i]) return false;
  }
  return true;
}

/// All of the first sequence's heads, dense [heads, rows, cols].
inline std::vector<float> dense(HeadsView<const float> heads) {
  std::vector<float> out;
  for (int64_t h = 0; h < heads.heads; ++h) {
    const MatrixView<const float> m = heads.matrix(0, h);
    for (int64_t i = 0; i < m.rows; ++i) out.insert(out.end(), m.row(i), m.row(i) + m.cols);
  }
  return out;
}

inline std::vector<float> dense(MatrixView<const float> m) {
  std::vector<float> out;
  for (int64_t i = 0; i < m.rows; ++i) out.insert(out.end(), m.row(i), m.row(i) + m.cols);
  return out;
}

/// Keeps what a forward pass shows of one sequence.
struct KeptLayer {
  std::vector<float> q, k, v, logits, probabilities, distance_bias, hidden;
  friend bool operator==(const KeptLayer&, const KeptLayer&) = default;
};

class Keeper final : public LayerVisitor {
 public:
  explicit Keeper(LayerWants wants = {.logits = true, .probabilities = true, .hidden = true})
      : wants_(wants) {}

  LayerWants wants(int64_t) const override { return wants_; }
  void on_layer(const LayerView& view) override {
    if (view.layer == 0) embeddings = dense(view.embeddings);
    layers.push_back({dense(view.q), dense(view.k), dense(view.v), dense(HeadsView<const float>(view.logits)),
                      dense(HeadsView<const float>(view.probabilities)), dense(view.distance_bias),
                      dense(view.hidden)});
  }
  std::vector<KeptLayer> layers;
  std::vector<float> embeddings;

 private:
  LayerWants wants_;
};

}  // namespace linformer
