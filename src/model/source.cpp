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
  ModelSource(const Model& model, ModelInputs inputs, std::vector<std::vector<int32_t>> dropped, Run& run)
      : inputs_(std::move(inputs)), forward_(model, make_mechanism("flash"), run) {
    const Architecture& a = model.architecture();
    if (model.encoder() != nullptr) {
      for (const TokenSequence& s : sequences()) decoded_.push_back(shifted_right(s.ids, a.decoder_start_id));
    }
    facts_ = {.layers = a.layers,
              .heads = a.heads,
              .head_size = a.head_size,
              .causal = a.hides_later_keys(),
              .has_logits = true,
              .has_bias = a.distance_buckets.count > 0 && !a.cross,
              .dropped = std::move(dropped)};
    for (int64_t i = 0; i < a.layers; ++i) {
      facts_.scales.push_back(static_cast<double>(a.scale) /
                              static_cast<double>(a.scale_by_layer ? i + 1 : 1));
    }
    if (a.projection) facts_.columns = a.projection->k;
    if (const auto* images = std::get_if<StoredImages>(&inputs_)) {
      for (int64_t i = 0; i < images->count(); ++i) add_sequence(a.positions, i);
    } else {
      for (const TokenSequence& s : sequences()) add_sequence(std::ssize(s.ids), s.document);
    }
  }

  const SourceFacts& facts() const override { return facts_; }

  int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) override {
    return forward_.buffer_bytes(sequences, size.rows, wants);
  }

  void run(std::span<const int64_t> indices, int64_t layers, LayerVisitor& visitor) override {
    if (const auto* images = std::get_if<StoredImages>(&inputs_)) {
      forward_.run(ImageBatch{images, indices}, indices, layers, &visitor);
      return;
    }
    std::vector<std::span<const int32_t>> ids;
    for (int64_t i : indices) ids.emplace_back(sequences()[static_cast<size_t>(i)].ids);
    if (!decoded_.empty()) {
      forward_.encode(TokenBatch(ids));
      ids.clear();
      for (int64_t i : indices) ids.emplace_back(decoded_[static_cast<size_t>(i)]);
    }
    forward_.run(TokenBatch(ids), indices, layers, &visitor);
  }

 private:
  const std::vector<TokenSequence>& sequences() const {
    return std::get<std::vector<TokenSequence>>(inputs_);
  }

  void add_sequence(int64_t n, int64_t document) {
    facts_.sizes.push_back({n, facts_.columns.empty() ? n : *std::ranges::max_element(facts_.columns)});
    facts_.documents.push_back(document);
  }

  ModelInputs inputs_;
  std::vector<std::vector<int32_t>> decoded_;  ///< what the decoder reads of each, if there is an encoder
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

std::unique_ptr<AttentionSource> make_model_source(const Model& model, ModelInputs inputs,
                                                   std::vector<std::vector<int32_t>> dropped, Run& run) {
  return std::make_unique<ModelSource>(model, std::move(inputs), std::move(dropped), run);
}

}  // namespace linformer
