// SPDX-License-Identifier: MIT
#include "model/attention_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/index.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/tensor_values.h"

namespace linformer {
namespace {

constexpr const char* kLengths = "lengths";
constexpr const char* kDocuments = "documents";

AttentionFileOptions chosen(AttentionFileOptions options, const SourceFacts& facts) {
  options.layers = choose_indices(std::move(options.layers), facts.layers, "--layers");
  options.heads = choose_indices(std::move(options.heads), facts.heads, "--heads");
  options.batch = std::max<int64_t>(options.batch, 1);
  return options;
}

MapSize largest(const SourceFacts& facts) {
  MapSize size;
  for (const MapSize& s : facts.sizes) size = {std::max(size.rows, s.rows), std::max(size.cols, s.cols)};
  return size;
}

std::vector<int64_t> lengths_of(const SourceFacts& facts) {
  std::vector<int64_t> lengths;
  for (const MapSize& size : facts.sizes) lengths.push_back(size.rows);
  return lengths;
}

std::vector<TensorSpec> specs(const SourceFacts& facts, int64_t width, const AttentionFileOptions& o) {
  const int64_t s = std::ssize(facts.sizes), h = std::ssize(o.heads), d = facts.head_size;
  const MapSize n = largest(facts);
  std::vector<TensorSpec> list;
  const auto add = [&](bool wanted, const std::string& name, Shape shape) {
    if (wanted) list.push_back({name, DType::kF32, std::move(shape)});
  };
  add(o.parts.hidden, "embeddings.hidden", {s, n.rows, width});
  for (int64_t layer : o.layers) {
    const auto name = [&](const char* what) { return fmt::format("layers.{}.{}", layer, what); };
    const int64_t columns = facts.in_layer(n, layer).cols;
    add(o.parts.probabilities, name("probabilities"), {s, h, n.rows, columns});
    add(o.parts.logits, name("logits"), {s, h, n.rows, columns});
    add(o.parts.q, name("q"), {s, h, n.rows, d});
    add(o.parts.k, name("k"), {s, h, columns, d});
    add(o.parts.v, name("v"), {s, h, columns, d});
    add(o.parts.hidden, name("hidden"), {s, n.rows, width});
  }
  add(o.parts.hidden, "final.hidden", {s, n.rows, width});
  const bool equal =
      std::all_of(facts.sizes.begin(), facts.sizes.end(), [&](const MapSize& x) { return x == n; });
  if (!equal) list.push_back({kLengths, DType::kI64, {s}});
  list.push_back({kDocuments, DType::kI64, {s}});
  return list;
}

[[noreturn]] void fail_not_finite(const std::string& tensor, int64_t sequence) {
  throw Error(ErrorCode::kInput, {.subject = "the model",
                                  .item = fmt::format("{}, sequence {}", tensor, sequence),
                                  .found = "NaN or infinity",
                                  .expected = "finite numbers",
                                  .remedy = "Its weights overflow f32: check where they come from"});
}

class FileVisitor final : public LayerVisitor {
 public:
  FileVisitor(SafetensorsWriter& writer, const std::vector<TensorSpec>& specs,
              const AttentionFileOptions& options, const SourceFacts& facts)
      : writer_(writer), specs_(specs), options_(options), facts_(facts) {
    for (size_t i = 0; i < specs.size(); ++i) index_[specs[i].name] = i;
  }

  LayerWants wants(int64_t layer) const override {
    const bool chosen = chosen_layer(layer);
    return {.logits = chosen && options_.parts.logits,
            .probabilities = chosen && options_.parts.probabilities,
            .hidden = options_.parts.hidden};
  }

  void write_integers(const char* name, std::span<const int64_t> values) {
    if (const std::optional<size_t> tensor = find(name)) writer_.write(*tensor, 0, values);
  }

  void on_layer(const LayerView& view) override {
    if (view.layer == 0) write_rows("embeddings.hidden", view, view.embeddings);
    if (chosen_layer(view.layer)) {
      const auto name = [&](const char* what) { return fmt::format("layers.{}.{}", view.layer, what); };
      write_heads(name("probabilities"), view, view.probabilities);
      write_heads(name("logits"), view, view.logits);
      write_heads(name("q"), view, view.q);
      write_heads(name("k"), view, view.k);
      write_heads(name("v"), view, view.v);
      write_rows(name("hidden"), view, view.hidden);
    }
    write_rows("final.hidden", view, view.final_hidden);
  }

 private:
  bool chosen_layer(int64_t layer) const {
    return std::binary_search(options_.layers.begin(), options_.layers.end(), layer);
  }

  // The tensor's index if it is written.
  std::optional<size_t> find(const std::string& name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }

