// SPDX-License-Identifier: MIT
#include "spectrum/certified_analysis.h"

#include <limits>

#include "catch.h"
#include "heads.h"
#include "io/error_of.h"

namespace linformer {
namespace {

using testing::Matrix;

// Two layers of four heads whose keys are shared by two each; queries of sequence and layer are their own.
class SharedKeys final : public AttentionSource {
 public:
  explicit SharedKeys(std::vector<int64_t> lengths) {
    facts_.layers = 2;
    facts_.heads = 4;
    facts_.head_size = kSize;
    facts_.causal = true;
    facts_.has_logits = true;
    facts_.scales = {0.4, 0.7};
    for (const int64_t n : lengths) facts_.sizes.push_back({n, n}), facts_.documents.push_back(0);
  }

  SourceFacts& change() { return facts_; }
  void stop_in(StopFlag& flag, int64_t sequence) { flag_ = &flag, stop_in_ = sequence; }

  const SourceFacts& facts() const override { return facts_; }
  int64_t buffer_bytes(int64_t, MapSize, const LayerWants&) override { return 0; }

  Matrix queries(int64_t sequence, int64_t layer) const {
    return testing::normal_matrix(4 * facts_.sizes[static_cast<size_t>(sequence)].rows, kSize, 1.5,
                                  static_cast<uint64_t>(10 * sequence + layer));
  }
  Matrix keys(int64_t sequence, int64_t layer) const {
    return testing::normal_matrix(2 * facts_.sizes[static_cast<size_t>(sequence)].rows, kSize, 1.5,
                                  static_cast<uint64_t>(1000 + 10 * sequence + layer));
  }

  void run(std::span<const int64_t> sequences, int64_t layers, LayerVisitor& visitor) override {
    REQUIRE(sequences.size() == 1);
    const int64_t n = facts_.sizes[static_cast<size_t>(sequences[0])].rows;
    for (int64_t layer = 0; layer < layers; ++layer) {
      if (!visitor.wants(layer).queries_and_keys) continue;
      const Matrix q = queries(sequences[0], layer), k = keys(sequences[0], layer);
      LayerView view{.layer = layer, .sequences = sequences};
      view.q = {q.data.data(), 1, 4, n, kSize, 0, n * q.stride, q.stride};
      view.k = {k.data.data(), 1, 2, n, kSize, 0, n * k.stride, k.stride};
      visitor.on_layer(view);
      if (flag_ != nullptr && sequences[0] == stop_in_) flag_->request();
    }
  }

  static constexpr int64_t kSize = 8;

 private:
  SourceFacts facts_;
  StopFlag* flag_ = nullptr;
  int64_t stop_in_ = -1;
};

SpectrumResult analyse(SharedKeys& source, CertifiedAnalysisOptions options, const StopFlag* stop = nullptr) {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2, .stop = stop};
  CertifiedAnalysis analysis(source, std::move(options), run);
  const int64_t bytes = analysis.required_bytes();
  SpectrumResult result = analysis.run();
  CHECK(memory.peak_bytes() <= bytes);
  return result;
}

CertifiedAnalysisOptions few_values() { return {.spectrum = {.values = 6, .probes = 0}}; }

}  // namespace

TEST_CASE("every chosen head has the spectrum of its queries, its shared keys and its layer's scale") {
  SharedKeys source({40, 40});
  CertifiedAnalysisOptions options = few_values();
  options.heads = {1, 2};
  const SpectrumResult result = analyse(source, options);
  REQUIRE(result.certified.size() == 2 * 2 * 2);
  CHECK(result.sequences == 2);
  CHECK(result.complete);
  CHECK(result.length == 40);
  CHECK(result.checks.passed);
  CHECK(result.checks.matrices == 8);
  for (const CertifiedSpectrum& s : result.certified) {
    const Matrix q = source.queries(s.sequence, s.layer), k = source.keys(s.sequence, s.layer);
    const AttentionOperator::Head head{.q = {q.view().row(40 * s.head), 40, 8, q.stride},
                                       .k = {k.view().row(40 * (s.head / 2)), 40, 8, k.stride},
                                       .scale = s.layer == 0 ? 0.4f : 0.7f,
                                       .causal = true};
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 1};
    const auto index = static_cast<uint64_t>((s.sequence * 2 + s.layer) * 4 + s.head);
    CHECK(certified_spectrum(head, options.spectrum, index, run)->values == s.values);
  }
}

TEST_CASE("dropped positions are left out of rows and columns") {
  SharedKeys source({30});
  source.change().dropped = {{0, 7, 29}};
  const SpectrumResult result = analyse(source, few_values());
  CHECK(result.length == 27);
  const Matrix q = source.queries(0, 0), k = source.keys(0, 0);
  testing::QueryKeyHead head{Matrix(27, 8), Matrix(27, 8), 0.4f, true};
  for (int64_t i = 0, row = 0; i < 30; ++i) {
    if (i == 0 || i == 7 || i == 29) continue;
    for (int64_t c = 0; c < 8; ++c) head.q.at(row, c) = q.at(i, c), head.k.at(row, c) = k.at(i, c);
    ++row;
  }
  double squares = 0;
  for (const double p : testing::dense(head)) squares += p * p;
  CHECK(std::abs(result.certified.front().squared_norm - squares) <= 1e-5 * squares);
}

TEST_CASE("a stop keeps the heads of sequences that are finished") {
  SharedKeys source({20, 24, 28});
  StopFlag stop;
  source.stop_in(stop, 1);
  const SpectrumResult result = analyse(source, few_values(), &stop);
  CHECK_FALSE(result.complete);
  CHECK(result.stopped_because == "interrupted");
  CHECK(result.sequences == 1);
  CHECK(result.certified.size() == 8 + 4);  // of the second sequence its first layer
  CHECK_FALSE(result.equal_length);
}

TEST_CASE("results of several lengths are joined in order") {
  std::vector<SpectrumResult> results;
  for (const int64_t n : {16, 32}) {
    SharedKeys source({n});
    results.push_back(analyse(source, few_values()));
  }
  const SpectrumResult all = joined(std::move(results));
  REQUIRE(all.certified.size() == 16);
  CHECK(all.certified.front().rows == 16);
  CHECK(all.certified.back().rows == 32);
  CHECK(all.sequences == 2);
  CHECK_FALSE(all.equal_length);
  CHECK(all.checks.matrices == 16);
}

TEST_CASE("sources without queries and keys, and those with biases, are refused") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  SharedKeys source({20});
  CHECK(code_of([&] { CertifiedAnalysis(source, {.layers = {2}}, run); }) == 2);
  CHECK(code_of([&] { CertifiedAnalysis(source, {.heads = {4}}, run); }) == 2);
  source.change().has_bias = true;
  CHECK(code_of([&] { CertifiedAnalysis(source, {}, run); }) == 4);
  source.change().has_logits = false;
  CHECK(code_of([&] { CertifiedAnalysis(source, {}, run); }) == 2);
}

TEST_CASE("a head that is not finite is named") {
  SharedKeys source({20});
  source.change().scales = {0.4, std::numeric_limits<double>::quiet_NaN()};
  CHECK(contains(message_of([&] { analyse(source, few_values()); }), "sequence 0, layer 1, head 0"));
}

}  // namespace linformer
