// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/threads.h"
#include "checkpoint/tensor_file.h"
#include "checkpoint/tensor_values.h"
#include "io/npy.h"
#include "model/source.h"

namespace linformer {
namespace {

constexpr float kRowSumTolerance =
    1e-2f;  // what rounding to f16 leaves of a distribution over thousands of keys

size_t index(int64_t i) { return static_cast<size_t>(i); }

[[noreturn]] void fail(const std::string& path, std::string item, std::string found, std::string expected) {
  throw Error(ErrorCode::kInput, {.subject = path,
                                  .item = std::move(item),
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = "FORMATS.md shows how to write such a file"});
}

std::string layer_name(int64_t layer, const char* what) { return fmt::format("layers.{}.{}", layer, what); }

// A stored [sequences, heads, rows, cols] and parts of it as f32.
struct StoredMaps {
  TensorInfo tensor;

  int64_t size(size_t axis) const { return tensor.shape[axis]; }

  // All heads of one sequence, [heads, rows, cols] dense.
  void read(int64_t sequence, const std::string& path, std::span<float> out) const {
    TensorInfo part = tensor;
    part.shape = {1, size(1), size(2), size(3)};
    const auto bytes = static_cast<size_t>(std::ssize(out) * size_of(tensor.dtype));
    part.bytes = tensor.bytes.subspan(index(sequence) * bytes, bytes);
    copy_as_f32(part, path, out);
  }
};

// Whether this is layers.{i}.<what>.
bool is_layer_name(std::string_view name, const std::string& what) {
  constexpr std::string_view kPrefix = "layers.";
  if (!name.starts_with(kPrefix) || !name.ends_with("." + what)) return false;
  name.remove_prefix(kPrefix.size());
  const size_t digits = name.find_first_not_of("0123456789");
  return digits > 0 && digits == name.size() - what.size() - 1;
}

// layers.{i}.<what> from 0 on without a gap, all of rank 4 and with equal numbers of sequences and heads.
std::vector<StoredMaps> find_layers(const TensorFile& file, const char* what) {
  std::vector<StoredMaps> layers;
  while (const TensorInfo* tensor = file.find(layer_name(std::ssize(layers), what))) {
    const bool empty =
        std::any_of(tensor->shape.begin(), tensor->shape.end(), [](int64_t x) { return x == 0; });
    if (tensor->shape.size() != 4 || empty || !is_float(tensor->dtype)) {
      fail(file.name(), tensor->name, fmt::format("{} {}", name_of(tensor->dtype), to_string(tensor->shape)),
           "floating point [sequences, heads, rows, columns], none of them 0");
    }
    if (!layers.empty() && (tensor->shape[0] != layers[0].size(0) || tensor->shape[1] != layers[0].size(1))) {
      fail(file.name(), tensor->name, to_string(tensor->shape), "the sequences and heads of layer 0");
    }
    layers.push_back({*tensor});
  }
  const int64_t named =
      std::count_if(file.tensors().begin(), file.tensors().end(),
                    [&](const TensorInfo& tensor) { return is_layer_name(tensor.name, what); });
  if (layers.empty() || named > std::ssize(layers)) {
    fail(file.name(), layer_name(std::ssize(layers), what), "missing", "a tensor for every layer from 0 on");
  }
  return layers;
}

std::vector<int64_t> optional_integers(const TensorFile& file, const char* name, int64_t count, int64_t least,
                                       int64_t most) {
  const TensorInfo* tensor = file.find(name);
  if (tensor == nullptr) return {};
  if (tensor->shape != Shape{count}) {
    fail(file.name(), name, to_string(tensor->shape), fmt::format("[{}], one a sequence", count));
  }
  std::vector<int64_t> values(index(count));
  copy_as_i64(*tensor, file.name(), values);
  for (int64_t value : values) {
    if (value < least || value > most) {
      fail(file.name(), name, std::to_string(value), fmt::format("{} to {}", least, most));
    }
  }
  return values;
}

// lengths and documents of a tensor file with maps up to rows x cols. Without documents all is one.
void read_sequences(const TensorFile& file, int64_t sequences, MapSize size, SourceFacts& facts) {
  facts.sizes.assign(index(sequences), size);
  if (file.find("lengths") != nullptr && size.rows != size.cols) {
    fail(file.name(), "lengths", fmt::format("maps of {} x {}", size.rows, size.cols), "square maps");
  }
  const std::vector<int64_t> lengths = optional_integers(file, "lengths", sequences, 1, size.rows);
  for (size_t i = 0; i < lengths.size(); ++i) facts.sizes[i] = {lengths[i], lengths[i]};
  facts.documents = optional_integers(file, "documents", sequences, 0, int64_t{1} << 40);
  if (facts.documents.empty()) facts.documents.assign(index(sequences), 0);
}

// Pooled maps [b, heads, rows, stride] of a group.
struct MapBuffer {
  Buffer<float> storage;

