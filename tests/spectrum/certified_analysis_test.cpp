// SPDX-License-Identifier: MIT
#include "spectrum/certified_analysis.h"

#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "catch.h"
#include "heads.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

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
  void add_biases() { facts_.has_bias = true; }
  float bias(int64_t head, int64_t distance) const {
    return static_cast<float>(head + 1) * std::sin(static_cast<float>(distance));
  }
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
    ++runs_;
    const int64_t n = facts_.sizes[static_cast<size_t>(sequences[0])].rows;
    for (int64_t layer = 0; layer < layers; ++layer) {
      if (!visitor.wants(layer).queries_and_keys) continue;
      const Matrix q = queries(sequences[0], layer), k = keys(sequences[0], layer);
      LayerView view{.layer = layer, .sequences = sequences};
      view.q = {q.data.data(), 1, 4, n, kSize, 0, n * q.stride, q.stride};
      view.k = {k.data.data(), 1, 2, n, kSize, 0, n * k.stride, k.stride};
      std::vector<float> biases;
      for (int64_t i = 0; facts_.has_bias && i < 4 * (2 * n - 1); ++i) {
        biases.push_back(bias(i / (2 * n - 1), i % (2 * n - 1) - n + 1));
      }
      if (facts_.has_bias) view.distance_bias = {biases.data(), 4, 2 * n - 1, 2 * n - 1};
      visitor.on_layer(view);
      if (flag_ != nullptr && sequences[0] == stop_in_) flag_->request();
    }
  }

  int runs() const { return runs_; }

  static constexpr int64_t kSize = 8;

 private:
  SourceFacts facts_;
  StopFlag* flag_ = nullptr;
  int64_t stop_in_ = -1;
  int runs_ = 0;
};

SpectrumResult analyse(SharedKeys& source, CertifiedAnalysisOptions options, const StopFlag* stop = nullptr,
                       CertifiedJournal* journal = nullptr) {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2, .stop = stop};
  CertifiedAnalysis analysis(source, std::move(options), run);
  const int64_t bytes = analysis.required_bytes();
  SpectrumResult result = analysis.run(journal);
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

TEST_CASE("heads in a journal are not done again, and end as they would have without it") {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  CertifiedAnalysisOptions options = few_values();
  options.spectrum.probes = 3;
  StopFlag stop;
  SharedKeys stopping({20, 24, 28});
  stopping.stop_in(stop, 1);
  {
    CertifiedJournal journal(path, "identity", false);
    journal.begin_input(0, "input");
    CHECK(analyse(stopping, options, &stop, &journal).certified.size() == 8 + 4);
    journal.save();
  }
  SharedKeys source({20, 24, 28});
  CertifiedJournal journal(path, "identity", true);
  journal.begin_input(0, "input");
  const SpectrumResult resumed = analyse(source, options, nullptr, &journal);
  CHECK(source.runs() == 2);  // the first sequence is known
  const SpectrumResult whole = analyse(source, options);
  REQUIRE(resumed.certified.size() == whole.certified.size());
  for (size_t i = 0; i < whole.certified.size(); ++i) {
    const CertifiedSpectrum &a = resumed.certified[i], &b = whole.certified[i];
    CHECK(std::tie(a.sequence, a.layer, a.head, a.rows, a.cols, a.basis) ==
          std::tie(b.sequence, b.layer, b.head, b.rows, b.cols, b.basis));
    CHECK(a.values == b.values);
    CHECK(a.squared_norm == b.squared_norm);
    CHECK(a.row_entropy == b.row_entropy);
    CHECK(a.sigma1_bound == b.sigma1_bound);
    CHECK(a.residual_bound == b.residual_bound);
    CHECK(a.within_tolerance == b.within_tolerance);
    const auto ends = [](const CertifiedSpectrum& s) {
      std::vector<double> all = {s.nuclear_norm.value().low, s.nuclear_norm.value().high};
      for (const auto* intervals : {&s.sure_energy, &s.energy, &s.sure_sigma, &s.sigma, &s.cumulative}) {
        for (const Interval& interval : *intervals) all.insert(all.end(), {interval.low, interval.high});
      }
      return all;
    };
    CHECK(ends(a) == ends(b));
  }
}

TEST_CASE("a journal of another run or another input, or a damaged one, is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  CertifiedJournal first(path, "identity", false);
  first.begin_input(64, "input");
  CertifiedSpectrum spectrum;
  spectrum.sequence = 3, spectrum.rows = 64;
  first.add(spectrum);
  first.save();
  CHECK(code_of([&] { CertifiedJournal(path, "another", true); }) == 2);
  CertifiedJournal resumed(path, "identity", true);
  CHECK(code_of([&] { resumed.begin_input(64, "changed"); }) == 2);
  resumed.begin_input(128, "longer");
  CHECK(resumed.find(3, 0, 0) == nullptr);
  resumed.begin_input(64, "input");
  REQUIRE(resumed.find(3, 0, 0) != nullptr);
  CHECK(resumed.find(3, 0, 0)->rows == 64);
  CHECK_FALSE(resumed.find(3, 0, 0)->nuclear_norm);
  std::string bytes = folder.content("journal");
  bytes[bytes.size() / 2] ^= 1;
  folder.put("journal", bytes);
  CHECK(code_of([&] { CertifiedJournal(path, "identity", true); }) == 3);
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

TEST_CASE("biases by distance belong to their head, and stay in place where ends are dropped") {
  SharedKeys source({30});
  source.add_biases();
  source.change().dropped = {{0, 28, 29}};
  const SpectrumResult result = analyse(source, few_values());
  const Matrix q = source.queries(0, 0), k = source.keys(0, 0);
  for (int64_t h = 0; h < 4; ++h) {
    testing::QueryKeyHead head{Matrix(27, 8), Matrix(27, 8), 0.4f, true};
    for (int64_t i = 0; i < 27; ++i) {
      for (int64_t c = 0; c < 8; ++c) {
        head.q.at(i, c) = q.at(30 * h + i + 1, c), head.k.at(i, c) = k.at(30 * (h / 2) + i + 1, c);
      }
    }
    for (int64_t i = 0; i < 53; ++i) head.bias.push_back(source.bias(h, i - 26));
    double squares = 0;
    for (const double p : testing::dense(head)) squares += p * p;
    CHECK(std::abs(result.certified[static_cast<size_t>(h)].squared_norm - squares) <= 1e-5 * squares);
  }
  source.change().dropped = {{0, 7, 29}};
  CHECK(code_of([&] { analyse(source, few_values()); }) == 4);
}

TEST_CASE("sources without queries and keys are refused") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  SharedKeys source({20});
  CHECK(code_of([&] { CertifiedAnalysis(source, {.layers = {2}}, run); }) == 2);
  CHECK(code_of([&] { CertifiedAnalysis(source, {.heads = {4}}, run); }) == 2);
  source.change().has_logits = false;
  CHECK(code_of([&] { CertifiedAnalysis(source, {}, run); }) == 2);
}

TEST_CASE("a head that is not finite is named") {
  SharedKeys source({20});
  source.change().scales = {0.4, std::numeric_limits<double>::quiet_NaN()};
  CHECK(contains(message_of([&] { analyse(source, few_values()); }), "sequence 0, layer 1, head 0"));
}

}  // namespace linformer
