// SPDX-License-Identifier: MIT
// Runs of an analysis over made-up sources whose spectra are known.
#include "spectrum/analysis.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>

#include "catch.h"
#include "checkpoint/tensor_file.h"
#include "checkpoint/tensor_values.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "made_source.h"

namespace linformer {
namespace {

using testing::analyse;
using testing::gaussian_attention;
using testing::MadeSource;
using testing::Matrix;
using testing::own_documents;
using testing::repeat;

const Summary& statistic(const SpectrumResult& result, const StatisticsOf& of, const std::string& name) {
  const auto found = std::find(result.statistics.begin(), result.statistics.end(), name);
  REQUIRE(found != result.statistics.end());
  return of.statistics[static_cast<size_t>(found - result.statistics.begin())];
}

// Everything but the times.
std::vector<double> numbers(const SpectrumResult& result) {
  std::vector<double> all;
  for (const SeriesResult& series : result.series) {
    for (const auto& layer : series.heads) {
      for (const StatisticsOf& head : layer) {
        for (const Summary& s : head.statistics) all.insert(all.end(), {s.mean, s.median, s.p95, s.max});
      }
    }
    for (const Curves& curves : series.layer_curves) {
      all.insert(all.end(), curves.cumulative.begin(), curves.cumulative.end());
      all.insert(all.end(), curves.energy.begin(), curves.energy.end());
    }
    for (const Band& band : series.layer_bands) all.insert(all.end(), band.p50.begin(), band.p50.end());
  }
  return all;
}

}  // namespace

TEST_CASE("an analysis reports what the single spectra say") {
  MadeSource source(repeat(24, 6), own_documents(6));
  const SpectrumResult result = analyse(source, {.at = {{.m = 6}}, .controls = {}, .batch = 4});
  CHECK(result.sequences == 6);
  CHECK(result.complete);
  CHECK(result.checks.passed);
  CHECK(result.checks.matrices == 24);
  CHECK(result.checks.verified >= 1);

  MemoryAccount memory;
  Run run{.memory = memory};
  double sum = 0;
  std::vector<double> k90;
  for (uint64_t s = 0; s < 6; ++s) {
    const Matrix p = gaussian_attention(24, 24, 1.5, false, s * 10 + 1);  // layer 0, head 1
    std::vector<double> values(24);
    const SpectrumTask task{.matrix = p.view(), .values = values, .centred = {}};
    make_singular_values("gesdd-f64")->compute({&task, 1}, run);
    double total = 0, part = 0;
    for (double x : values) total += x;
    for (size_t i = 0; i < 6; ++i) part += values[i];
    sum += part / total;
    double reached = 0;
    int64_t m = 0;
    while (reached < 0.9 * total) reached += values[static_cast<size_t>(m++)];
    k90.push_back(static_cast<double>(m));
  }
  const StatisticsOf& head = result.series[0].heads[0][1];
  CHECK(statistic(result, head, "cumulative_at_6").mean == Approx(sum / 6).epsilon(1e-6));
  CHECK(statistic(result, head, "k90_sigma").max == *std::max_element(k90.begin(), k90.end()));
  CHECK(result.series[0].head_curves[0][1].cumulative[5] == Approx(sum / 6).epsilon(1e-6));
  CHECK(result.series[0].head_curves[0][1].cumulative.back() == Approx(1));
  CHECK(statistic(result, head, "cumulative_at_6").interval.has_value());
}

TEST_CASE("Gaussian attention is of the rank of its matched control") {
  MadeSource source(repeat(48, 12), own_documents(12));
  const SpectrumResult result = analyse(source, {.head_size = 8});
  REQUIRE(result.comparisons.size() == 1);
  CHECK(result.comparisons[0].control == "matched");
  const double difference = result.comparisons[0].model.mean;
  // The source draws every logit alone (full rank), the control logits of rank 8: the control is of lower
  // rank.
  CHECK(difference < 0);
  CHECK(result.comparisons[0].verdicts[1] == Verdict::kHigherRank);
  const size_t entropy = result.statistics.size() - 1;
  REQUIRE(result.statistics[entropy] == "row_entropy");
  CHECK(result.series[2].name == "matched");
  CHECK(result.series[2].layers[0].statistics[entropy].mean ==
        Approx(result.series[0].layers[0].statistics[entropy].mean).epsilon(1e-4));
}

TEST_CASE("results depend on neither threads nor batches") {
  const auto run_with = [](int threads, int64_t batch) {
    MadeSource source(repeat(20, 7), {0, 0, 1, 2, 3, 4, 5});
    return numbers(analyse(source, {.controls = {"matched", "permuted"}, .batch = batch}, {}, threads));
  };
  const std::vector<double> one = run_with(1, 7);
  CHECK(run_with(2, 7) == one);
  CHECK(run_with(2, 1) == one);
  CHECK(run_with(2, 3) == one);
}

TEST_CASE("a stopped analysis is resumed to the same results and the same spectra") {
  const TemporaryFolder folder;
  const auto files = [&](const char* name, bool resume) {
    return AnalysisFiles{.journal = folder.path(std::string(name) + ".partial"),
                         .spectra = folder.path(std::string(name) + ".safetensors"),
                         .resume = resume,
                         .identity = "x"};
  };
  const AnalysisOptions options{.batch = 2};
  MadeSource whole_source(repeat(20, 9), own_documents(9));
  const SpectrumResult whole = analyse(whole_source, options, files("whole", false));

  StopFlag stop;
  MadeSource stopped_source(repeat(20, 9), own_documents(9));
  stopped_source.stop_after(stop, 3);
  const SpectrumResult part = analyse(stopped_source, options, files("part", false), 2, &stop);
  CHECK_FALSE(part.complete);
  CHECK(part.sequences == 4);
  CHECK(part.stopped_because == "interrupted");

  MadeSource source(repeat(20, 9), own_documents(9));
  const SpectrumResult resumed = analyse(source, options, files("part", true));
  CHECK(resumed.complete);
  CHECK(numbers(resumed) == numbers(whole));
  CHECK(resumed.checks.matrices == whole.checks.matrices);
  CHECK(folder.content("part.safetensors") == folder.content("whole.safetensors"));
  discard(files("part", true));
  CHECK_FALSE(std::ifstream(folder.path("part.partial")).good());
  CHECK_FALSE(std::ifstream(folder.path("part.safetensors.partial")).good());
}

TEST_CASE("a journal of another run or a damaged one is not taken") {
  const TemporaryFolder folder;
  const AnalysisFiles files{.journal = folder.path("j"), .spectra = "", .resume = false, .identity = "a"};
  MadeSource source(repeat(16, 3), own_documents(3));
  analyse(source, {}, files);
  const auto resume = [&](const std::string& identity, const AnalysisOptions& options) {
    return code_of([&] { analyse(source, options, {files.journal, "", true, identity}); });
  };
  CHECK(resume("a", {}) == 0);
  CHECK(resume("b", {}) == static_cast<int>(ErrorCode::kUsage));
  CHECK(resume("a", {.controls = {}}) == static_cast<int>(ErrorCode::kUsage));
  std::string content = folder.content("j");
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  folder.put("j", content);
  CHECK(resume("a", {}) == static_cast<int>(ErrorCode::kInput));
  folder.put("j", "LFRECORD");
  CHECK(resume("a", {}) == static_cast<int>(ErrorCode::kInput));
}

TEST_CASE("the option --until-width stops at a look once every layer is known well enough") {
  MadeSource source(repeat(16, 64), own_documents(64));
  const SpectrumResult wide = analyse(source, {.controls = {}, .batch = 1, .until_width = 0.5});
  CHECK(wide.sequences == 8);
  CHECK(wide.stopped_because == "interval narrow enough");
  CHECK(wide.confidence == Approx(look_confidence(1)));
  const SpectrumResult never = analyse(source, {.controls = {}, .batch = 1, .until_width = 1e-9});
  CHECK(never.sequences == 64);
  CHECK(never.stopped_because == "all sequences");
  CHECK(never.confidence == Approx(look_confidence(4)));  // 8, 16, 32, 64
}

TEST_CASE("sequences of different length are averaged on a grid of shares") {
  MadeSource source({10, 16, 16, 30, 12}, own_documents(5));
  const SpectrumResult result = analyse(source, {.controls = {}, .batch = 2});
  CHECK_FALSE(result.equal_length);
  CHECK(result.grid.size() == 128);
  CHECK(result.grid.back() == 1);
  CHECK(result.at == 0);
  CHECK(result.at_share == Approx(0.25));
  CHECK(result.series[0].layer_curves[0].cumulative.back() == Approx(1));
  CHECK(code_of([&] { analyse(source, {.at = {{.m = 4}}}); }) == static_cast<int>(ErrorCode::kUsage));
}

TEST_CASE("an entry that is not finite is named with sequence, layer, head, series and row") {
  MadeSource source(repeat(16, 2), own_documents(2));
  source.plant(1, std::nanf(""));
  const std::string message = message_of([&] { analyse(source, {.batch = 1}); });
  CHECK(contains(message, "sequence 0, layer 1, head 0: probabilities, row 3"));
  CHECK(contains(message, "weights or the file"));
}

TEST_CASE("an entry of the logits that is not finite is not laid at the door of the probabilities") {
  MadeSource source(repeat(16, 2), own_documents(2));
  source.change().has_logits = true;
  source.plant_in_logits(0, std::nanf(""));
  CHECK(contains(message_of([&] { analyse(source, {.logits = true}); }),
                 "sequence 0, layer 0, head 0: logits, row 3"));
}

TEST_CASE("an entry of an untrained model that is not finite is not laid at the door of the model") {
  MemoryAccount memory;
  Run run{.memory = memory};
  MadeSource source(repeat(16, 2), own_documents(2));
  const auto start = [&] {
    auto untrained = std::make_unique<MadeSource>(repeat(16, 2), own_documents(2));
    untrained->plant(1, INFINITY);
    std::vector<std::unique_ptr<AttentionSource>> models;
    models.push_back(std::move(untrained));
    Analysis(source, {.controls = {"init"}}, run).run(std::move(models), {});
  };
  CHECK(contains(message_of(start), "sequence 0, layer 1, head 0: control init, row 3"));
  CHECK(contains(message_of(start), "Leave this control out"));
}

TEST_CASE("layers, heads and indices that are not there are refused") {
  MadeSource source(repeat(16, 2), own_documents(2));
  const auto refused = [&](AnalysisOptions options) {
    return code_of([&] { analyse(source, std::move(options)); }) == static_cast<int>(ErrorCode::kUsage);
  };
  CHECK(refused({.layers = {2}}));
  CHECK(refused({.heads = {-1}}));
  CHECK(refused({.at = {{.m = 17}}}));
  CHECK(refused({.controls = {"causal-uniform"}}));
  CHECK(refused({.controls = {"uniform"}}));
  CHECK(refused({.logits = true}));
}

TEST_CASE("a subset of layers and heads gives the whole analysis's numbers for them") {
  MadeSource source(repeat(16, 5), own_documents(5));
  const SpectrumResult whole = analyse(source);
  const SpectrumResult part = analyse(source, {.layers = {1}, .heads = {0}});
  REQUIRE(part.series[0].heads.size() == 1);
  for (const size_t series : {0u, 1u, 2u}) {  // probabilities, centred, matched
    CHECK(part.series[series].heads[0][0].statistics[0].mean ==
          whole.series[series].heads[1][0].statistics[0].mean);
  }
}

TEST_CASE("a control that is named twice is made once") {
  MadeSource source(repeat(16, 5), own_documents(5));
  const SpectrumResult result = analyse(source, {.controls = {"matched", "permuted", "matched"}});
  CHECK(result.comparisons.size() == 2);
  CHECK(result.series.size() == 4);
}

TEST_CASE("a run that stopped at a look stops there again when it is resumed") {
  const TemporaryFolder folder;
  MadeSource source(repeat(16, 40), own_documents(40));
  const AnalysisOptions options{.controls = {}, .batch = 1, .until_width = 0.5};
  const SpectrumResult first = analyse(source, options, {.journal = folder.path("j"), .identity = "x"});
  const SpectrumResult again =
      analyse(source, options, {.journal = folder.path("j"), .resume = true, .identity = "x"});
  CHECK(first.sequences == 8);
  CHECK(again.sequences == 8);
  CHECK(again.confidence == first.confidence);
}

TEST_CASE("a share has the name it was given by") {
  CHECK(AtPoint{.m = 0, .share = 0.07}.label() == "7%");
  CHECK(AtPoint{.m = 0, .share = 0.125}.label() == "12.5%");
}

TEST_CASE("causal heads have causal controls") {
  MadeSource source(repeat(16, 5), own_documents(5), true);
  const SpectrumResult result = analyse(source, {.controls = {"matched", "permuted", "causal-uniform"}});
  CHECK(result.causal);
  CHECK(result.comparisons.size() == 3);
  // Uniform causal rows have entropy ln(i + 1).
  double entropy = 0;
  for (int i = 1; i <= 16; ++i) entropy += std::log(i) / 16;
  CHECK(result.series.back().name == "causal-uniform");
  CHECK(result.series.back().model.statistics.back().mean == Approx(entropy).epsilon(1e-5));
}

TEST_CASE("what would not fit is refused before anything runs, with both numbers") {
  MemoryAccount memory(100000);
  Run run{.memory = memory, .threads = 2};
  MadeSource source(repeat(64, 8), own_documents(8));
  const auto start = [&] { Analysis(source, {}, run).run({}, {}); };
  CHECK(code_of(start) == static_cast<int>(ErrorCode::kMemory));
  CHECK(contains(message_of(start), format_bytes(100000)));
}

TEST_CASE("dropped positions leave P of the other tokens, its rows distributions again") {
  Matrix p = gaussian_attention(5, 5, 1.0, false, 3);
  const Matrix before = p;
  const std::vector<int32_t> dropped = {0, 3};
  const MatrixView<float> kept = drop_positions(p.view(), dropped, true);
  REQUIRE(kept.rows == 3);
  REQUIRE(kept.cols == 3);
  const float sum = before.at(2, 1) + before.at(2, 2) + before.at(2, 4);
  CHECK(kept.row(1)[0] == Approx(before.at(2, 1) / sum));
  CHECK(kept.row(1)[2] == Approx(before.at(2, 4) / sum));
}

TEST_CASE("spectra are written for every sequence, layer and head, descending") {
  const TemporaryFolder folder;
  MadeSource source({10, 12, 12}, own_documents(3));
  analyse(source, {.controls = {}},
          {.journal = "", .spectra = folder.path("s"), .resume = false, .identity = ""});
  const TensorFile file = TensorFile::open(folder.path("s"), true);
  const TensorInfo& tensor = file.get("layers.1.singular_values");
  CHECK(tensor.shape == Shape{3, 2, 12});
  std::vector<float> values(72);
  copy_as_f32(tensor, "s", values);
  CHECK(std::is_sorted(values.begin(), values.begin() + 12, std::greater<>()));
  CHECK(values[10] == 0);  // sequence 0 has 10 values
  CHECK(values[24] > values[25]);
  std::vector<int64_t> lengths(3);
  copy_as_i64(file.get("lengths"), "s", lengths);
  CHECK(lengths == std::vector<int64_t>{10, 12, 12});
}

TEST_CASE("a sequence's seconds are measured without a trace") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  MadeSource source(repeat(16, 3), own_documents(3));
  Analysis analysis(source, {}, run);
  std::vector<std::unique_ptr<AttentionSource>> none;
  CHECK(analysis.seconds_per_sequence(none).total > 0);
  CHECK(analysis.matrices() == 12);
}

}  // namespace linformer
