// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/half.h"
#include "base/random.h"
#include "catch.h"
#include "io/error_of.h"
#include "recorder.h"

namespace linformer {
namespace {

using Floats = std::vector<float>;
using Indices = std::vector<int64_t>;

constexpr int kInput = static_cast<int>(ErrorCode::kInput);

class FileSources {
 public:
  std::unique_ptr<AttentionSource> probabilities(const std::vector<MadeTensor>& tensors) {
    return open_probabilities(put_tensors(folder, tensors), false, true, run);
  }
  std::unique_ptr<AttentionSource> queries_keys(const std::vector<MadeTensor>& tensors, double scale = 0,
                                                bool causal = false) {
    return open_queries_keys(put_tensors(folder, tensors), scale, causal, true, run);
  }

  TemporaryFolder folder;
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
};

// The error of opening the tensors as probabilities and running all sequences one by one, if any.
std::optional<Error> refusal(const std::vector<MadeTensor>& tensors) {
  FileSources files;
  return error_of([&] {
    const auto source = files.probabilities(tensors);
    for (int64_t i = 0; i < std::ssize(source->facts().sizes); ++i) {
      Recorder recorder;
      source->run({&i, 1}, source->facts().layers, recorder);
    }
  });
}

void check_refused(const std::vector<MadeTensor>& tensors, const char* named) {
  CAPTURE(named);
  const auto error = refusal(tensors);
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInput);
  CHECK(contains(error->what(), "made.safetensors"));
  CHECK(contains(error->what(), named));
}

// [count, n] rows that sum to 1, over the first `valid` columns.
Floats distributions(int64_t count, int64_t n, int64_t valid, uint64_t index = 0) {
  Random random({.seed = 3, .purpose = 99, .index = index});
  Floats values(static_cast<size_t>(count * n), 0.0f);
  for (int64_t i = 0; i < count; ++i) {
    const auto row = values.begin() + i * n;
    float sum = 0;
    for (int64_t j = 0; j < valid; ++j) sum += row[j] = random.uniform();
    for (int64_t j = 0; j < valid; ++j) row[j] /= sum;
  }
  return values;
}

Floats gaussian(int64_t count, uint64_t index) {
  Random random({.seed = 4, .purpose = 99, .index = index});
  Floats values(static_cast<size_t>(count));
  std::generate(values.begin(), values.end(), [&] { return random.normal(); });
  return values;
}

Floats part(const Floats& all, int64_t begin, int64_t count) {
  return {all.begin() + begin, all.begin() + begin + count};
}

// Two layers of [3 sequences, 2 heads, 4, 4].
struct TwoLayers {
  Floats first = distributions(24, 4, 4, 0), second = distributions(24, 4, 4, 1);
  std::vector<MadeTensor> tensors = {made_floats("layers.0.probabilities", {3, 2, 4, 4}, first),
                                     made_floats("layers.1.probabilities", {3, 2, 4, 4}, second)};
};

TEST_CASE("probabilities of a tensor file are shown as they are") {
  const TwoLayers made;
  FileSources files;
  const auto source = files.probabilities(made.tensors);
  CHECK(source->facts().layers == 2);
  CHECK(source->facts().heads == 2);
  CHECK(source->facts().head_size == 0);
  CHECK_FALSE(source->facts().causal);
  CHECK_FALSE(source->facts().has_logits);
  CHECK(source->facts().sizes == std::vector<MapSize>(3, {4, 4}));
  CHECK(source->facts().documents == Indices{0, 0, 0});
  Recorder recorder({.logits = false, .probabilities = true, .row_stride = 7});
  const Indices some = {0, 2};
  source->run(some, 2, recorder);
  using Calls = std::vector<std::pair<int64_t, int64_t>>;
  CHECK(recorder.calls == Calls{{0, 0}, {0, 2}, {1, 0}, {1, 2}});
  CHECK(recorder.at(0, 0).probabilities == part(made.first, 0, 32));
  CHECK(recorder.at(0, 2).probabilities == part(made.first, 64, 32));
  CHECK(recorder.at(1, 2).probabilities == part(made.second, 64, 32));
  CHECK(recorder.at(0, 0).q.empty());
}

TEST_CASE("a file of probabilities is causal if it is said to be") {
  const TwoLayers made;
  FileSources files;
  CHECK(open_probabilities(put_tensors(files.folder, made.tensors), true, true, files.run)->facts().causal);
}

TEST_CASE("sequences of a tensor file have lengths and documents") {
  FileSources files;
  // The second sequence has 2 of 4 positions; the rest is padding, which may hold anything finite.
  const Floats full = distributions(4, 4, 4);
  Floats values = full;
  for (const float x : {0.25f, 0.75f, 9.f, 9.f, 0.5f, 0.5f}) values.push_back(x);
  values.resize(32, 9.f);
  const auto source =
      files.probabilities({made_floats("layers.0.probabilities", {2, 1, 4, 4}, values),
                           made_integers("lengths", {4, 2}), made_integers("documents", {3, 8})});
  CHECK(source->facts().sizes == std::vector<MapSize>{{4, 4}, {2, 2}});
  CHECK(source->facts().documents == Indices{3, 8});
  Recorder recorder;
  for (const int64_t i : {0, 1}) source->run({&i, 1}, 1, recorder);
  CHECK(recorder.at(0, 0).probabilities == full);
  CHECK(recorder.at(0, 1).probabilities == Floats{0.25f, 0.75f, 0.5f, 0.5f});
}

TEST_CASE("probabilities may be stored as f16, bf16 or f64") {
  const Floats values = {0.25f, 0.75f, 0.5f, 0.5f};
  const auto shown = [](const MadeTensor& tensor) {
    FileSources files;
    const auto source = files.probabilities({tensor});
    Recorder recorder;
    const int64_t first = 0;
    source->run({&first, 1}, 1, recorder);
    return recorder.at(0, 0).probabilities;
  };
  const Shape shape = {1, 1, 2, 2};
  const std::string name = "layers.0.probabilities";
  CHECK(shown(made_tensor<uint16_t>(name, DType::kF16, shape, {0x3400, 0x3a00, 0x3800, 0x3800})) == values);
  CHECK(shown(made_tensor<uint16_t>(name, DType::kBF16, shape, {0x3e80, 0x3f40, 0x3f00, 0x3f00})) == values);
  CHECK(shown(made_tensor<double>(name, DType::kF64, shape, {0.25, 0.75, 0.5, 0.5})) == values);
}

TEST_CASE("rectangular probabilities keep their rows and columns") {
  FileSources files;
  const Floats values = distributions(6, 5, 5);
  const auto source = files.probabilities({made_floats("layers.0.probabilities", {1, 2, 3, 5}, values)});
  CHECK(source->facts().sizes == std::vector<MapSize>{{3, 5}});
  Recorder recorder;
  const int64_t first = 0;
  source->run({&first, 1}, 1, recorder);
  CHECK(recorder.at(0, 0).probabilities == values);
}

std::string npy(const std::string& shape, const Floats& values) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size());
  text += '\0';
  const auto bytes = std::as_bytes(std::span(values));
  return text + header + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST_CASE("a .npy file is one layer of probabilities") {
  FileSources files;
  const Floats values = distributions(12, 3, 3);
  for (const bool map : {false, true}) {
    const auto source =
        open_probabilities(files.folder.put("p.npy", npy("(2, 2, 3, 3)", values)), false, map, files.run);
    CHECK(source->facts().layers == 1);
    CHECK(source->facts().heads == 2);
    CHECK(source->facts().sizes == std::vector<MapSize>(2, {3, 3}));
    CHECK(source->facts().documents == Indices{0, 0});
    Recorder recorder;
    const Indices both = {0, 1};
    source->run(both, 1, recorder);
    CHECK(recorder.at(0, 0).probabilities == part(values, 0, 18));
    CHECK(recorder.at(0, 1).probabilities == part(values, 18, 18));
  }
}

