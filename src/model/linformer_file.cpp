// SPDX-License-Identifier: MIT
#include "model/linformer_file.h"

#include <fmt/format.h>

#include <map>
#include <span>
#include <vector>

#include "base/error.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/weights.h"

namespace linformer {
namespace {

// Names of matrices and vectors, in the order in which they are written.
class TensorList {
 public:
  void matrix(const std::string& name, MatrixView<const float> m) {
    if (m.data == nullptr) return;
    specs_.push_back({name, DType::kF32, {m.rows, m.cols}});
    values_.push_back(m);
  }
  void vector(const std::string& name, const float* values, int64_t count) {
    if (values == nullptr) return;
    specs_.push_back({name, DType::kF32, {count}});
    values_.push_back({values, 1, count, count});
  }
  void dense(const std::string& name, const DenseWeights& w) {
    matrix(name + ".weight", w.weight);
    vector(name + ".bias", w.bias, w.weight.rows);
  }
  void norm(const std::string& name, const NormWeights& w, int64_t width) {
    vector(name + ".weight", w.weight, width);
    vector(name + ".bias", w.bias, width);
  }

  const std::vector<TensorSpec>& specs() const { return specs_; }
  void write(SafetensorsWriter& writer) const {
    for (size_t i = 0; i < values_.size(); ++i) {
      const MatrixView<const float>& m = values_[i];
      for (int64_t r = 0; r < m.rows; ++r) {
        writer.write(i, r * m.cols, std::span<const float>(m.row(r), static_cast<size_t>(m.cols)));
      }
    }
  }

 private:
  std::vector<TensorSpec> specs_;
  std::vector<MatrixView<const float>> values_;
};

DenseWeights part(const DenseWeights& w, int64_t first, int64_t count) {
  return {{w.weight.row(first), count, w.weight.cols, w.weight.stride},
          w.bias == nullptr ? nullptr : w.bias + first};
}

// Number of each distinct E or F, in the order of their first use.
class Projections {
 public:
  int64_t number(const DenseWeights& w) {
    const auto [entry, added] = numbers_.try_emplace(w.weight.data, std::ssize(distinct_));
    if (added) distinct_.push_back(w);
    return entry->second;
  }
  const std::vector<DenseWeights>& distinct() const { return distinct_; }

 private:
  std::map<const float*, int64_t> numbers_;
  std::vector<DenseWeights> distinct_;
};

void list_layer(TensorList& list, const std::string& base, const LayerWeights& w, const Architecture& a) {
  const int64_t queries = a.heads * a.head_size, keys = a.kv_heads * a.head_size;
  list.dense(base + "attention.query", part(w.qkv, 0, queries));
  list.dense(base + "attention.key", part(w.qkv, queries, keys));
  list.dense(base + "attention.value", part(w.qkv, queries + keys, keys));
  list.dense(base + "attention.inner", w.attention_inner);
  list.dense(base + "attention.output", w.attention_output);
  list.norm(base + "attention.norm", w.attention_norm, a.width);
  list.dense(base + "ffn.gate", w.ffn_gate);
  list.dense(base + "ffn.in", w.ffn_in);
  list.dense(base + "ffn.out", w.ffn_out);
  list.norm(base + "ffn.norm", w.ffn_norm, a.width);
}

void list_ends(TensorList& list, const Model& model) {
  const Architecture& a = model.architecture();
  const EmbeddingWeights& e = model.embeddings();
  list.matrix("embeddings.words.weight", e.words);
  list.matrix("embeddings.positions.weight", e.positions);
  list.matrix("embeddings.types.weight", e.types);
  list.norm("embeddings.norm", e.norm, a.embedding_width);
  list.dense("embeddings.projection", e.projection);
  list.norm("final_norm", model.final_norm(), a.width);
  if (!model.head()) return;
  HeadWeights head = *model.head();
  list.dense("head.transform", head.transform);
  list.norm("head.norm", head.norm, a.embedding_width);
  list.vector("head.decoder.bias", head.decoder.bias, a.vocabulary);
  if (head.decoder.weight.data != e.words.data) list.matrix("head.decoder.weight", head.decoder.weight);
}

}  // namespace

void write_linformer(const std::string& path, const Model& model) {
  const Architecture& a = model.architecture();
  const char* const lacks = !a.projection                   ? "a model without E and F"
                            : a.causal                      ? "a causal model"
                            : !a.rotary_frequencies.empty() ? "a model with rotary positions"
                                                            : nullptr;
  if (lacks != nullptr) {
    throw Error(ErrorCode::kUsage, {.subject = path, .found = lacks, .expected = "a Linformer"});
  }
  TensorList list;
  list_ends(list, model);
  nlohmann::ordered_json description = description_of(a);
  if (model.head()) description["head_activation"] = name_of(model.head()->activation);
  Projections projections;
  for (int64_t i = 0; i < a.layers; ++i) {
    const ProjectionWeights& projection = model.projections()[static_cast<size_t>(i)];
    description["weights_of_layers"].push_back(model.weights_of_layer(i));
    description["projection"]["keys"].push_back(projections.number(projection.keys));
    description["projection"]["values"].push_back(projections.number(projection.values));
  }
  for (size_t i = 0; i < model.layers().size(); ++i) {
    list_layer(list, fmt::format("layers.{}.", i), model.layers()[i], a);
  }
  for (size_t i = 0; i < projections.distinct().size(); ++i) {
    list.dense(fmt::format("projections.{}", i), projections.distinct()[i]);
  }
  SafetensorsWriter writer(path, list.specs(), {{Weights::kDescription, description.dump()}});
  list.write(writer);
  writer.commit();
}

}  // namespace linformer
