// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/threads.h"
#include "model/input_embedding.h"
#include "model/norm.h"

namespace linformer {
namespace {

// The row of the position table for each token.
std::vector<int64_t> position_rows(std::span<const int32_t> ids, const Architecture& a) {
  std::vector<int64_t> rows;
  int64_t next = a.first_position;
  for (const int32_t id : ids) rows.push_back(id == a.unplaced_id ? a.first_position - 1 : next++);
  return rows;
}

void check_ids(std::span<const int32_t> ids, int64_t vocabulary) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocabulary) continue;
    throw Error(ErrorCode::kInput, {.subject = "token ids",
                                    .item = fmt::format("position {}", i),
                                    .found = fmt::format("id {}", ids[i]),
                                    .expected = fmt::format("0 to {}", vocabulary - 1),
                                    .remedy = "Use the tokenizer that belongs to this model"});
  }
}

class TokenEmbedding final : public InputEmbedding {
 public:
  explicit TokenEmbedding(const Model& model)
      : model_(model),
        a_(model.architecture()),
        norm_(a_.norm_kind, a_.embedding_width, model.embeddings().norm, a_.norm_epsilon) {
    const DenseWeights& w = model.embeddings().projection;
    if (w.weight.data != nullptr) projection_.emplace(w.weight, w.bias, Dense::Options{});
  }

  InputSize size_of(const ModelInput& input) const override {
    const TokenBatch& sequences = std::get<TokenBatch>(input);
    return {std::ssize(sequences), std::ssize(sequences.front())};
  }

  void prepare(int64_t tokens) override {
    norm_.prepare(tokens);
    if (projection_) projection_->prepare(tokens);
  }

  int64_t scratch_bytes() const override {
    return std::max(norm_.scratch_bytes(), projection_ ? projection_->scratch_bytes() : 0);
  }

  int64_t packed_bytes() const override { return projection_ ? projection_->packed_bytes() : 0; }

  // The sums before they are projected, [tokens, embedding width].
  int64_t room_floats(int64_t tokens) const override { return projection_ ? tokens * a_.embedding_width : 0; }

  void pack(MemoryAccount& account) override {
    if (projection_ && !projection_->packed()) projection_->pack(account);
  }

  void run(const ModelInput& input, float* room, float* out, void* scratch, int threads) override {
    const auto [batch, n] = size_of(input);
    const TokenBatch& sequences = std::get<TokenBatch>(input);
    float* const to = projection_ ? room : out;
    for (int64_t s = 0; s < batch; ++s) {
      add_up(sequences[static_cast<size_t>(s)], to + s * n * a_.embedding_width, threads);
    }
    norm_.run(batch * n, to, to, scratch, threads);
    for (int64_t s = 0; s < batch && a_.zero_unplaced; ++s) {
      zero_unplaced(sequences[static_cast<size_t>(s)], to + s * n * a_.embedding_width);
    }
    if (projection_) projection_->run(batch * n, room, out, scratch);
  }

 private:
  void add_up(std::span<const int32_t> ids, float* out, int threads) const {
    const EmbeddingWeights& e = model_.embeddings();
    check_ids(ids, a_.vocabulary);
    const std::vector<int64_t> rows = position_rows(ids, a_);
    const int64_t width = a_.embedding_width;
    const auto add = [&](const float* from, float* to) {
      for (int64_t j = 0; j < width; ++j) to[j] += from[j];
    };
    parallel_for(threads, std::ssize(ids), [&](int64_t token, int) {
      const auto i = static_cast<size_t>(token);
      float* const to = out + token * width;
      std::copy_n(e.words.row(ids[i]), width, to);
      if (e.positions.data != nullptr) add(e.positions.row(rows[i]), to);
      if (e.types.data != nullptr) add(e.types.row(0), to);
      add_sinusoids(token, to);
    });
  }

  void add_sinusoids(int64_t position, float* to) const {
    const std::vector<float>& frequencies = a_.sinusoid_frequencies;
    for (size_t i = 0; i < frequencies.size(); ++i) {
      const double angle = static_cast<double>(position) * static_cast<double>(frequencies[i]);
      to[i] += static_cast<float>(std::sin(angle));
      to[frequencies.size() + i] += static_cast<float>(std::cos(angle));
    }
  }

  void zero_unplaced(std::span<const int32_t> ids, float* out) const {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != a_.unplaced_id) continue;
      std::fill_n(out + static_cast<int64_t>(i) * a_.embedding_width, a_.embedding_width, 0.0f);
    }
  }

  const Model& model_;
  const Architecture& a_;
  Norm norm_;
  std::optional<Dense> projection_;
};

}  // namespace

std::unique_ptr<InputEmbedding> make_token_embedding(const Model& model) {
  return std::make_unique<TokenEmbedding>(model);
}

}  // namespace linformer
