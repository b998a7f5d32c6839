// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/threads.h"
#include "io/npy.h"
#include "model/source.h"
#include "model/stored_heads.h"

namespace linformer {
namespace {

// What rounding to f16 leaves of a distribution over thousands of keys.
constexpr float kRowSumTolerance = 1e-2f;

bool any_weight(std::span<const float> keys) {
  return std::ranges::any_of(keys, [](float x) { return x != 0; });
}

class ProbabilitySource final : public AttentionSource {
 public:
  ProbabilitySource(std::shared_ptr<const FileBytes> file, std::vector<StoredHeads> layers, SourceFacts facts,
                    Run& run)
      : file_(std::move(file)), layers_(std::move(layers)), facts_(std::move(facts)), run_(run) {}

  const SourceFacts& facts() const override { return facts_; }

  int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) override {
    return sequences * facts_.heads * size.rows * std::max(wants.row_stride, size.cols) *
           static_cast<int64_t>(sizeof(float));
  }

  void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) override {
    const MapSize size = facts_.sizes[static_cast<size_t>(sequences.front())];
    for (int64_t i = 0; i < layers; ++i) {
      const LayerWants wants = visitor.wants(i);
      if (!wants.probabilities) continue;
      LayerView view{.layer = i, .sequences = sequences};
      view.probabilities = reserve_maps(maps_, std::ssize(sequences), facts_.heads, size, wants.row_stride,
                                        run_.memory, "attention probabilities");
      parallel_for(run_.threads, std::ssize(sequences) * facts_.heads, [&](int64_t task, int) {
        const int64_t b = task / facts_.heads, head = task % facts_.heads;
        read(layers_[static_cast<size_t>(i)], sequences[static_cast<size_t>(b)], head,
             view.probabilities.matrix(b, head));
      });
      visitor.on_layer(view);
    }
  }

 private:
  void read(const StoredHeads& stored, int64_t sequence, int64_t head, MatrixView<float> p) const {
    for (int64_t i = 0; i < p.rows; ++i) {
      const std::span<float> row(p.row(i), static_cast<size_t>(p.cols));
      stored.read_row(sequence, head, i, file_->name(), row);
      const auto refuse = [&](std::string found, std::string expected) {
        fail_stored(file_->name(),
                    fmt::format("{}, sequence {}, head {}, row {}", stored.tensor.name, sequence, head, i),
                    std::move(found), std::move(expected));
      };
      if (facts_.causal && any_weight(row.subspan(static_cast<size_t>(std::min(i + 1, p.cols))))) {
        refuse("weight on later keys",
               "none, because the heads are causal (--causal, the file's metadata, or as its longest "
               "sequences)");
      }
      const float least = *std::min_element(row.begin(), row.end());
      if (least < 0) refuse(fmt::format("{}", least), "probabilities");
      const float sum = std::accumulate(row.begin(), row.end(), 0.0f);
      if (std::abs(sum - 1) > kRowSumTolerance) {
        refuse(fmt::format("sum {}", sum), "a row of probabilities, sum 1 within 0.01");
      }
    }
  }

  std::shared_ptr<const FileBytes> file_;
  std::vector<StoredHeads> layers_;
  SourceFacts facts_;
  Run& run_;
  Buffer<float> maps_;
};

// Whether no query of the longest sequences sees a later key, in any layer and head. One token proves
// nothing.
bool looks_causal(const std::vector<StoredHeads>& layers, const std::vector<MapSize>& sizes,
                  const std::string& file, const Run& run) {
  const MapSize longest = *std::ranges::max_element(sizes, {}, &MapSize::rows);
  if (longest.rows != longest.cols || longest.rows < 2) return false;
  std::atomic<bool> causal = true;
  for (const StoredHeads& layer : layers) {
    parallel_for(run.threads, std::ssize(sizes) * layer.heads(), [&](int64_t task, int) {
      const int64_t sequence = task / layer.heads(), head = task % layer.heads();
      if (sizes[static_cast<size_t>(sequence)].rows < longest.rows) return;
      std::vector<float> row(static_cast<size_t>(longest.cols));
      for (int64_t i = 0; causal && i + 1 < longest.rows; ++i) {
        layer.read_row(sequence, head, i, file, row);
        if (any_weight(std::span(row).subspan(static_cast<size_t>(i + 1)))) causal = false;
      }
    });
  }
  return causal;
}

std::unique_ptr<AttentionSource> open_npy(std::shared_ptr<const FileBytes> file, bool causal, Run& run) {
  const NpyArray array = read_npy(*file);
  if (array.shape.size() != 4 || element_count(array.shape) == 0) {
    fail_stored(file->name(), "shape", to_string(array.shape),
                "[sequences, heads, rows, columns] of one layer");
  }
  std::vector<StoredHeads> layers = {
      {{layer_name(0, "probabilities"), array.dtype, array.shape, array.bytes}}};
  SourceFacts facts{.layers = 1, .heads = layers[0].heads()};
  const auto sequences = static_cast<size_t>(array.shape[0]);
  facts.sizes.assign(sequences, {array.shape[2], array.shape[3]});
  facts.documents.assign(sequences, 0);
  facts.causal = causal || looks_causal(layers, facts.sizes, file->name(), run);
  return std::make_unique<ProbabilitySource>(std::move(file), std::move(layers), std::move(facts), run);
}

}  // namespace

std::unique_ptr<AttentionSource> open_probabilities(std::shared_ptr<const FileBytes> file, bool causal,
                                                    Run& run) {
  if (file->name().ends_with(".npy") || is_npy(*file)) return open_npy(std::move(file), causal, run);
  const TensorFile tensors(file);
  std::vector<StoredHeads> layers = find_layers(tensors, "probabilities");
  for (const StoredHeads& layer : layers) {
    if (layer.tensor.shape != layers[0].tensor.shape) {
      fail_stored(file->name(), layer.tensor.name, to_string(layer.tensor.shape), "the shape of layer 0");
    }
  }
  const StoredFacts stored = read_facts(tensors);
  SourceFacts facts{.layers = std::ssize(layers), .heads = layers[0].heads(), .head_size = stored.head_size};
  read_sequences(tensors, layers[0].sequences(), {layers[0].rows(), layers[0].cols()}, facts);
  facts.causal =
      causal || (stored.causal ? *stored.causal : looks_causal(layers, facts.sizes, file->name(), run));
  return std::make_unique<ProbabilitySource>(std::move(file), std::move(layers), std::move(facts), run);
}

}  // namespace linformer