TEST_CASE("a .npy file of another rank or of nothing is refused") {
  FileSources files;
  const auto open = [&](const std::string& shape, const Floats& values) {
    return code_of(
        [&] { open_probabilities(files.folder.put("p.npy", npy(shape, values)), false, true, files.run); });
  };
  CHECK(open("(2, 3, 3)", distributions(6, 3, 3)) == kInput);
  CHECK(open("(1, 1, 2, 3, 3)", distributions(6, 3, 3)) == kInput);
  CHECK(open("(0, 2, 3, 3)", {}) == kInput);
  CHECK(open("(1, 2, 3, 3)", distributions(6, 3, 3)) == 0);
}

TEST_CASE("a file that is not there is bad input") {
  FileSources files;
  CHECK(code_of([&] { open_probabilities("/nowhere/p.npy", false, true, files.run); }) == kInput);
  CHECK(code_of([&] { open_queries_keys("/nowhere/p.safetensors", 0, false, true, files.run); }) == kInput);
}

TEST_CASE("rows that are no distribution are refused, naming layer, sequence, head and row") {
  const auto changed = [](float value) {
    TwoLayers made;
    made.second[64 + 16 + 2 * 4 + 1] = value;  // sequence 2, head 1, row 2
    made.tensors[1] = made_floats("layers.1.probabilities", {3, 2, 4, 4}, made.second);
    return made.tensors;
  };
  const char* const place = "layers.1.probabilities, sequence 2, head 1, row 2";
  check_refused(changed(3), place);
  check_refused(changed(-0.001f), place);
  check_refused(changed(std::numeric_limits<float>::quiet_NaN()), "layers.1.probabilities");
  check_refused(changed(std::numeric_limits<float>::infinity()), "layers.1.probabilities");
  CHECK_FALSE(refusal(TwoLayers().tensors));
}

