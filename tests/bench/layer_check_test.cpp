// SPDX-License-Identifier: MIT
// What is wrong in a forward pass must show in its check.
#include "bench/layer_check.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attention/wrapped_flash.h"
#include "bench/drawn_input.h"
#include "catch.h"
#include "model/encoder_plan.h"

namespace linformer {
namespace {

constexpr int64_t kLength = 30;

Model tiny_model(MemoryAccount& memory) {
  return Model::untrained(
      plan_encoder({.name = "tiny", .layers = 2, .width = 32, .heads = 4, .ffn_width = 48}, kLength), 1,
      memory);
}

// A pass over its own weights, watched by a check over the right ones.
class Watched {
 public:
  explicit Watched(const std::string& linformer = "") {
    if (linformer.empty()) return;
    const auto draw = [&] {
      return draw_projection(right_.architecture(), parse_linformer_options(linformer), kLength, 1, run_);
    };
    projection_ = draw(), other_ = draw();
  }

  // `twin`: whose arithmetic the check takes for right.
  CellError error(Mechanism& mechanism, const Mechanism& twin) {
    const BenchCell cell{.mechanism = "flash", .length = kLength, .batch = 2, .layers = 2};
    DrawnInput input(right_.architecture(), cell, 1, run_);
    input.draw_again();
    ForwardPass pass(model, make_mechanism("flash"), run_);
    pass.attend_by(mechanism, projection_ ? &*other_ : nullptr);
    LayerCheck check(right_, twin, projection_ ? &*projection_ : nullptr, 1, run_.threads);
    pass.run(input.of(cell), {}, 2, &check);
    return check.error();
  }
  CellError error(Mechanism& mechanism) { return error(mechanism, *flash_); }
  CellError error() { return error(*flash_); }

  DrawnProjection& used_projection() { return *other_; }

 private:
  MemoryAccount memory_;
  Run run_{.memory = memory_, .threads = 2};
  const Model right_ = tiny_model(memory_);
  std::optional<DrawnProjection> projection_, other_;
  std::unique_ptr<Mechanism> flash_ = make_mechanism("flash");

 public:
  Model model = tiny_model(memory_);
};

void zero(const float* values, int64_t count) { std::fill_n(const_cast<float*>(values), count, 0.0f); }

void swap_rows(MatrixView<const float> m, int64_t i, int64_t j) {
  float* const first = const_cast<float*>(m.row(i));
  std::swap_ranges(first, first + m.cols, const_cast<float*>(m.row(j)));
}

// Flash with the first two heads in each other's place.
class SwappedHeads final : public WrappedFlash {
 public:
  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    right_->run(s, in, out, taps, workspace, run);
    for (int64_t b = 0; b < s.batch; ++b) {
      const MatrixView<float> first = out.matrix(b, 0), second = out.matrix(b, 1);
      for (int64_t i = 0; i < first.rows; ++i)
        std::swap_ranges(first.row(i), first.row(i) + first.cols, second.row(i));
    }
  }
};

}  // namespace

TEST_CASE("A forward pass over the right weights is far within the bound, whatever it attends by") {
  for (const char* linformer :
       {"", "k=5,sharing=none", "k=5,sharing=headwise", "k=5,sharing=layerwise,order=before-weights"}) {
    INFO(linformer);
    const CellError error = Watched(linformer).error();
    CHECK(error.error < error.bound / 3);
    CHECK(error.rows == 6);
  }
}

TEST_CASE("A mechanism that estimates attention is held to its own arithmetic") {
  const auto nystrom = make_mechanism("nystrom:landmarks=6");
  const CellError error = Watched().error(*nystrom, *nystrom);
  CHECK(error.error < error.bound);
  CHECK(error.bound < 1e-3);
  SwappedHeads swapped;
  const CellError wrong = Watched().error(swapped, *nystrom);
  CHECK(wrong.error > 10 * wrong.bound);
}

TEST_CASE("A bias that is dropped in any layer is found out") {
  const std::pair<const char*, std::function<void(const LayerWeights&)>> mutants[] = {
      {"query", [](const LayerWeights& w) { zero(w.qkv.bias, 32); }},
      {"key", [](const LayerWeights& w) { zero(w.qkv.bias + 32, 32); }},
      {"value", [](const LayerWeights& w) { zero(w.qkv.bias + 64, 32); }},
      {"one value", [](const LayerWeights& w) { zero(w.qkv.bias + 95, 1); }},
      {"attention output", [](const LayerWeights& w) { zero(w.attention_output.bias, 32); }},
      {"attention norm", [](const LayerWeights& w) { zero(w.attention_norm.bias, 32); }},
      {"feed-forward in", [](const LayerWeights& w) { zero(w.ffn_in.bias, 48); }},
      {"feed-forward out", [](const LayerWeights& w) { zero(w.ffn_out.bias, 32); }},
      {"feed-forward norm", [](const LayerWeights& w) { zero(w.ffn_norm.bias, 32); }}};
  for (const char* linformer : {"", "k=5,sharing=headwise", "k=5,order=before-weights"}) {
    for (const size_t layer : {size_t{0}, size_t{1}}) {
      for (const auto& [name, change] : mutants) {
        INFO(linformer << " " << layer << " " << name);
        Watched watched(linformer);
        change(watched.model.layers()[layer]);
        const CellError error = watched.error();
        CHECK(error.error > 10 * error.bound);
      }
    }
  }
}

TEST_CASE("Heads in each other's place and queries for keys are found out") {
  for (const char* linformer : {"", "k=5,sharing=none"}) {
    SwappedHeads swapped;
    const CellError error = Watched(linformer).error(swapped);
    CHECK(error.error > 10 * error.bound);
  }
  Watched watched;
  const MatrixView<const float> qkv = watched.model.layers()[1].qkv.weight;
  for (int64_t i = 0; i < 32; ++i) swap_rows(qkv, i, 32 + i);
  const CellError error = watched.error();
  CHECK(error.error > 10 * error.bound);
}

TEST_CASE(
    "A wrong row of E or F, one that another layer or head should have, and the other order are found out") {
  const auto found_out = [](Watched& watched) {
    const CellError error = watched.error();
    return error.error > 10 * error.bound;
  };
  for (const char* linformer : {"k=5,sharing=none", "k=5,sharing=headwise", "k=5,order=before-weights"}) {
    INFO(linformer);
    const std::string options = linformer;
    for (const bool keys : {true, false}) {
      Watched watched(options);
      const ProjectionWeights& last = watched.used_projection().layers.back();
      zero((keys ? last.keys : last.values).weight.row(3), kLength);
      CHECK(found_out(watched));
    }
    if (options.find("order") == std::string::npos) {
      Watched watched(options);
      std::swap(watched.used_projection().layers[0], watched.used_projection().layers[1]);
      CHECK(found_out(watched));
    }
    Watched watched(options);
    Projection::Order& order = watched.used_projection().how.order;
    if (options.find("none") != std::string::npos) continue;
    order = order == Projection::Order::kAfterWeights ? Projection::Order::kBeforeWeights
                                                      : Projection::Order::kAfterWeights;
    CHECK(found_out(watched));
  }
  Watched heads("k=5,sharing=none");
  const MatrixView<const float> e = heads.used_projection().layers[0].keys.weight;
  for (int64_t i = 0; i < 5; ++i) swap_rows(e, i, 5 + i);
  CHECK(found_out(heads));
}

}  // namespace linformer
