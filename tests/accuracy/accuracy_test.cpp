// SPDX-License-Identifier: MIT
// Evaluations of a small masked language model.
#include "accuracy/accuracy.h"

#include <algorithm>
#include <cmath>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "model/recorder.h"

namespace linformer {
namespace {

constexpr int64_t kLength = 12;

// Sequences of made-up ids, two a document.
std::vector<TokenSequence> made_sequences(int64_t count) {
  std::vector<TokenSequence> sequences;
  for (int64_t s = 0; s < count; ++s) {
    TokenSequence& sequence = sequences.emplace_back(TokenSequence{.document = s / 2, .ids = {2}});
    for (int64_t i = 1; i + 1 < kLength; ++i)
      sequence.ids.push_back(static_cast<int32_t>(5 + (37 * s + 11 * i + i * i * (s + 1)) % 90));
    sequence.ids.push_back(3);
  }
  return sequences;
}

// A model with its head over such sequences.
struct Subject {
  LoadedFixture loaded{fixture("bert/masked-lm")};
  std::vector<TokenSequence> sequences;
  std::unique_ptr<AttentionSource> source;
  WholeModel whole;

  explicit Subject(int64_t count = 8) : sequences(made_sequences(count)) {
    source = make_model_source(loaded.model, sequences, {}, loaded.run);
    whole = {.model = &loaded.model, .loss_name = "loss"};
    for (const TokenSequence& sequence : sequences)
      whole.predictions.push_back({.ids = sequence.ids, .positions = {3, 7}, .labels = {20, 30}});
  }