  void write_heads(const std::string& name, const LayerView& view, HeadsView<const float> heads) {
    const std::optional<size_t> tensor = find(name);
    if (!tensor || heads.data == nullptr) return;
    const Shape& shape = specs_[*tensor].shape;  // [sequences, heads, rows, cols]
    for (int64_t b = 0; b < heads.batch; ++b) {
      for (size_t h = 0; h < options_.heads.size(); ++h) {
        const int64_t head = options_.heads[h] / (facts_.heads / heads.heads);
        const int64_t matrix = view.sequences[static_cast<size_t>(b)] * shape[1] + static_cast<int64_t>(h);
        write_matrix(*tensor, view.sequences[static_cast<size_t>(b)], matrix * shape[2] * shape[3],
                     heads.matrix(b, head));
      }
    }
  }

  void write_rows(const std::string& name, const LayerView& view, MatrixView<const float> rows) {
    const std::optional<size_t> tensor = find(name);
    if (!tensor || rows.data == nullptr) return;
    const Shape& shape = specs_[*tensor].shape;  // [sequences, n, width]
    const int64_t n = rows.rows / std::ssize(view.sequences);
    for (size_t b = 0; b < view.sequences.size(); ++b) {
      write_matrix(*tensor, view.sequences[b], view.sequences[b] * shape[1] * shape[2],
                   {rows.row(static_cast<int64_t>(b) * n), n, rows.cols, rows.stride});
    }
  }

  // Rows are gathered first: one write a matrix, from this element of the tensor on.
  void write_matrix(size_t tensor, int64_t sequence, int64_t element, MatrixView<const float> m) {
    const int64_t row_elements = specs_[tensor].shape.back();
    gathered_.assign(static_cast<size_t>(m.rows * row_elements), 0.0f);
    for (int64_t i = 0; i < m.rows; ++i) std::copy_n(m.row(i), m.cols, gathered_.data() + i * row_elements);
    if (!all_finite(gathered_)) fail_not_finite(specs_[tensor].name, sequence);
    writer_.write(tensor, element, std::span<const float>(gathered_));
  }

  SafetensorsWriter& writer_;
  const std::vector<TensorSpec>& specs_;
  const AttentionFileOptions& options_;
  const SourceFacts& facts_;
  std::map<std::string, size_t> index_;
  std::vector<float> gathered_;
};

}  // namespace

int64_t attention_file_bytes(const AttentionSource& source, int64_t width,
                             const AttentionFileOptions& options) {
  int64_t bytes = 0;
  for (const TensorSpec& spec : specs(source.facts(), width, chosen(options, source.facts()))) {
    bytes += element_count(spec.shape).value() * size_of(spec.dtype);
  }
  return bytes;
}

int64_t write_attention_file(const std::string& path, AttentionSource& source, int64_t width,
                             AttentionFileOptions options, Run& run) {
  const SourceFacts& facts = source.facts();
  options = chosen(std::move(options), facts);
  const std::vector<TensorSpec> list = specs(facts, width, options);
  const int64_t sequences = std::ssize(facts.sizes);
  const LayerWants wants{.logits = options.parts.logits, .probabilities = options.parts.probabilities};
  run.memory.require(source.buffer_bytes(std::min(options.batch, sequences), largest(facts), wants),
                     "the forward pass");
  std::vector<double> scales;
  for (const int64_t layer : options.layers) scales.push_back(facts.scales[index(layer)]);
  SafetensorsWriter writer(path, list,
                           {{"layers", fmt::format("{}", fmt::join(options.layers, ","))},
                            {"heads", fmt::format("{}", fmt::join(options.heads, ","))},
                            {"causal", facts.causal ? "true" : "false"},
                            {"bias", facts.has_bias ? "true" : "false"},
                            {"head_size", std::to_string(facts.head_size)},
                            {"scales", fmt::format("{}", fmt::join(scales, ","))},
                            {"complete", "true"}});
  FileVisitor visitor(writer, list, options, facts);
  visitor.write_integers(kLengths, lengths_of(facts));
  visitor.write_integers(kDocuments, facts.documents);
  const int64_t layers = options.parts.hidden ? facts.layers : options.layers.back() + 1;
  for (int64_t first = 0; first < sequences; first += options.batch) {
    if (run.stopped()) {
      writer.commit_rows(first, {{"complete", "false"}});
      return first;
    }
    std::vector<int64_t> batch(static_cast<size_t>(std::min(options.batch, sequences - first)));
    std::iota(batch.begin(), batch.end(), first);
    for (const std::vector<int64_t>& group : groups_of_equal_size(batch, facts.sizes)) {
      source.run(group, layers, visitor);
    }
    if (run.progress != nullptr) run.progress->advance("sequences", first + std::ssize(batch), sequences);
  }
  writer.commit();
  return sequences;
}

}  // namespace linformer
