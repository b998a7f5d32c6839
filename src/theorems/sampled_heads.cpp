// SPDX-License-Identifier: MIT
#include "theorems/sampled_heads.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"

namespace linformer {
namespace {

[[noreturn]] void refuse(const char* found) {
  throw Error(ErrorCode::kUsage, {.subject = "theorems",
                                  .found = found,
                                  .expected = "a checkpoint of an encoder with attention to all keys"});
}

class HeadSampler final : public LayerVisitor {
 public:
  explicit HeadSampler(int64_t layers) : layers_{0, layers / 2, layers - 1} {}

  LayerWants wants(int64_t layer) const override { return {.logits = layers_.contains(layer)}; }

  void on_layer(const LayerView& view) override {
    if (!layers_.contains(view.layer)) return;
    if (view.v.data == nullptr || view.logits.rows != view.logits.cols)
      refuse("attention without values, or whose P is not square");
    heads_.push_back(make_head(fmt::format("layer {}, head 0", view.layer), view.logits.matrix(0, 0),
                               view.v.matrix(0, 0)));
  }

  std::vector<HeadSample> take() { return std::move(heads_); }

 private:
  std::set<int64_t> layers_;
  std::vector<HeadSample> heads_;
};

}  // namespace

std::vector<HeadSample> sample_heads(AttentionSource& source) {
  if (source.facts().causal) refuse("causal heads");
  HeadSampler sampler(source.facts().layers);
  const int64_t first = 0;
  source.run({&first, 1}, source.facts().layers, sampler);
  return sampler.take();
}

}  // namespace linformer
