// SPDX-License-Identifier: MIT
#include "bench/model_heads.h"

#include <cmath>
#include <map>
#include <vector>

#include "bench/sweep.h"
#include "catch.h"
#include "io/error_of.h"
#include "model/encoder_plan.h"
#include "model/forward.h"

namespace linformer {
namespace {

constexpr int64_t kHeads = 4, kSize = 8, kLength = 10;

// What a forward pass shows of q, k and v, dense [b, h, n, d], by layer.
class Seen final : public LayerVisitor {
 public:
  struct Layer {
    std::vector<float> q, k, v;
  };
  std::map<int64_t, Layer> layers;

  LayerWants wants(int64_t) const override { return {}; }
  void on_layer(const LayerView& view) override {
    Layer& layer = layers[view.layer];
    append(view.q, layer.q), append(view.k, layer.k), append(view.v, layer.v);
  }

 private:
  static void append(HeadsView<const float> heads, std::vector<float>& to) {
    for (int64_t i = 0; i < heads.batch * heads.heads * heads.rows; ++i) {
      const float* const row =
          heads.matrix(i / heads.rows / heads.heads, i / heads.rows % heads.heads).row(i % heads.rows);
      to.insert(to.end(), row, row + heads.cols);
    }
  }
};

std::vector<int32_t> ids_from(int32_t first) {
  std::vector<int32_t> ids(kLength);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = (first + 37 * static_cast<int32_t>(i)) % 1000;
  return ids;
}

BenchCell cell_of(int64_t batch) {
  return {.mechanism = "flash", .length = kLength, .batch = batch, .heads = kHeads, .head_size = kSize};
}

}  // namespace

TEST_CASE("Heads take turns among the layers, each sequence in its place, with the model's scale in q") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  ModelPlan plan = plan_encoder(parse_encoder_sizes("layers=3,width=32,heads=4,ffn=64"), kLength);
  plan.architecture.scale = 1;  // as T5 has it
  const Model model = Model::untrained(plan, 1, memory);
  const std::vector<std::vector<int32_t>> ids = {ids_from(1), ids_from(500)};
  const ModelHeads heads(model, "small", {0, 2}, {{kLength, ids}});
  const AttentionShape shape = shape_of(cell_of(2));
  BenchTensors tensors(shape, {}, run);
  heads.fill(shape, tensors, run);

  Seen seen;
  ForwardPass pass(model, make_mechanism("flash"), run);
  const std::vector<std::span<const int32_t>> both(ids.begin(), ids.end());
  pass.run(TokenBatch(both), std::vector<int64_t>{0, 1}, 3, &seen);
  const AttentionInput in = tensors.input<float>(shape);
  const float root = std::sqrt(static_cast<float>(kSize));
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t h = 0; h < kHeads; ++h) {
      const Seen::Layer& layer = seen.layers.at(h % 2 == 0 ? 0 : 2);
      for (int64_t i = 0; i < kLength; ++i) {
        for (int64_t c = 0; c < kSize; ++c) {
          const auto at = static_cast<size_t>(((b * kHeads + h) * kLength + i) * kSize + c);
          CHECK(in.q.matrix(b, h).row(i)[c] == Approx(root * layer.q[at]).epsilon(1e-4).margin(1e-6));
          CHECK(in.k.matrix(b, h).row(i)[c] == Approx(layer.k[at]).epsilon(1e-4).margin(1e-6));
          CHECK(in.v.matrix(b, h).row(i)[c] == Approx(layer.v[at]).epsilon(1e-4).margin(1e-6));
        }
      }
    }
  }
}

TEST_CASE("Fewer queries than keys are those of the last positions") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const Model model = Model::untrained(
      plan_encoder(parse_encoder_sizes("layers=1,width=32,heads=4,ffn=64"), kLength), 1, memory);
  const ModelHeads heads(model, "small", {0}, {{kLength, {ids_from(1), ids_from(9)}}});
  BenchCell cell = cell_of(2);
  const AttentionShape whole = shape_of(cell);
  cell.queries = 3;
  const AttentionShape few = shape_of(cell);
  BenchTensors all(whole, {}, run), last(few, {}, run);
  heads.fill(whole, all, run), heads.fill(few, last, run);
  const AttentionInput a = all.input<float>(whole), b = last.input<float>(few);
  REQUIRE(b.q.rows == 3);
  REQUIRE(b.k.rows == kLength);
  for (int64_t h = 0; h < kHeads; ++h) {
    for (int64_t i = 0; i < 3; ++i)
      CHECK(b.q.matrix(1, h).row(i)[5] == a.q.matrix(1, h).row(kLength - 3 + i)[5]);
    CHECK(b.k.matrix(1, h).row(9)[2] == a.k.matrix(1, h).row(9)[2]);
    CHECK(b.v.matrix(1, h).row(0)[2] == a.v.matrix(1, h).row(0)[2]);
  }
}

TEST_CASE("A length of which there are no sequences is refused with the model's positions") {
  MemoryAccount memory;
  const Model model = Model::untrained(
      plan_encoder(parse_encoder_sizes("layers=1,width=32,heads=4,ffn=64"), kLength), 1, memory);
  const ModelHeads heads(model, "small", {0}, {{kLength, {ids_from(1)}}});
  heads.require(cell_of(1));
  BenchCell longer = cell_of(1);
  longer.length = 2 * kLength;
  const std::string message = message_of([&] { heads.require(longer); });
  CHECK(contains(message, "n = 20"));
  CHECK(contains(message, "10 positions"));
  CHECK(heads.origin() == "small");
}

}  // namespace linformer