TEST_CASE("a row with a negative value is refused even where it sums to 1") {
  check_refused({made_floats("layers.0.probabilities", {1, 1, 2, 2}, {0.5f, 0.5f, 1.25f, -0.25f})},
                "layers.0.probabilities, sequence 0, head 0, row 1");
}

TEST_CASE("rows may sum to 1 within a hundredth, as f16 leaves them, and no further") {
  const auto refused = [](float sum) {
    return refusal({made_floats("layers.0.probabilities", {1, 1, 1, 2}, {0.5f, sum - 0.5f})}).has_value();
  };
  CHECK_FALSE(refused(1.009f));
  CHECK_FALSE(refused(0.991f));
  CHECK(refused(1.011f));
  CHECK(refused(0.989f));
}

TEST_CASE("tensors that do not fit are refused when the file is opened, naming the tensor") {
  const std::string p0 = "layers.0.probabilities", p1 = "layers.1.probabilities";
  const Floats p = distributions(8, 2, 2);
  check_refused({made_floats(p0, {4, 2, 2}, p)}, "layers.0.probabilities");
  check_refused({made_floats(p0, {1, 2, 2, 2, 2}, p)}, "layers.0.probabilities");
  check_refused({made_floats(p0, {0, 2, 2, 2}, {})}, "layers.0.probabilities");
  check_refused({made_tensor<int32_t>(p0, DType::kI32, {1, 1, 1, 2}, {0, 1})}, "layers.0.probabilities");
  check_refused({made_floats(p1, {2, 2, 2, 2}, p)}, "layers.0.probabilities");
  check_refused({made_floats("probabilities", {2, 2, 2, 2}, p)}, "layers.0.probabilities");
  check_refused({made_floats(p0, {2, 2, 2, 2}, p), made_floats(p1, {1, 4, 2, 2}, p)},
                "layers.1.probabilities");
  check_refused({made_floats(p0, {2, 2, 2, 2}, p), made_floats(p1, {1, 2, 2, 2}, part(p, 0, 8))},
                "layers.1.probabilities");
  check_refused({made_floats(p0, {2, 2, 2, 2}, p), made_floats(p1, {2, 2, 1, 4}, distributions(4, 4, 4))},
                "layers.1.probabilities");
}

