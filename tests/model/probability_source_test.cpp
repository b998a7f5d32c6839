// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/half.h"
#include "catch.h"
#include "file_sources.h"

namespace linformer {
namespace {

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
  CHECK(open_probabilities(FileBytes::open(put_tensors(files.folder, made.tensors), true), true, files.run)
            ->facts()
            .causal);
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
    const auto source = open_probabilities(
        FileBytes::open(files.folder.put("p.npy", npy("(2, 2, 3, 3)", values)), map), false, files.run);
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
    return code_of([&] {
      open_probabilities(FileBytes::open(files.folder.put("p.npy", npy(shape, values)), true), false,
                         files.run);
    });
  };
  CHECK(open("(2, 3, 3)", distributions(6, 3, 3)) == kInput);
  CHECK(open("(1, 1, 2, 3, 3)", distributions(6, 3, 3)) == kInput);
  CHECK(open("(0, 2, 3, 3)", {}) == kInput);
  CHECK(open("(1, 2, 3, 3)", distributions(6, 3, 3)) == 0);
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

TEST_CASE("a larger group after a smaller one fits into the memory that it alone would need") {
  const LayerWants wants{.logits = false, .probabilities = true};
  const MadeTensor p = made_floats("layers.0.probabilities", {9, 1, 8, 8}, distributions(72, 8, 8));
  FileSources files;
  const std::string path = put_tensors(files.folder, {p});
  MemoryAccount exact(8 * 64 * 4);
  Run run{.memory = exact, .threads = 1};
  const auto source = open_probabilities(FileBytes::open(path, true), false, run);
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

// Of three sequences of 1, 3 and 2 tokens, the second without weight on later keys if `causal`.
std::vector<MadeTensor> unequal_lengths(bool causal) {
  const float later = causal ? 0.0f : 0.25f;
  const Floats second = {1 - later, later, 0, 0.5f, 0.5f, 0, 0.5f, 0.25f, 0.25f};
  Floats values = {1, 0, 0, 0, 0, 0, 0, 0, 0};
  values.insert(values.end(), second.begin(), second.end());
  for (const float x : {1.f, 0.f, 0.f, 0.5f, 0.5f, 0.f, 0.f, 0.f, 0.f}) values.push_back(x);
  return {made_floats("layers.0.probabilities", {3, 1, 3, 3}, values), made_integers("lengths", {1, 3, 2})};
}

TEST_CASE(
    "whether probabilities are causal is seen at the longest sequences, and only if the file is silent") {
  FileSources files;
  const auto causal = [&](const std::vector<MadeTensor>& tensors, const std::string& said) {
    const std::map<std::string, std::string> metadata = {{"causal", said}};
    const std::string path = put_tensors(files.folder, tensors, "made.safetensors", metadata);
    return open_probabilities(FileBytes::open(path, true), false, files.run)->facts().causal;
  };
  CHECK(causal(unequal_lengths(true), ""));
  CHECK_FALSE(causal(unequal_lengths(false), ""));
  CHECK_FALSE(causal(unequal_lengths(true), "false"));
  CHECK(causal(unequal_lengths(false), "true"));
  const auto two = [](float later) {
    return std::vector{
        made_floats("layers.0.probabilities", {2, 1, 2, 2}, {1, 0, 0.5f, 0.5f, 1 - later, later, 0, 1})};
  };
  CHECK(causal(two(0), ""));
  CHECK_FALSE(causal(two(0.25f), ""));
  const std::vector<MadeTensor> one = {made_floats("layers.0.probabilities", {1, 1, 1, 1}, {1})};
  CHECK_FALSE(causal(one, ""));
  CHECK(causal(one, "true"));
  const auto error = error_of([&] { causal(one, "maybe"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInput);
  CHECK(contains(error->what(), "metadata 'causal': maybe; expected true or false"));
}

}  // namespace
}  // namespace linformer
