// SPDX-License-Identifier: MIT
#include "model/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace linformer {
namespace {

class ModelSource final : public AttentionSource {
 public:
  ModelSource(const Model& model, std::vector<TokenSequence> sequences,
              std::vector<std::vector<int32_t>> dropped, Run& run)
      : sequences_(std::move(sequences)), forward_(model, make_mechanism("standard"), run) {
    const Architecture& a = model.architecture();
    facts_ = {.layers = a.layers,
              .heads = a.heads,
              .head_size = a.head_size,
              .causal = a.causal,
              .has_logits = true,
              .dropped = std::move(dropped)};
    for (int64_t i = 0; i < a.layers; ++i) {
      facts_.scales.push_back(static_cast<double>(a.scale) /
                              static_cast<double>(a.scale_by_layer ? i + 1 : 1));
    }
    if (a.projection) facts_.columns = a.projection->k;
    for (const TokenSequence& sequence : sequences_) {
      const auto n = static_cast<int64_t>(sequence.ids.size());
      facts_.sizes.push_back({n, a.projection ? *std::ranges::max_element(a.projection->k) : n});
      facts_.documents.push_back(sequence.document);
    }
  }

  const SourceFacts& facts() const override { return facts_; }

  int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) override {
    return forward_.buffer_bytes(sequences, size.rows, wants);
  }

  void run(std::span<const int64_t> indices, int64_t layers, LayerVisitor& visitor) override {
    std::vector<std::span<const int32_t>> ids;
    for (int64_t i : indices) ids.emplace_back(sequences_[static_cast<size_t>(i)].ids);
    forward_.run(ids, indices, layers, &visitor);
  }

 private:
  std::vector<TokenSequence> sequences_;
  ForwardPass forward_;
  SourceFacts facts_;
};

}  // namespace

std::vector<std::vector<int64_t>> groups_of_equal_size(std::span<const int64_t> sequences,
                                                       const std::vector<MapSize>& sizes) {
  std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> groups;
  for (int64_t i : sequences) {
    const MapSize& size = sizes[static_cast<size_t>(i)];
    groups[{size.rows, size.cols}].push_back(i);
  }
  std::vector<std::vector<int64_t>> result;
  result.reserve(groups.size());
  for (auto& [size, members] : groups) result.push_back(std::move(members));
  return result;
}

std::vector<int64_t> choose_indices(std::vector<int64_t> wanted, int64_t count, const std::string& option) {
  if (wanted.empty()) {
    wanted.resize(static_cast<size_t>(count));
    std::iota(wanted.begin(), wanted.end(), 0);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (wanted.front() >= 0 && wanted.back() < count) return wanted;
  throw Error(ErrorCode::kUsage,
              {.subject = option,
               .found = std::to_string(wanted.front() < 0 ? wanted.front() : wanted.back()),
               .expected = fmt::format("0 to {}", count - 1)});
}

std::unique_ptr<AttentionSource> make_model_source(const Model& model, std::vector<TokenSequence> sequences,
                                                   std::vector<std::vector<int32_t>> dropped, Run& run) {
  return std::make_unique<ModelSource>(model, std::move(sequences), std::move(dropped), run);
}

}  // namespace linformer