TEST_CASE("a layer that is missing between others is refused, not the end of the model") {
  const Floats p = distributions(8, 2, 2);
  check_refused({made_floats("layers.0.probabilities", {2, 2, 2, 2}, p),
                 made_floats("layers.2.probabilities", {2, 2, 2, 2}, p)},
                "layers.1.probabilities");
}

TEST_CASE("lengths and documents that do not fit are refused") {
  const MadeTensor p = made_floats("layers.0.probabilities", {2, 1, 3, 3}, distributions(6, 3, 3));
  check_refused({p, made_integers("lengths", {3, 4})}, "lengths");
  check_refused({p, made_integers("lengths", {0, 3})}, "lengths");
  check_refused({p, made_integers("lengths", {3, -1})}, "lengths");
  check_refused({p, made_integers("lengths", {3})}, "lengths");
  check_refused({p, made_integers("lengths", {3, 3, 3})}, "lengths");
  check_refused({p, made_floats("lengths", {2}, {3, 3})}, "lengths");
  check_refused({p, made_integers("documents", {0})}, "documents");
  check_refused({p, made_integers("documents", {0, -1})}, "documents");
  CHECK_FALSE(refusal({p, made_integers("lengths", {3, 3}), made_integers("documents", {0, 1})}));
}

TEST_CASE("lengths of maps that are not square are refused") {
  const MadeTensor p = made_floats("layers.0.probabilities", {2, 1, 3, 4}, distributions(6, 4, 4));
  check_refused({p, made_integers("lengths", {3, 3})}, "square");
}

TEST_CASE("a row that sums to 1 only with its padding is refused") {
  check_refused({made_floats("layers.0.probabilities", {1, 1, 2, 2}, {0.5f, 0.5f, 0.5f, 0.5f}),
                 made_integers("lengths", {1})},
                "row 0");
}

TEST_CASE("documents of a file may come in any order") {
  FileSources files;
  const auto source =
      files.probabilities({made_floats("layers.0.probabilities", {3, 1, 2, 2}, distributions(6, 2, 2)),
                           made_integers("documents", {7, 0, 7})});
  CHECK(source->facts().documents == Indices{7, 0, 7});
}

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

TEST_CASE("tensors of other names are passed over") {
  const Floats p = distributions(2, 2, 2);
  const Shape shape = {1, 1, 2, 2};
  CHECK_FALSE(
      refusal({made_floats("layers.0.probabilities", shape, p), made_floats("layers.5.q", shape, p),
               made_floats("layers.x.probabilities", shape, p), made_floats("layers.probabilities", {4}, p),
               made_floats("old.layers.3.probabilities", shape, p),
               made_floats("layers.3.self.probabilities", shape, p),
               made_floats("layers..probabilities", shape, p)}));
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

TEST_CASE("a larger group after a smaller one fits into the memory that it alone would need") {
  const LayerWants wants{.logits = false, .probabilities = true, .row_stride = 0};
  const MadeTensor p = made_floats("layers.0.probabilities", {9, 1, 8, 8}, distributions(72, 8, 8));
  FileSources files;
  const std::string path = put_tensors(files.folder, {p});
  MemoryAccount exact(8 * 64 * 4);
  Run run{.memory = exact, .threads = 1};
  const auto source = open_probabilities(path, false, true, run);
  Recorder recorder(wants);
  const Indices first = {0}, rest = {1, 2, 3, 4, 5, 6, 7, 8};
  source->run(first, 1, recorder);
  source->run(rest, 1, recorder);
  CHECK(exact.peak_bytes() == exact.limit_bytes());
}

TEST_CASE("buffers of a file's source stay within what was announced") {
  const TwoLayers made;
  const LayerWants wants{.logits = false, .probabilities = true, .row_stride = 16};
  FileSources files;
  const auto source = files.probabilities(made.tensors);
  Recorder recorder(wants);
  const Indices all = {0, 1, 2};
  source->run(all, 2, recorder);
  CHECK(files.memory.peak_bytes() >= 3 * 2 * 4 * 16 * 4);
  CHECK(files.memory.peak_bytes() <= source->buffer_bytes(3, {4, 4}, wants));
}

}  // namespace
}  // namespace linformer
