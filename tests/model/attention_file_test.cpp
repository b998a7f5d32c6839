// SPDX-License-Identifier: MIT
#include "model/attention_file.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "base/random.h"
#include "catch.h"
#include "io/error_of.h"
#include "recorder.h"

namespace linformer {
namespace {

using Floats = std::vector<float>;
using Indices = std::vector<int64_t>;

constexpr int64_t kWidth = 48;

const std::vector<TokenSequence> kEqual = {{.document = 0, .ids = {2, 11, 12, 13, 3}},
                                           {.document = 0, .ids = {2, 21, 22, 23, 3}},
                                           {.document = 1, .ids = {2, 31, 32, 33, 3}}};
const std::vector<TokenSequence> kUnequal = {{.document = 0, .ids = {2, 11, 12, 3}},
                                             {.document = 0, .ids = {2, 21, 22, 23, 24, 25, 3}},
                                             {.document = 1, .ids = {2, 31, 32, 3}}};

constexpr AttentionFileParts kEverything{
    .probabilities = true, .logits = true, .q = true, .k = true, .v = true, .hidden = true};

// Hands a source's layers on and keeps what the visitor is shown; calls `after` behind each run.
class SpySource final : public AttentionSource {
 public:
  explicit SpySource(std::unique_ptr<AttentionSource> source) : source_(std::move(source)) {}

  const SourceFacts& facts() const override { return source_->facts(); }
  int64_t buffer_bytes(int64_t sequences, MapSize size, const LayerWants& wants) override {
    return source_->buffer_bytes(sequences, size, wants);
  }
  void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) override {
    batches.emplace_back(sequences.begin(), sequences.end());
    most_layers = std::max(most_layers, layers);
    Tee tee(visitor, seen);
    source_->run(sequences, layers, tee);
    if (after) after();
  }

  Recorder seen;
  std::vector<Indices> batches;
  int64_t most_layers = 0;
  std::function<void()> after;

 private:
  class Tee final : public LayerVisitor {
   public:
    Tee(LayerVisitor& visitor, Recorder& seen) : visitor_(visitor), seen_(seen) {}
    LayerWants wants(int64_t layer) const override { return visitor_.wants(layer); }
    void on_layer(const LayerView& view) override {
      seen_.on_layer(view);
      visitor_.on_layer(view);
    }

   private:
    LayerVisitor& visitor_;
    Recorder& seen_;
  };

  std::unique_ptr<AttentionSource> source_;
};

class CountedProgress final : public Progress {
 public:
  void advance(std::string_view, int64_t done, int64_t total) override { steps.emplace_back(done, total); }
  std::vector<std::pair<int64_t, int64_t>> steps;
};

// A written file beside what its source showed.
struct Written {
  explicit Written(const std::vector<TokenSequence>& sequences)
      : source(make_model_source(loaded.model, sequences, {}, loaded.run)) {}

  int64_t write(const AttentionFileOptions& options) {
    return write_attention_file(folder.path("a.safetensors"), source, kWidth, options, loaded.run);
  }
  TensorFile file() const { return TensorFile::open(folder.path("a.safetensors"), true); }

  LoadedFixture loaded;
  TemporaryFolder folder;
  SpySource source;
};

Indices first_indices(int64_t count) { return choose_indices({}, count, "count"); }

// Matrices [.., rows, cols] of `values` put at the upper left of [.., to_rows, to_cols], zero elsewhere.
Floats padded(const Floats& values, int64_t rows, int64_t cols, int64_t to_rows, int64_t to_cols) {
  const int64_t count = std::ssize(values) / (rows * cols);
  Floats out(static_cast<size_t>(count * to_rows * to_cols), 0.0f);
  for (int64_t m = 0; m < count; ++m) {
    for (int64_t i = 0; i < rows; ++i) {
      std::copy_n(values.data() + (m * rows + i) * cols, cols, out.data() + (m * to_rows + i) * to_cols);
    }
  }
  return out;
}

// The chosen of `count` heads of equal size.
Floats chosen_heads(const Floats& values, const Indices& heads, int64_t count) {
  const int64_t size = std::ssize(values) / count;
  Floats out;
  for (const int64_t h : heads)
    out.insert(out.end(), values.begin() + h * size, values.begin() + (h + 1) * size);
  return out;
}

// What `part` of a layer should be in the file: what was seen, chosen, padded to n, sequence by sequence.
struct Expectation {
  const SpySource& source;
  Indices heads;
  int64_t sequences, n;

