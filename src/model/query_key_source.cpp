// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/threads.h"
#include "model/source.h"
#include "model/stored_heads.h"

namespace linformer {
namespace {

class QueryKeySource final : public AttentionSource {
 public:
  QueryKeySource(TensorFile file, double scale, bool causal, Run& run)
      : file_(std::move(file)),
        q_(find_layers(file_, "q")),
        k_(find_layers(file_, "k")),
        run_(run),
        attention_(make_mechanism("standard")) {
    const int64_t d = q_[0].cols();
    const StoredFacts stored = read_facts(file_);
    if (stored.bias) fail_bias();
    facts_ = {.layers = std::ssize(q_),
              .heads = q_[0].heads(),
              .head_size = d,
              .causal = causal || stored.causal.value_or(false),
              .has_logits = true};
    if (k_.size() != q_.size()) {
      fail_stored(file_.name(), "layers", fmt::format("{} of q, {} of k", q_.size(), k_.size()),
                  "as many of both");
    }
    for (size_t i = 0; i < q_.size(); ++i) check_pair(i);
    facts_.scales.assign(q_.size(), scale > 0 ? scale : 1 / std::sqrt(static_cast<double>(d)));
    if (scale == 0 && !stored.scales.empty()) facts_.scales = stored.scales;
    if (facts_.scales.size() != q_.size()) {
      fail_stored(file_.name(), "metadata 'scales'", fmt::format("{} numbers", facts_.scales.size()),
                  fmt::format("one for each of {} layers", q_.size()));
    }
    read_sequences(file_, q_[0].sequences(), {q_[0].rows(), k_[0].rows()}, facts_);
  }

  const SourceFacts& facts() const override { return facts_; }

  int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) override {
    const int64_t factors = (facts_.heads * size.rows + kv_heads() * size.cols) * facts_.head_size;
    const int64_t factor_bytes = sequences * factors * static_cast<int64_t>(sizeof(float));
    if (!wants.probabilities && !wants.logits) return factor_bytes;
    const int64_t stride = std::max(wants.row_stride, size.cols);
    const int64_t maps = (wants.logits ? 2 : 1) * facts_.heads * size.rows * stride;
    return factor_bytes + sequences * maps * static_cast<int64_t>(sizeof(float)) +
           attention_->workspace_bytes(shape_for(sequences, size), run_.threads, true);
  }

  void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) override {
    const MapSize size = facts_.sizes[static_cast<size_t>(sequences.front())];
    const int64_t batch = std::ssize(sequences);
    AttentionShape shape = shape_for(batch, size);
    for (int64_t i = 0; i < layers; ++i) {
      const LayerWants wants = visitor.wants(i);
      if (!wants.probabilities && !wants.logits && !wants.queries_and_keys) continue;
      shape.scale = static_cast<float>(facts_.scales[static_cast<size_t>(i)]);
      LayerView view{.layer = i, .sequences = sequences};
      view.q = load(q_[static_cast<size_t>(i)], sequences, size.rows, q_buffer_);
      view.k = load(k_[static_cast<size_t>(i)], sequences, size.cols, k_buffer_);
      if (wants.probabilities || wants.logits) make_maps(shape, wants, view);
      visitor.on_layer(view);
    }
  }

 private:
  [[noreturn]] void fail_bias() const {
    throw Error(ErrorCode::kUnsupported,
                {.subject = file_.name(),
                 .found = "queries and keys of attention whose logits have a bias by position",
                 .expected = "logits that are s q.k alone",
                 .remedy = "Write and read probabilities instead: --save probabilities, --probabilities"});
  }

  void check_pair(size_t i) const {
    const StoredHeads &q = q_[i], &k = k_[i];
    const bool fits = q.sequences() == k.sequences() && q.heads() % k.heads() == 0 && q.cols() == k.cols() &&
                      q.rows() == q_[0].rows() && k.rows() == k_[0].rows() && q.cols() == q_[0].cols();
    if (fits) return;
    fail_stored(file_.name(), layer_name(static_cast<int64_t>(i), "k"),
                fmt::format("q {}, k {}", to_string(q.tensor.shape), to_string(k.tensor.shape)),
                "equal sequences and head size, heads of q a multiple of k's, lengths as in layer 0");
  }

  int64_t kv_heads() const { return k_[0].heads(); }

  AttentionShape shape_for(int64_t batch, MapSize size) const {
    return {.batch = batch,
            .heads = facts_.heads,
            .queries = size.rows,
            .keys = size.cols,
            .head_size = facts_.head_size,
            .value_size = 0,
            .causal = facts_.causal};
  }

  // From the view's q and k.
  void make_maps(const AttentionShape& shape, const LayerWants& wants, LayerView& view) {
    workspace_.reserve(run_.memory, attention_->workspace_bytes(shape, run_.threads, true),
                       "workspace of attention");
    const MapSize size{shape.queries, shape.keys};
    view.probabilities = reserve_maps(p_buffer_, shape.batch, facts_.heads, size, wants.row_stride,
                                      run_.memory, "attention probabilities");
    if (wants.logits) {
      view.logits = reserve_maps(s_buffer_, shape.batch, facts_.heads, size, wants.row_stride, run_.memory,
                                 "attention logits");
    }
    attention_->run(shape, {.q = view.q, .k = view.k, .v = {}}, {},
                    {.logits = view.logits,
                     .probabilities = view.probabilities,
                     .softmax_seconds = &view.softmax_seconds},
                    workspace_.span(), run_);
  }

  // The first `rows` rows of each head of the sequences.
  HeadsView<const float> load(const StoredHeads& stored, std::span<const int64_t> sequences, int64_t rows,
                              Buffer<float>& buffer) {
    const int64_t heads = stored.heads(), d = stored.cols();
    const HeadsView<float> all =
        reserve_maps(buffer, std::ssize(sequences), heads, {rows, d}, 0, run_.memory, "queries or keys");
    parallel_for(run_.threads, all.batch * heads, [&](int64_t task, int) {
      const int64_t b = task / heads, head = task % heads;
      for (int64_t i = 0; i < rows; ++i) {
        stored.read_row(sequences[static_cast<size_t>(b)], head, i, file_.name(),
                        {all.matrix(b, head).row(i), static_cast<size_t>(d)});
      }
    });
    return all;
  }

  TensorFile file_;
  std::vector<StoredHeads> q_, k_;
  SourceFacts facts_;
  Run& run_;
  std::unique_ptr<Mechanism> attention_;
  Buffer<float> p_buffer_, s_buffer_, q_buffer_, k_buffer_;
  RawBuffer workspace_;
};

}  // namespace

std::unique_ptr<AttentionSource> open_queries_keys(const std::shared_ptr<const FileBytes>& file, double scale,
                                                   bool causal, Run& run) {
  return std::make_unique<QueryKeySource>(TensorFile(file), scale, causal, run);
}

}  // namespace linformer