  HeadsView<float> reserve(int64_t batch, int64_t heads, MapSize size, int64_t wanted_stride, Run& run,
                           const char* what) {
    const int64_t stride = std::max(wanted_stride, size.cols);
    const int64_t floats = batch * heads * size.rows * stride;
    if (storage.size() < floats) {
      storage = {};  // before the new one is counted
      storage = Buffer<float>(run.memory, floats, what);
    }
    return {storage.data(),     batch, heads, size.rows, size.cols, heads * size.rows * stride,
            size.rows * stride, stride};
  }
};

class ProbabilitySource final : public AttentionSource {
 public:
  ProbabilitySource(std::string path, std::vector<StoredMaps> layers, SourceFacts facts,
                    std::shared_ptr<const FileBytes> owner, Run& run)
      : path_(std::move(path)),
        layers_(std::move(layers)),
        facts_(std::move(facts)),
        owner_(std::move(owner)),
        run_(run) {}

  const SourceFacts& facts() const override { return facts_; }

  int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) const override {
    const int64_t stored = facts_.heads * layers_[0].size(2) * layers_[0].size(3);
    const int64_t maps = sequences * facts_.heads * size.rows * std::max(wants.row_stride, size.cols);
    return (maps + run_.threads * stored) * static_cast<int64_t>(sizeof(float));
  }

  void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) override {
    const MapSize size = facts_.sizes[index(sequences.front())];
    for (int64_t i = 0; i < layers; ++i) {
      const LayerWants wants = visitor.wants(i);
      if (!wants.probabilities) continue;
      LayerView view{.layer = i,
                     .sequences = sequences,
                     .q = {},
                     .k = {},
                     .v = {},
                     .logits = {},
                     .probabilities = maps_.reserve(std::ssize(sequences), facts_.heads, size,
                                                    wants.row_stride, run_, "attention probabilities"),
                     .hidden = {},
                     .embeddings = {}};
      parallel_for(run_.threads, std::ssize(sequences), [&](int64_t b, int) { fill(i, b, sequences, view); });
      visitor.on_layer(view);
    }
  }

 private:
  void fill(int64_t layer, int64_t b, std::span<const int64_t> sequences, const LayerView& view) const {
    const StoredMaps& maps = layers_[index(layer)];
    const int64_t rows = maps.size(2), cols = maps.size(3);
    std::vector<float> stored(index(facts_.heads * rows * cols));
    maps.read(sequences[index(b)], path_, stored);
    for (int64_t h = 0; h < facts_.heads; ++h) {
      const MatrixView<float> p = view.probabilities.matrix(b, h);
      for (int64_t i = 0; i < p.rows; ++i) {
        std::copy_n(stored.data() + (h * rows + i) * cols, p.cols, p.row(i));
        check_row(
            p, i,
            fmt::format("{}, sequence {}, head {}, row {}", maps.tensor.name, sequences[index(b)], h, i));
      }
    }
  }

