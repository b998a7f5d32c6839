// SPDX-License-Identifier: MIT
#include <cmath>
#include <functional>
#include <limits>

#include "catch.h"
#include "file_sources.h"

namespace linformer {
namespace {

struct QueryKeyCase {
  int64_t heads = 2, kv_heads = 2, rows = 5, cols = 5;
  double scale = 0;
  bool causal = false;
};

constexpr int64_t kHeadSize = 3;

// Logits and P of one head by f64 loops.
struct Truth {
  Floats logits, probabilities;
};

Truth truth_of(const QueryKeyCase& c, const float* q, const float* k, double scale) {
  Truth truth;
  for (int64_t i = 0; i < c.rows; ++i) {
    std::vector<double> logits;
    double sum = 0;
    for (int64_t j = 0; j < c.cols; ++j) {
      double dot = 0;
      for (int64_t l = 0; l < kHeadSize; ++l) {
        dot += static_cast<double>(q[i * kHeadSize + l]) * static_cast<double>(k[j * kHeadSize + l]);
      }
      logits.push_back(scale * dot);
      truth.logits.push_back(static_cast<float>(logits.back()));
      if (!c.causal || j <= i) sum += std::exp(logits.back());
    }
    for (int64_t j = 0; j < c.cols; ++j) {
      const double p = c.causal && j > i ? 0 : std::exp(logits[static_cast<size_t>(j)]) / sum;
      truth.probabilities.push_back(static_cast<float>(p));
    }
  }
  return truth;
}

// Two layers, three sequences.
void check_queries_keys(const QueryKeyCase& c) {
  CAPTURE(c.heads, c.kv_heads, c.rows, c.cols, c.scale, c.causal);
  constexpr int64_t kSequences = 3;
  const int64_t q_size = c.rows * kHeadSize, k_size = c.cols * kHeadSize;
  std::vector<Floats> q, k;
  std::vector<MadeTensor> tensors;
  for (int layer = 0; layer < 2; ++layer) {
    q.push_back(gaussian(kSequences * c.heads * q_size, static_cast<uint64_t>(2 * layer)));
    k.push_back(gaussian(kSequences * c.kv_heads * k_size, static_cast<uint64_t>(2 * layer + 1)));
    const std::string name = "layers." + std::to_string(layer);
    tensors.push_back(made_floats(name + ".q", {kSequences, c.heads, c.rows, kHeadSize}, q.back()));
    tensors.push_back(made_floats(name + ".k", {kSequences, c.kv_heads, c.cols, kHeadSize}, k.back()));
  }
  FileSources files;
  const auto source = files.queries_keys(tensors, c.scale, c.causal);
  CHECK(source->facts().layers == 2);
  CHECK(source->facts().heads == c.heads);
  CHECK(source->facts().head_size == kHeadSize);
  CHECK(source->facts().causal == c.causal);
  CHECK(source->facts().has_logits);
  CHECK(source->facts().sizes == std::vector<MapSize>(kSequences, {c.rows, c.cols}));
  Recorder recorder({.logits = true, .probabilities = true, .row_stride = c.cols + 2});
  const Indices some = {0, 2};
  source->run(some, 2, recorder);
  const double scale = c.scale > 0 ? c.scale : 1 / std::sqrt(3.0);
  for (size_t layer = 0; layer < 2; ++layer) {
    for (const int64_t sequence : some) {
      Floats logits, probabilities;
      for (int64_t h = 0; h < c.heads; ++h) {
        const int64_t kv = h / (c.heads / c.kv_heads);
        const Truth truth = truth_of(c, q[layer].data() + (sequence * c.heads + h) * q_size,
                                     k[layer].data() + (sequence * c.kv_heads + kv) * k_size, scale);
        logits.insert(logits.end(), truth.logits.begin(), truth.logits.end());
        probabilities.insert(probabilities.end(), truth.probabilities.begin(), truth.probabilities.end());
      }
      const KeptLayer& ours = recorder.at(static_cast<int64_t>(layer), sequence);
      CHECK(agrees(ours.logits, logits));
      CHECK(probabilities_agree(ours.probabilities, probabilities));
    }
  }
}

TEST_CASE("queries and keys of a file give softmax(scale QK'), scale 1/sqrt(d) where none is given") {
  check_queries_keys({});
  check_queries_keys({.scale = 1});
  check_queries_keys({.scale = 0.125});
}

TEST_CASE("queries and keys of a file can be causal") { check_queries_keys({.causal = true}); }

TEST_CASE("queries of a file can share keys") {
  check_queries_keys({.heads = 6, .kv_heads = 2});
  check_queries_keys({.heads = 4, .kv_heads = 1, .causal = true});
}

TEST_CASE("a file can have other numbers of keys than of queries") {
  check_queries_keys({.rows = 4, .cols = 9});
  check_queries_keys({.rows = 9, .cols = 4, .scale = 0.5});
}

TEST_CASE("lengths cut queries and keys of a file, and documents are read") {
  FileSources files;
  const Floats q = gaussian(2 * 4 * kHeadSize, 0), k = gaussian(2 * 4 * kHeadSize, 1);
  const auto source = files.queries_keys(
      {made_floats("layers.0.q", {2, 1, 4, kHeadSize}, q), made_floats("layers.0.k", {2, 1, 4, kHeadSize}, k),
       made_integers("lengths", {4, 2}), made_integers("documents", {0, 5})});
  CHECK(source->facts().sizes == std::vector<MapSize>{{4, 4}, {2, 2}});
  CHECK(source->facts().documents == Indices{0, 5});
  Recorder recorder;
  const int64_t second = 1;
  source->run({&second, 1}, 1, recorder);
  const Truth truth = truth_of({.rows = 2, .cols = 2}, q.data() + 4 * kHeadSize, k.data() + 4 * kHeadSize,
                               1 / std::sqrt(3.0));
  CHECK(probabilities_agree(recorder.at(0, 1).probabilities, truth.probabilities));
}

TEST_CASE("queries and keys that do not fit each other are refused") {
  const auto refused = [](const std::vector<MadeTensor>& tensors, const char* named) {
    FileSources files;
    const auto error = error_of([&] { files.queries_keys(tensors); });
    CAPTURE(named);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kInput);
    CHECK(contains(error->what(), named));
  };
  const auto q = [](int64_t layer, const Shape& shape) {
    return made_floats("layers." + std::to_string(layer) + ".q", shape,
                       gaussian(element_count(shape).value(), 0));
  };
  const auto k = [](int64_t layer, const Shape& shape) {
    return made_floats("layers." + std::to_string(layer) + ".k", shape,
                       gaussian(element_count(shape).value(), 1));
  };
  refused({q(0, {2, 4, 5, 3})}, "layers.0.k");
  refused({k(0, {2, 4, 5, 3})}, "layers.0.q");
  refused({q(0, {2, 4, 5, 3}), k(0, {1, 4, 5, 3})}, "layers.0.k");                  // sequences
  refused({q(0, {2, 4, 5, 3}), k(0, {2, 3, 5, 3})}, "layers.0.k");                  // heads
  refused({q(0, {2, 4, 5, 3}), k(0, {2, 8, 5, 3})}, "layers.0.k");                  // more of k
  refused({q(0, {2, 4, 5, 3}), k(0, {2, 4, 5, 4})}, "layers.0.k");                  // head size
  refused({q(0, {2, 4, 5, 3}), k(0, {2, 4, 5, 3}), q(1, {2, 4, 5, 3})}, "layers");  // no k of layer 1
  refused({q(0, {2, 4, 5, 3}), k(0, {2, 4, 5, 3}), q(1, {2, 4, 6, 3}), k(1, {2, 4, 6, 3})},  // length
          "layers.1.k");
  refused({q(0, {2, 12, 3}), k(0, {2, 12, 3})}, "layers.0.q");
}

TEST_CASE("NaN among the queries is refused when it is read") {
  FileSources files;
  Floats q = gaussian(6, 0);
  q[4] = std::numeric_limits<float>::quiet_NaN();
  const auto source = files.queries_keys(
      {made_floats("layers.0.q", {1, 1, 2, 3}, q), made_floats("layers.0.k", {1, 1, 2, 3}, gaussian(6, 1))});
  Recorder recorder;
  const int64_t first = 0;
  const auto error = error_of([&] { source->run({&first, 1}, 1, recorder); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInput);
  CHECK(contains(error->what(), "layers.0.q"));
}

TEST_CASE("a gap among queries or keys is refused, naming the layer that is missing") {
  FileSources files;
  const Shape shape = {1, 1, 2, 3};
  const Floats values = gaussian(6, 0);
  const auto error = error_of([&] {
    files.queries_keys({made_floats("layers.0.q", shape, values), made_floats("layers.0.k", shape, values),
                        made_floats("layers.1.q", shape, values), made_floats("layers.2.k", shape, values)});
  });
  REQUIRE(error);
  CHECK(error->detail().item == "layers.1.k");
}

}  // namespace
}  // namespace linformer
