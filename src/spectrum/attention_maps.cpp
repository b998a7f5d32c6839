// SPDX-License-Identifier: MIT
#include "spectrum/attention_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/index.h"
#include "base/stride.h"
#include "base/threads.h"
#include "spectrum/layer_analysis.h"

namespace linformer {
namespace {

// Sixteenths of a power of two below the peak, so that four decades and a half can be told apart; 0 is less.
uint8_t level_of(double mean, double peak) {
  if (!(mean > 0)) return 0;
  const double level = kTopLevel + kLevelsPerOctave * std::log2(mean / peak);
  return static_cast<uint8_t>(std::lround(std::max(level, 0.0)));
}

class MapTaker final : public LayerVisitor {
 public:
  MapTaker(const SourceFacts& facts, int64_t sequence, std::span<const int64_t> layers,
           std::span<const int64_t> heads, Run& run)
      : facts_(facts), sequence_(sequence), layers_(layers), heads_(heads), run_(run) {}

  LayerWants wants(int64_t layer) const override {
    if (!std::ranges::binary_search(layers_, layer)) return {};
    const MapSize size = facts_.in_layer(facts_.sizes[index(sequence_)], layer);
    return {.probabilities = true, .row_stride = padded_stride(size.cols)};
  }

  void on_layer(const LayerView& view) override {
    if (!std::ranges::binary_search(layers_, view.layer)) return;
    std::vector<MatrixView<float>> matrices(heads_.size());
    parallel_for(run_.threads, std::ssize(heads_), [&](int64_t i, int) {
      MatrixView<float>& p = matrices[index(i)] = view.probabilities.matrix(0, heads_[index(i)]);
      if (!facts_.dropped.empty()) p = drop_positions(p, facts_.dropped[index(sequence_)], true);
    });
    LayerMaps& layer = maps_.layers.emplace_back();
    layer.rows = matrices.front().rows;
    layer.columns = matrices.front().cols;
    layer.block_rows = std::min(layer.rows, kMostBlocks);
    layer.block_columns = std::min(layer.columns, kMostBlocks);
    layer.heads.resize(heads_.size());
    parallel_for(run_.threads, std::ssize(heads_), [&](int64_t i, int) {
      layer.heads[index(i)] = block_means(matrices[index(i)], layer.block_rows, layer.block_columns);
    });
  }

  AttentionMaps take() { return std::move(maps_); }

 private:
  const SourceFacts& facts_;
  int64_t sequence_;
  std::span<const int64_t> layers_, heads_;
  Run& run_;
  AttentionMaps maps_;
};

}  // namespace

AttentionMap block_means(MatrixView<const float> p, int64_t block_rows, int64_t block_columns) {
  std::vector<double> means(index(block_rows * block_columns));
  for (int64_t i = 0; i < block_rows; ++i) {
    const int64_t top = i * p.rows / block_rows, bottom = (i + 1) * p.rows / block_rows;
    for (int64_t j = 0; j < block_columns; ++j) {
      const int64_t left = j * p.cols / block_columns, right = (j + 1) * p.cols / block_columns;
      double sum = 0;
      for (int64_t row = top; row < bottom; ++row)
        for (int64_t column = left; column < right; ++column) sum += static_cast<double>(p.row(row)[column]);
      means[index(i * block_columns + j)] = sum / static_cast<double>((bottom - top) * (right - left));
    }
  }
  AttentionMap map{.peak = *std::ranges::max_element(means), .levels = {}};
  map.levels.reserve(means.size());
  for (const double mean : means) map.levels.push_back(level_of(mean, map.peak));
  return map;
}

void check_sequence(const SourceFacts& facts, int64_t sequence, const char* option) {
  const auto sequences = std::ssize(facts.sizes);
  if (sequence >= 0 && sequence < sequences) return;
  throw Error(ErrorCode::kUsage, {.subject = option,
                                  .found = fmt::format("sequence {}", sequence),
                                  .expected = fmt::format("0 to {}", sequences - 1)});
}

AttentionMaps attention_maps(AttentionSource& source, int64_t sequence, std::span<const int64_t> layers,
                             std::span<const int64_t> heads, Run& run) {
  const SourceFacts& facts = source.facts();
  MapTaker taker(facts, sequence, layers, heads, run);
  source.run(std::span(&sequence, 1), layers.back() + 1, taker);
  AttentionMaps maps = taker.take();
  maps.sequence = sequence;
  maps.document = facts.documents.empty() ? sequence : facts.documents[index(sequence)];
  return maps;
}

}  // namespace linformer