  void check_row(MatrixView<float> p, int64_t i, const std::string& item) const {
    const float* row = p.row(i);
    const float sum = std::accumulate(row, row + p.cols, 0.0f);
    const float least = *std::min_element(row, row + p.cols);
    if (facts_.causal &&
        std::any_of(row + std::min(i + 1, p.cols), row + p.cols, [](float x) { return x != 0; })) {
      fail(path_, item, "weight on later keys", "none, because of --causal");
    }
    if (least < 0) fail(path_, item, fmt::format("{}", least), "probabilities");
    if (std::abs(sum - 1) > kRowSumTolerance) {
      fail(path_, item, fmt::format("sum {}", sum), "a row of probabilities, sum 1 within 0.01");
    }
  }

  std::string path_;
  std::vector<StoredMaps> layers_;
  SourceFacts facts_;
  std::shared_ptr<const FileBytes> owner_;
  Run& run_;
  MapBuffer maps_;
};

class QueryKeySource final : public AttentionSource {
 public:
  QueryKeySource(TensorFile file, double scale, bool causal, Run& run)
      : file_(std::move(file)),
        q_(find_layers(file_, "q")),
        k_(find_layers(file_, "k")),
        run_(run),
        attention_(make_mechanism("standard")) {
    const int64_t heads = q_[0].size(1), d = q_[0].size(3);
    facts_ = {.layers = std::ssize(q_),
              .heads = heads,
              .head_size = d,
              .causal = causal,
              .has_logits = true,
              .sizes = {},
              .documents = {},
              .dropped = {}};
    if (k_.size() != q_.size()) {
      fail(file_.name(), "layers", fmt::format("{} of q, {} of k", q_.size(), k_.size()), "as many of both");
    }
    for (size_t i = 0; i < q_.size(); ++i) check_pair(i);
    scale_ = scale > 0 ? scale : 1 / std::sqrt(static_cast<double>(d));
    read_sequences(file_, q_[0].size(0), {q_[0].size(2), k_[0].size(2)}, facts_);
  }

  const SourceFacts& facts() const override { return facts_; }

  int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) const override {
    const int64_t stride = std::max(wants.row_stride, size.cols);
    const int64_t maps = (wants.logits ? 2 : 1) * facts_.heads * size.rows * stride;
    const int64_t factors =
        q_[0].size(1) * q_[0].size(2) * q_[0].size(3) + k_[0].size(1) * k_[0].size(2) * k_[0].size(3);
    return sequences * (maps + factors) * static_cast<int64_t>(sizeof(float));
  }

  void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) override {
    const MapSize size = facts_.sizes[index(sequences.front())];
    const int64_t batch = std::ssize(sequences), d = facts_.head_size;
    const AttentionShape shape{.batch = batch,
                               .heads = facts_.heads,
                               .queries = size.rows,
                               .keys = size.cols,
                               .head_size = d,
                               .value_size = 0,
                               .scale = static_cast<float>(scale_),
                               .causal = facts_.causal};
    for (int64_t i = 0; i < layers; ++i) {
      const LayerWants wants = visitor.wants(i);
      if (!wants.probabilities && !wants.logits) continue;
      LayerView view{.layer = i,
                     .sequences = sequences,
                     .q = load(q_[index(i)], sequences, size.rows, q_buffer_),
                     .k = load(k_[index(i)], sequences, size.cols, k_buffer_),
                     .v = {},
                     .logits = {},
                     .probabilities = {},
                     .hidden = {},
                     .embeddings = {}};
      AttentionTaps taps;
      view.probabilities = taps.probabilities =
          p_buffer_.reserve(batch, facts_.heads, size, wants.row_stride, run_, "attention probabilities");
      if (wants.logits) {
        view.logits = taps.logits =
            s_buffer_.reserve(batch, facts_.heads, size, wants.row_stride, run_, "attention logits");
      }
      attention_->prepare(shape, {}, run_);
      attention_->run(shape, {.q = view.q, .k = view.k, .v = {}}, {}, taps);
      visitor.on_layer(view);
    }
  }

 private:
  void check_pair(size_t i) const {
    const Shape &q = q_[i].tensor.shape, &k = k_[i].tensor.shape;
    const bool fits = q[0] == k[0] && q[1] % k[1] == 0 && q[3] == k[3] && q[2] == q_[0].size(2) &&
                      k[2] == k_[0].size(2) && q[3] == q_[0].size(3);
    if (!fits) {
      fail(file_.name(), layer_name(static_cast<int64_t>(i), "k"),
           fmt::format("q {}, k {}", to_string(q), to_string(k)),
           "equal sequences and head size, heads of q a multiple of k's, lengths as in layer 0");
    }
  }

  // The first `rows` rows of each head of the sequences.
  HeadsView<const float> load(const StoredMaps& maps, std::span<const int64_t> sequences, int64_t rows,
                              Buffer<float>& buffer) {
    const int64_t heads = maps.size(1), stored_rows = maps.size(2), d = maps.size(3);
    const int64_t per_sequence = heads * stored_rows * d;
    const int64_t floats = std::ssize(sequences) * per_sequence;
    if (buffer.size() < floats) {
      buffer = {};
      buffer = Buffer<float>(run_.memory, floats, "queries or keys");
    }
    parallel_for(run_.threads, std::ssize(sequences), [&](int64_t b, int) {
      maps.read(sequences[index(b)], file_.name(), {buffer.data() + b * per_sequence, index(per_sequence)});
    });
    return {buffer.data(), std::ssize(sequences), heads, rows, d, per_sequence, stored_rows * d, d};
  }

  TensorFile file_;
  std::vector<StoredMaps> q_, k_;
  SourceFacts facts_;
  double scale_ = 0;
  Run& run_;
  std::unique_ptr<Mechanism> attention_;
  MapBuffer p_buffer_, s_buffer_;
  Buffer<float> q_buffer_, k_buffer_;
};

