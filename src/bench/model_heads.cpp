// SPDX-License-Identifier: MIT
#include "bench/model_heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/error.h"
#include "base/index.h"
#include "model/forward.h"

namespace linformer {
namespace {

using Part = BenchTensors::Part;

// Takes what it wants of each layer's heads to its place.
class Taker final : public LayerVisitor {
 public:
  Taker(const Architecture& a, const std::vector<int64_t>& layers, const AttentionShape& shape,
        BenchTensors& tensors)
      : a_(a), layers_(layers), shape_(shape), tensors_(tensors) {}

  /// The place in the tensors' batch of the sequence that is run from now on.
  void begin(int64_t sequence) { sequence_ = sequence; }

  LayerWants wants(int64_t) const override { return {}; }

  void on_layer(const LayerView& view) override {
    // What is timed multiplies by its own s.
    const float scale = a_.scale / static_cast<float>(a_.scale_by_layer ? view.layer + 1 : 1) / shape_.scale;
    for (int64_t h = 0; h < shape_.heads; ++h) {
      if (layers_[index(h % std::ssize(layers_))] != view.layer) continue;
      const int64_t kv = h / (a_.heads / a_.kv_heads);
      take(Part::kQuery, h, view.q.matrix(0, h), scale);
      take(Part::kKey, h, view.k.matrix(0, kv), 1);
      take(Part::kValue, h, view.v.matrix(0, kv), 1);
    }
  }

 private:
  void take(Part part, int64_t h, MatrixView<const float> head, float factor) {
    // Queries are those of the last positions.
    const int64_t rows = part == Part::kQuery ? shape_.queries : head.rows, before = head.rows - rows;
    const int64_t first = (sequence_ * shape_.heads + h) * rows * head.cols;
    std::vector<float> row(index(head.cols));
    for (int64_t i = 0; i < rows; ++i) {
      const float* const from = head.row(before + i);
      std::transform(from, from + head.cols, row.begin(), [=](float x) { return factor * x; });
      tensors_.put(part, first + i * head.cols, row);
    }
  }

  const Architecture& a_;
  const std::vector<int64_t>& layers_;
  const AttentionShape& shape_;
  BenchTensors& tensors_;
  int64_t sequence_ = 0;
};

}  // namespace

void ModelHeads::require(const BenchCell& cell) const {
  if (sequences_.contains(cell.length)) return;
  throw Error(ErrorCode::kUsage,
              {.found = fmt::format("n = {}", cell.length),
               .expected = fmt::format("at most the model's {} positions", model_.architecture().positions)});
}

void ModelHeads::fill(const AttentionShape& shape, BenchTensors& tensors, Run& run) const {
  const std::vector<Ids>& sequences = sequences_.at(shape.keys);
  ForwardPass pass(model_, make_mechanism("flash"), run);
  Taker taker(model_.architecture(), layers_, shape, tensors);
  for (int64_t i = 0; i < shape.batch; ++i) {
    taker.begin(i);
    const std::span<const int32_t> ids = sequences[index(i)];
    pass.run(TokenBatch(&ids, 1), {&i, 1}, std::ranges::max(layers_) + 1, &taker);
  }
}

}  // namespace linformer