  AccuracyResult evaluate(AccuracyOptions options, const AnalysisFiles& files = {}) {
    return Accuracy(*source, {}, whole, std::move(options), loaded.run).run(files);
  }
  double exact_loss() {
    const std::vector<Prediction> judged(whole.predictions.begin() + 4, whole.predictions.end());
    return language_model_loss(loaded.model, judged, loaded.run).loss;
  }
};

const CellAccuracy& cell_of(const AccuracyResult& result, const std::string& name) {
  const auto found =
      std::ranges::find_if(result.cells, [&](const CellAccuracy& cell) { return cell.cell.name == name; });
  REQUIRE(found != result.cells.end());
  return *found;
}

std::vector<double> means(const AccuracyResult& result) {
  std::vector<double> all;
  for (const CellAccuracy& cell : result.cells) {
    for (const auto& layer : cell.heads)
      for (const HeadAccuracy& head : layer) all.push_back(head.output_error.mean);
    all.push_back(cell.all_replaced->loss_increase->mean);
    for (const ModelAccuracy& one : cell.one_replaced) all.push_back(one.hidden_error.mean);
  }
  return all;
}

}  // namespace

TEST_CASE("flash, and svd and a subspace of full rank, leave the model's loss as it is") {
  Subject subject;
  const AccuracyResult result =
      subject.evaluate({.mechanisms = {"flash", "svd", "subspace", "mean-v"}, .ks = {2, kLength}});
  CHECK(result.sequences == 4);
  CHECK(result.calibration_sequences == 4);
  CHECK(result.calibration_documents == 2);
  REQUIRE(result.loss);
  CHECK(result.loss->mean == Approx(subject.exact_loss()).epsilon(1e-5));
  for (const char* exact : {"flash", "svd:k=12", "subspace:k=12,sharing=head"}) {
    CAPTURE(exact);
    const CellAccuracy& cell = cell_of(result, exact);
    CHECK(cell.model.output_error.max < 1e-5);
    CHECK(cell.all_replaced->hidden_error.max < 1e-4);
    CHECK(std::abs(cell.all_replaced->loss_increase->mean) < 1e-4);
    CHECK(cell.all_replaced->agreement->mean == 1);
    for (const ModelAccuracy& one : cell.one_replaced) CHECK(one.hidden_error.max < 1e-4);
  }
  CHECK(result.checks.passed());
  CHECK(result.checks.exact_cells == 1);
  CHECK(cell_of(result, "mean-v").model.skill.mean == Approx(0).margin(1e-6));
  CHECK(cell_of(result, "mean-v").all_replaced->hidden_error.mean > 1e-3);
  CHECK(cell_of(result, "svd:k=2").model.output_error.mean > 1e-3);
}

TEST_CASE("a layer replaced alone is a model in which that layer's attention gives what it was given") {
  Subject subject;
  const AccuracyResult result = subject.evaluate({.mechanisms = {"mean-v"}, .calibration = 0});
  const CellAccuracy& cell = result.cells.front();
  REQUIRE(cell.one_replaced.size() == 2);
  // The mean over keys is what queries of zero give, whose weights are uniform.
  const Architecture& a = subject.loaded.plan.architecture;
  class Mean final : public LayerAttention {
   public:
    explicit Mean(int64_t layer) : layer_(layer) {}
    bool replaces(int64_t layer) const override { return layer == layer_; }
    void run(const LayerAttentionCall& call) override {
      for (int64_t h = 0; h < call.out.heads; ++h) {
        const MatrixView<const float> v = call.in.v.matrix(0, h);
        for (int64_t i = 0; i < v.rows; ++i) {
          for (int64_t c = 0; c < v.cols; ++c) {
            double sum = 0;
            for (int64_t j = 0; j < v.rows; ++j) sum += static_cast<double>(v.row(j)[c]);
            call.out.matrix(0, h).row(i)[c] = static_cast<float>(sum / static_cast<double>(v.rows));
          }
        }
      }
    }

   private:
    int64_t layer_;
  };
  for (int64_t layer = 0; layer < 2; ++layer) {
    double sum = 0;
    for (const TokenSequence& sequence : subject.sequences) {
      const std::span<const int32_t> ids(sequence.ids);
      ForwardPass exact(subject.loaded.model, make_mechanism("standard"), subject.loaded.run),
          changed(subject.loaded.model, make_mechanism("standard"), subject.loaded.run);
      Mean mean(layer);
      changed.replace_attention(&mean);
      const auto h = exact.run(TokenBatch{&ids, 1}, {}, a.layers, nullptr);
      const auto other = changed.run(TokenBatch{&ids, 1}, {}, a.layers, nullptr);
      double error = 0, norm = 0;
      for (int64_t i = 0; i < h.rows * h.cols; ++i) {
        error += std::pow(static_cast<double>(other.data[i]) - static_cast<double>(h.data[i]), 2);
        norm += std::pow(static_cast<double>(h.data[i]), 2);
      }
      sum += std::sqrt(error / norm);
    }
    CHECK(cell.one_replaced[static_cast<size_t>(layer)].hidden_error.mean == Approx(sum / 8).epsilon(1e-4));
  }
}

TEST_CASE("a chosen layer and head are replaced alone, and the others stay as they are") {
  Subject subject;
  const AccuracyResult all = subject.evaluate({.mechanisms = {"mean-v"}, .calibration = 0}),
                       some = subject.evaluate(
                           {.mechanisms = {"mean-v"}, .layers = {1}, .heads = {2}, .calibration = 0});
  REQUIRE(some.cells.front().heads.size() == 1);
  CHECK(some.cells.front().heads[0][0].output_error.mean ==
        Approx(all.cells.front().heads[1][2].output_error.mean));
  CHECK(some.cells.front().all_replaced->hidden_error.mean > 0);
  CHECK(some.cells.front().all_replaced->hidden_error.mean <
        all.cells.front().one_replaced[1].hidden_error.mean);
  CHECK(some.cells.front().all_replaced->hidden_error.mean ==
        Approx(some.cells.front().one_replaced[0].hidden_error.mean).epsilon(1e-3));
}

TEST_CASE("results depend on neither threads nor batches, and a resumed run has the same") {
  const TemporaryFolder folder;
  const AccuracyOptions options{.mechanisms = {"subspace:sharing=layer", "fitted", "local"}, .ks = {3}};
  const auto numbers = [&](int threads, int64_t batch, const AnalysisFiles& files, StopFlag* stop = nullptr) {
    Subject subject;
    subject.loaded.run.threads = threads;
    subject.loaded.run.stop = stop;
    AccuracyOptions own = options;
    own.batch = batch;
    return means(subject.evaluate(own, files));
  };
  const std::vector<double> one = numbers(1, 1, {});
  CHECK(numbers(2, 3, {}) == one);
  const AnalysisFiles files{.journal = folder.path("j"), .identity = "x"};
  CHECK(numbers(2, 1, files) == one);
  AnalysisFiles resumed = files;
  resumed.resume = true;
  CHECK(numbers(2, 1, resumed) == one);
  resumed.identity = "y";
  CHECK(code_of([&] { numbers(2, 1, resumed); }) == static_cast<int>(ErrorCode::kUsage));
}

TEST_CASE("a run that is stopped says what it has, and goes on from there") {
  const TemporaryFolder folder;
  AnalysisFiles files{.journal = folder.path("j"), .identity = "x"};
  class StopAt final : public Progress {
   public:
    explicit StopAt(StopFlag& flag) : flag_(flag) {}
    void advance(std::string_view unit, int64_t done, int64_t) override {
      if (unit == "sequences" && done == 2) flag_.request();
    }

   private:
    StopFlag& flag_;
  };
  const AccuracyOptions options{.mechanisms = {"svd"}, .ks = {3}, .calibration = 0, .batch = 1};
  StopFlag stop;
  StopAt progress(stop);
  Subject stopped;
  stopped.loaded.run.stop = &stop;
  stopped.loaded.run.progress = &progress;
  const AccuracyResult part = stopped.evaluate(options, files);
  CHECK_FALSE(part.complete);
  CHECK(part.sequences == 2);
  files.resume = true;
  Subject subject;
  const AccuracyResult whole = subject.evaluate(options, files);
  CHECK(whole.complete);
  CHECK(means(whole) == means(Subject().evaluate(options)));
}

TEST_CASE(
    "a forecast runs one sequence to learn from and one batch, and counts the journal and what fits keep") {
  Subject subject;
  const AccuracyOptions options{.mechanisms = {"fitted", "subspace", "svd"}, .ks = {3}};
  Accuracy accuracy(*subject.source, {}, subject.whole, options, subject.loaded.run);
  const AccuracyForecast forecast = accuracy.forecast({.journal = "somewhere"});
  CHECK(forecast.calibration_seconds > 0);
  CHECK(forecast.evaluation_seconds > 0);
  CHECK(forecast.disk_bytes > 0);
  Subject other, last;
  Accuracy whole(*other.source, {}, other.whole, options, other.loaded.run);
  whole.run({});
  CHECK(Accuracy(*last.source, {}, {}, options, last.loaded.run).forecast({}).disk_bytes == 0);
  CHECK(forecast.memory_bytes >= other.loaded.run.memory.peak_bytes());
  CHECK(forecast.memory_bytes < 2 * other.loaded.run.memory.peak_bytes());
}

TEST_CASE("models with random weights stand beside the model, averaged") {
  Subject subject;
  const AccuracyOptions options{.mechanisms = {"mean-v"}, .calibration = 0};
  std::vector<std::unique_ptr<Model>> models;
  std::vector<std::unique_ptr<AttentionSource>> sources;
  std::vector<double> alone;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    models.push_back(
        std::make_unique<Model>(Model::untrained(subject.loaded.plan, seed, subject.loaded.memory)));
    sources.push_back(make_model_source(*models.back(), subject.sequences, {}, subject.loaded.run));
    alone.push_back(Accuracy(*sources.back(), {}, {}, options, subject.loaded.run)
                        .run({})
                        .cells[0]
                        .model.output_error.mean);
  }
  const AccuracyResult result =
      Accuracy(*subject.source, {sources[0].get(), sources[1].get()}, {}, options, subject.loaded.run)
          .run({});
  REQUIRE(result.cells[0].untrained);
  CHECK(result.cells[0].untrained->output_error.mean == Approx((alone[0] + alone[1]) / 2).epsilon(1e-5));
  CHECK_FALSE(result.cells[0].all_replaced);
  CHECK_FALSE(result.loss);
}