SourceFacts map_facts(const std::vector<StoredMaps>& layers, bool causal) {
  return {.layers = std::ssize(layers),
          .heads = layers[0].size(1),
          .head_size = 0,
          .causal = causal,
          .has_logits = false,
          .sizes = {},
          .documents = {},
          .dropped = {}};
}

}  // namespace

std::unique_ptr<AttentionSource> open_probabilities(const std::string& path, bool causal, bool map,
                                                    Run& run) {
  if (path.ends_with(".npy")) {
    auto owner = FileBytes::open(path, map);
    const NpyArray array = read_npy(*owner);
    if (array.shape.size() != 4 || element_count(array.shape) == 0) {
      fail(path, "shape", to_string(array.shape), "[sequences, heads, rows, columns] of one layer");
    }
    std::vector<StoredMaps> layers = {{{"layers.0.probabilities", array.dtype, array.shape, array.bytes}}};
    SourceFacts facts = map_facts(layers, causal);
    facts.sizes.assign(index(array.shape[0]), {array.shape[2], array.shape[3]});
    facts.documents.assign(index(array.shape[0]), 0);
    return std::make_unique<ProbabilitySource>(path, std::move(layers), std::move(facts), std::move(owner),
                                               run);
  }
  const auto owner = FileBytes::open(path, map);
  const TensorFile file(owner);
  std::vector<StoredMaps> layers = find_layers(file, "probabilities");
  for (const StoredMaps& layer : layers) {
    if (layer.tensor.shape != layers[0].tensor.shape) {
      fail(path, layer.tensor.name, to_string(layer.tensor.shape), "the shape of layer 0");
    }
  }
  SourceFacts facts = map_facts(layers, causal);
  read_sequences(file, layers[0].size(0), {layers[0].size(2), layers[0].size(3)}, facts);
  return std::make_unique<ProbabilitySource>(path, std::move(layers), std::move(facts), owner, run);
}

std::unique_ptr<AttentionSource> open_queries_keys(const std::string& path, double scale, bool causal,
                                                   bool map, Run& run) {
  return std::make_unique<QueryKeySource>(TensorFile::open(path, map), scale, causal, run);
}

}  // namespace linformer