  Floats maps(int64_t layer, Floats KeptLayer::*part) const {
    return joined([&](int64_t s, int64_t rows) {
      return padded(chosen_heads(source.seen.at(layer, s).*part, heads, source.facts().heads), rows, rows, n,
                    n);
    });
  }
  Floats vectors(int64_t layer, Floats KeptLayer::*part) const {
    const int64_t d = source.facts().head_size;
    return joined([&](int64_t s, int64_t rows) {
      return padded(chosen_heads(source.seen.at(layer, s).*part, heads, source.facts().heads), rows, d, n, d);
    });
  }
  Floats hidden(int64_t layer) const {
    return joined([&](int64_t s, int64_t rows) {
      return padded(source.seen.at(layer, s).hidden, rows, kWidth, n, kWidth);
    });
  }
  Floats embeddings() const {
    return joined([&](int64_t s, int64_t rows) {
      return padded(source.seen.embeddings.at(s), rows, kWidth, n, kWidth);
    });
  }

 private:
  template <class F>
  Floats joined(F&& f) const {
    Floats out;
    for (int64_t s = 0; s < sequences; ++s) {
      const Floats one = f(s, source.facts().sizes[static_cast<size_t>(s)].rows);
      out.insert(out.end(), one.begin(), one.end());
    }
    return out;
  }
};

void check_layer(const TensorFile& file, const Expectation& e, int64_t layer) {
  CAPTURE(layer);
  const std::string name = "layers." + std::to_string(layer) + ".";
  CHECK(file.get(name + "probabilities").shape == Shape{e.sequences, std::ssize(e.heads), e.n, e.n});
  CHECK(file.get(name + "q").shape == Shape{e.sequences, std::ssize(e.heads), e.n, 16});
  CHECK(file.get(name + "hidden").shape == Shape{e.sequences, e.n, kWidth});
  CHECK(recorded_floats(file, name + "probabilities") == e.maps(layer, &KeptLayer::probabilities));
  CHECK(recorded_floats(file, name + "logits") == e.maps(layer, &KeptLayer::logits));
  CHECK(recorded_floats(file, name + "q") == e.vectors(layer, &KeptLayer::q));
  CHECK(recorded_floats(file, name + "k") == e.vectors(layer, &KeptLayer::k));
  CHECK(recorded_floats(file, name + "v") == e.vectors(layer, &KeptLayer::v));
  CHECK(recorded_floats(file, name + "hidden") == e.hidden(layer));
}

TEST_CASE("every tensor of an attention file is what the model's visitor saw") {
  for (const int64_t batch : {0, 1, 2, 3, 9}) {
    CAPTURE(batch);
    Written w(kEqual);
    CHECK(w.write({.parts = kEverything, .layers = {}, .heads = {}, .batch = batch}) == 3);
    const TensorFile file = w.file();
    const Expectation expected{w.source, {0, 1, 2}, 3, 5};
    for (int64_t layer = 0; layer < 2; ++layer) check_layer(file, expected, layer);
    CHECK(recorded_floats(file, "embeddings.hidden") == expected.embeddings());
    CHECK(recorded_floats(file, "final.hidden") == expected.hidden(1));
    CHECK(file.tensors().size() == 15);
    CHECK(file.find("lengths") == nullptr);
    CHECK(recorded_integers(file, "documents") == w.source.facts().documents);
    CHECK(w.source.batches.front().size() == static_cast<size_t>(std::clamp<int64_t>(batch, 1, 3)));
    CHECK(std::filesystem::exists(w.folder.path("a.safetensors")));
    CHECK(w.folder.entries() == 1);
  }
}

TEST_CASE("an attention file says what it holds") {
  Written w(kEqual);
  w.write({.parts = {.probabilities = true}, .layers = {1, 0, 1}, .heads = {2, 0}});
  const auto metadata = w.file().metadata();
  CHECK(metadata.at("layers") == "0,1");
  CHECK(metadata.at("heads") == "0,2");
  CHECK(metadata.at("causal") == "false");
  CHECK(metadata.at("complete") == "true");
}

TEST_CASE("chosen layers and heads only are written, in ascending order") {
  Written w(kEqual);
  w.write({.parts = kEverything, .layers = {1}, .heads = {2, 0}});
  const TensorFile file = w.file();
  check_layer(file, {w.source, {0, 2}, 3, 5}, 1);
  CHECK(file.find("layers.0.probabilities") == nullptr);
  CHECK(file.find("layers.0.hidden") == nullptr);
  CHECK(recorded_floats(file, "embeddings.hidden") == Expectation{w.source, {}, 3, 5}.embeddings());
  CHECK(file.tensors().size() == 9);
}

TEST_CASE("the last hidden states are those of the last layer, whatever layers are chosen") {
  Written w(kEqual);
  w.write({.parts = {.hidden = true}, .layers = {0}});
  const Expectation expected{w.source, {}, 3, 5};
  const TensorFile file = w.file();
  CHECK(recorded_floats(file, "layers.0.hidden") == expected.hidden(0));
  CHECK(recorded_floats(file, "final.hidden") == expected.hidden(1));
  CHECK(file.find("layers.1.hidden") == nullptr);
  CHECK(w.source.most_layers == 2);
}

TEST_CASE("layers behind the last chosen one are not computed") {
  Written w(kEqual);
  w.write({.parts = {.probabilities = true}, .layers = {0}});
  CHECK(w.source.most_layers == 1);
  CHECK(w.file().find("layers.0.probabilities") != nullptr);
  CHECK(w.file().find("layers.1.probabilities") == nullptr);
}

TEST_CASE("parts that are not asked for are not written") {
  using Part = bool AttentionFileParts::*;
  const std::vector<std::pair<Part, std::string>> parts = {
      {&AttentionFileParts::probabilities, "probabilities"},
      {&AttentionFileParts::logits, "logits"},
      {&AttentionFileParts::q, "q"},
      {&AttentionFileParts::k, "k"},
      {&AttentionFileParts::v, "v"}};
  for (const auto& [part, name] : parts) {
    AttentionFileOptions options;
    options.parts.*part = true;
    Written w(kEqual);
    w.write(options);
    const TensorFile file = w.file();
    CAPTURE(name);
    REQUIRE(file.tensors().size() == 3);
    CHECK(file.find("layers.0." + name) != nullptr);
    CHECK(file.find("layers.1." + name) != nullptr);
  }
}

TEST_CASE("sequences of different length are zero-padded, with their lengths") {
  for (const int64_t batch : {1, 2, 3}) {
    CAPTURE(batch);
    Written w(kUnequal);
    CHECK(w.write({.parts = kEverything, .layers = {}, .heads = {1}, .batch = batch}) == 3);
    const TensorFile file = w.file();
    CHECK(recorded_integers(file, "lengths") == Indices{4, 7, 4});
    const Expectation expected{w.source, {1}, 3, 7};
    for (int64_t layer = 0; layer < 2; ++layer) check_layer(file, expected, layer);
    CHECK(recorded_floats(file, "embeddings.hidden") == expected.embeddings());
    CHECK(recorded_floats(file, "final.hidden") == expected.hidden(1));
    for (const Indices& together : w.source.batches) {
      for (const int64_t s : together) {
        CHECK(w.source.facts().sizes[static_cast<size_t>(s)] ==
              w.source.facts().sizes[static_cast<size_t>(together.front())]);
      }
    }
  }
}

TEST_CASE("a file of probabilities can be read back as a source") {
  Written w(kUnequal);
  w.write({.parts = {.probabilities = true}});
  const auto source =
      open_probabilities(FileBytes::open(w.folder.path("a.safetensors"), true), false, w.loaded.run);
  CHECK(source->facts().sizes == w.source.facts().sizes);
  CHECK(source->facts().layers == 2);
  Recorder recorder;
  for (const int64_t s : first_indices(3)) source->run({&s, 1}, 2, recorder);
  for (const int64_t s : first_indices(3)) {
    CHECK(recorder.at(1, s).probabilities == w.source.seen.at(1, s).probabilities);
  }
}

TEST_CASE("stopped, an attention file keeps the sequences that are done and says so") {
  for (const auto* sequences : {&kEqual, &kUnequal}) {
    Written w(*sequences);
    StopFlag stop;
    w.loaded.run.stop = &stop;
    w.source.after = [&] {
      if (w.source.batches.size() == 2) stop.request();
    };
    CHECK(w.write({.parts = kEverything, .layers = {}, .heads = {}, .batch = 1}) == 2);
    CHECK(w.source.batches.size() == 2);
    const TensorFile file = w.file();
    CHECK(file.metadata().at("complete") == "false");
    CHECK(file.metadata().at("layers") == "0,1");
    const int64_t n = (*sequences)[1].ids.size() == 7 ? 7 : 5;
    const Expectation expected{w.source, {0, 1, 2}, 2, n};
    for (int64_t layer = 0; layer < 2; ++layer) check_layer(file, expected, layer);
    CHECK(recorded_floats(file, "final.hidden") == expected.hidden(1));
    if (n == 7) CHECK(recorded_integers(file, "lengths") == Indices{4, 7});
  }
}

TEST_CASE("stopped behind the last sequence, an attention file is complete") {
  Written w(kEqual);
  StopFlag stop;
  w.loaded.run.stop = &stop;
  w.source.after = [&] {
    if (w.source.batches.size() == 3) stop.request();
  };
  CHECK(w.write({.parts = {.q = true}}) == 3);
  CHECK(w.file().metadata().at("complete") == "true");
}

TEST_CASE("progress counts the sequences written") {
  Written w(kEqual);
  CountedProgress progress;
  w.loaded.run.progress = &progress;
  w.write({.parts = {.q = true}, .layers = {}, .heads = {}, .batch = 2});
  CHECK(progress.steps == std::vector<std::pair<int64_t, int64_t>>{{2, 3}, {3, 3}});
}

TEST_CASE("layers and heads that there are not are refused before anything is written") {
  Written w(kEqual);
  const auto layer = error_of([&] { w.write({.parts = {.q = true}, .layers = {0, 2}}); });
  REQUIRE(layer);
  CHECK(layer->code() == ErrorCode::kUsage);
  CHECK(layer->detail().subject == "--layers");
  const auto head = error_of([&] { w.write({.parts = {.q = true}, .layers = {}, .heads = {3}}); });
  REQUIRE(head);
  CHECK(head->code() == ErrorCode::kUsage);
  CHECK(head->detail().subject == "--heads");
  CHECK(w.folder.entries() == 0);
}

TEST_CASE("an attention file that cannot be made is a failure of writing") {
  LoadedFixture loaded;
  const auto source = make_model_source(loaded.model, kEqual, {}, loaded.run);
  CHECK(code_of([&] {
          write_attention_file("/nowhere/at/all.safetensors", *source, kWidth, {.parts = {.q = true}},
                               loaded.run);
        }) == static_cast<int>(ErrorCode::kWrite));
}

TEST_CASE("maps beyond the memory allowed are refused before the file is begun") {
  LoadedFixture loaded;
  const TemporaryFolder folder;
  MemoryAccount small(1000);
  Run run{.memory = small, .threads = 1};
  const auto source = make_model_source(loaded.model, kEqual, {}, run);
  CHECK(code_of([&] {
          write_attention_file(folder.path("a.safetensors"), *source, kWidth, {.parts = {.logits = true}},
                               run);
        }) == static_cast<int>(ErrorCode::kMemory));
  CHECK(folder.entries() == 0);
}

TEST_CASE("the bytes announced are those of the file's tensors") {
  for (const auto* sequences : {&kEqual, &kUnequal}) {
    const AttentionFileOptions options{.parts = kEverything, .layers = {1}, .heads = {0, 2}};
    Written w(*sequences);
    w.write(options);
    int64_t bytes = 0;
    const TensorFile file = w.file();
    for (const TensorInfo& tensor : file.tensors()) bytes += static_cast<int64_t>(tensor.bytes.size());
    CHECK(attention_file_bytes(w.source, kWidth, options) == bytes);
  }
}

TEST_CASE("keys that several heads share are written for each of them") {
  LoadedFixture loaded;
  const TemporaryFolder folder;
  Random random({.seed = 8, .purpose = 99, .index = 0});
  Floats q(4 * 3 * 2), k(2 * 3 * 2);
  for (Floats* values : {&q, &k}) {
    std::generate(values->begin(), values->end(), [&] { return random.normal(); });
  }
  const std::string made = put_tensors(
      folder, {made_floats("layers.0.q", {1, 4, 3, 2}, q), made_floats("layers.0.k", {1, 2, 3, 2}, k)});
  const auto source = open_queries_keys(FileBytes::open(made, true), 0, false, loaded.run);
  const std::string path = folder.path("a.safetensors");
  write_attention_file(path, *source, 0,
                       {.parts = {.probabilities = true, .k = true}, .layers = {}, .heads = {1, 2, 3}},
                       loaded.run);
  Floats expected(k.begin(), k.begin() + 6);
  for (int i = 0; i < 2; ++i) expected.insert(expected.end(), k.begin() + 6, k.end());
  CHECK(recorded_floats(TensorFile::open(path, true), "layers.0.k") == expected);
}

}  // namespace
}  // namespace linformer
