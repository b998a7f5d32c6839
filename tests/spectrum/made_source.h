// SPDX-License-Identifier: MIT
// Sources of made-up attention whose spectra are known.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "matrices.h"
#include "spectrum/analysis.h"

namespace linformer::testing {

/// Gaussian attention of another sharpness in each layer and head; identity where `planted` says so.
class MadeSource final : public AttentionSource {
 public:
  MadeSource(std::vector<int64_t> lengths, std::vector<int64_t> documents, bool causal = false) {
    facts_.layers = 2;
    facts_.heads = 2;
    facts_.head_size = 8;
    facts_.causal = causal;
    for (int64_t n : lengths) facts_.sizes.push_back({n, n});
    facts_.documents = std::move(documents);
  }

  SourceFacts& change() { return facts_; }
  /// An entry of row 3 of every P of a layer, or of its logits.
  void plant(int64_t layer, float value) { planted_layer_ = layer, planted_ = value; }
  void plant_in_logits(int64_t layer, float value) { planted_logits_layer_ = layer, planted_ = value; }
  void stop_after(StopFlag& flag, int64_t sequence) { flag_ = &flag, stop_after_ = sequence; }

  const SourceFacts& facts() const override { return facts_; }
  int64_t buffer_bytes(int64_t, MapSize, const LayerWants&) override { return 0; }

  /// P of a sequence as run() shows it, but for what is planted.
  Matrix probabilities(int64_t sequence, int64_t layer, int64_t head) const {
    const int64_t n = facts_.sizes[static_cast<size_t>(sequence)].rows;
    return gaussian_attention(n, n, 0.5 + static_cast<double>(layer + head), facts_.causal,
                              seed(sequence, layer, head));
  }
  /// Its logits: Gaussian, without regard to P.
  Matrix logits(int64_t sequence, int64_t layer, int64_t head) const {
    const int64_t n = facts_.sizes[static_cast<size_t>(sequence)].rows;
    Random random({.seed = seed(sequence, layer, head), .purpose = 78, .index = 0});
    return fill(n, n, [&](int64_t, int64_t) { return 3 * static_cast<double>(random.normal()); });
  }

  void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) override {
    const int64_t n = facts_.sizes[static_cast<size_t>(sequences.front())].rows;
    for (int64_t layer = 0; layer < layers; ++layer) {
      const int64_t stride = std::max(visitor.wants(layer).row_stride, n);
      const auto floats = static_cast<size_t>(std::ssize(sequences) * 2 * n * stride);
      std::vector<float> maps(floats), logits_of_all(floats);
      const auto view_of = [&](std::vector<float>& of) {
        return HeadsView<float>{of.data(), std::ssize(sequences), 2,          n,
                                n,         2 * n * stride,        n * stride, stride};
      };
      LayerView view{.layer = layer,
                     .sequences = sequences,
                     .q = {},
                     .k = {},
                     .v = {},
                     .logits = facts_.has_logits ? view_of(logits_of_all) : HeadsView<float>{},
                     .probabilities = view_of(maps),
                     .hidden = {},
                     .embeddings = {}};
      for (int64_t b = 0; b < std::ssize(sequences); ++b) {
        for (int64_t h = 0; h < 2; ++h) {
          const int64_t sequence = sequences[static_cast<size_t>(b)];
          const MatrixView<float> p = view.probabilities.matrix(b, h);
          copy(probabilities(sequence, layer, h), p);
          if (layer == planted_layer_) p.row(3)[1] = planted_;
          if (!facts_.has_logits) continue;
          copy(logits(sequence, layer, h), view.logits.matrix(b, h));
          if (layer == planted_logits_layer_) view.logits.matrix(b, h).row(3)[1] = planted_;
        }
      }
      visitor.on_layer(view);
    }
    if (flag_ != nullptr && sequences.back() >= stop_after_) flag_->request();
  }

 private:
  static uint64_t seed(int64_t sequence, int64_t layer, int64_t head) {
    return static_cast<uint64_t>(sequence * 10 + layer * 2 + head);
  }
  static void copy(const Matrix& from, MatrixView<float> to) {
    for (int64_t i = 0; i < to.rows; ++i) std::copy_n(from.view().row(i), to.cols, to.row(i));
  }

  SourceFacts facts_;
  int64_t planted_layer_ = -1, planted_logits_layer_ = -1;
  float planted_ = 0;
  StopFlag* flag_ = nullptr;
  int64_t stop_after_ = 0;
};

inline std::vector<int64_t> repeat(int64_t value, size_t count) { return std::vector<int64_t>(count, value); }

/// Sequences 0 .. count − 1, each its own document.
inline std::vector<int64_t> own_documents(int64_t count) {
  std::vector<int64_t> documents;
  for (int64_t i = 0; i < count; ++i) documents.push_back(i);
  return documents;
}

inline SpectrumResult analyse(MadeSource& source, AnalysisOptions options = {},
                              const AnalysisFiles& files = {}, int threads = 2,
                              const StopFlag* stop = nullptr) {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = threads, .stop = stop};
  return Analysis(source, std::move(options), run).run({}, files);
}

}  // namespace linformer::testing