TEST_CASE("cells are named with and without their k") {
  Subject subject;
  const Accuracy accuracy(*subject.source, {}, {},
                          {.mechanisms = {"subspace", "linformer:projection=mean-pooling", "svd", "flash",
                                          "nystrom:inverse=exact"},
                           .ks = {4}},
                          subject.loaded.run);
  const std::vector<AccuracyCell> cells = accuracy.cells();
  REQUIRE(cells.size() == 5);
  CHECK(cells[0].method == "subspace:sharing=head");
  CHECK(cells[1].method == "linformer:projection=mean-pooling");
  CHECK(cells[2].method == "svd");
  CHECK(cells[3].method == "flash");
  CHECK(cells[4].name == "nystrom:landmarks=4,inverse=exact");
  CHECK(cells[4].method == "nystrom:inverse=exact");
  CHECK(cells[2].k == 4);
  CHECK(cells[3].k == 0);
  CHECK(cells[4].k == 4);
  Subject other;
  CHECK(Accuracy(*other.source, {}, {}, {.mechanisms = {"svd"}}, other.loaded.run).options().ks ==
        std::vector<int64_t>{6, 3, 1});
}

TEST_CASE("what learns needs sequences to learn from, and all must be of one length") {
  Subject subject;
  CHECK(code_of([&] { subject.evaluate({.mechanisms = {"subspace"}, .ks = {2}, .calibration = 0}); }) ==
        static_cast<int>(ErrorCode::kUsage));
  subject.sequences[3].ids.pop_back();
  subject.source = make_model_source(subject.loaded.model, subject.sequences, {}, subject.loaded.run);
  CHECK(code_of([&] { subject.evaluate({.mechanisms = {"svd"}, .ks = {2}}); }) ==
        static_cast<int>(ErrorCode::kInput));
}

}  // namespace linformer
