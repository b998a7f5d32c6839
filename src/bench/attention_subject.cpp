// SPDX-License-Identifier: MIT
#include "bench/attention_subject.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random_fill.h"
#include "bench/difference.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

// Streams of random numbers that begin with these are of nothing else in the program.
enum Purpose : uint32_t { kQueries = 0xb0, kKeys, kValues, kParameters, kRows };

constexpr int64_t kSampledRows = 16;

std::span<float> span_of(const Buffer<float>& buffer) {
  return {buffer.data(), static_cast<size_t>(buffer.size())};
}

template <class T>
HeadsView<T> dense_heads(T* data, const AttentionShape& s) {
  const int64_t n = s.queries, d = s.head_size;
  return {data, s.batch, s.heads, n, d, s.heads * n * d, n * d, d};
}

int64_t elements(const AttentionShape& s) { return s.batch * s.heads * s.queries * s.head_size; }

class AttentionWorkload final : public Workload {
 public:
  /// `workspace` grows to what it needs.
  AttentionWorkload(const AttentionShape& shape, std::unique_ptr<Mechanism> mechanism,
                    const BenchTensors& tensors, RawBuffer& workspace, uint64_t seed, Run& run)
      : shape_(shape),
        mechanism_(std::move(mechanism)),
        input_(tensors.input(shape_)),
        output_(tensors.output(shape_)),
        run_(run),
        workspace_(workspace),
        workspace_bytes_(mechanism_->workspace_bytes(shape_, run.threads, false)) {
    if (shape_.causal && !mechanism_->traits().causal) {
      throw Error(ErrorCode::kUsage, {.found = "cannot be causal"});
    }
    make_parameters(seed);
    workspace_.reserve(run.memory, workspace_bytes_, "workspace");
  }

  void call() override {
    const std::span<std::byte> room = workspace_.span().first(static_cast<size_t>(workspace_bytes_));
    mechanism_->run(shape_, input_, output_, {}, room, run_);
  }
  FirstCall first_call(uint64_t seed) override;

 private:
  void make_parameters(uint64_t seed);
  CellError compared(int64_t b, int64_t h, std::span<const int64_t> rows) const;

  AttentionShape shape_;
  std::unique_ptr<Mechanism> mechanism_;
  AttentionInput input_;
  HeadsView<float> output_;
  Run& run_;
  std::vector<Buffer<float>> parameters_;
  RawBuffer& workspace_;
  int64_t workspace_bytes_;
};

class AttentionWorkbench final : public Workbench {
 public:
  AttentionWorkbench(int64_t elements, float score_deviation, uint64_t seed, MechanismMaker make, Run& run)
      : tensors_(elements, score_deviation, seed, run), seed_(seed), make_(std::move(make)), run_(run) {}

  std::unique_ptr<Workload> make_ready(const BenchCell& cell) override {
    return std::make_unique<AttentionWorkload>(shape_of(cell), make_(cell.mechanism), tensors_, workspace_,
                                               seed_, run_);
  }

 private:
  BenchTensors tensors_;
  RawBuffer workspace_;  ///< of one cell at a time
  uint64_t seed_;
  MechanismMaker make_;
  Run& run_;
};

}  // namespace

BenchTensors::BenchTensors(int64_t count, float score_deviation, uint64_t seed, Run& run)
    : q_(run.memory, count, "queries"),
      k_(run.memory, count, "keys"),
      v_(run.memory, count, "values"),
      o_(run.memory, count, "attention output") {
  fill_normal(span_of(q_), score_deviation, {.seed = seed, .purpose = kQueries}, run.threads);
  fill_normal(span_of(k_), 1, {.seed = seed, .purpose = kKeys}, run.threads);
  fill_normal(span_of(v_), 1, {.seed = seed, .purpose = kValues}, run.threads);
}

AttentionInput BenchTensors::input(const AttentionShape& s) const {
  return {.q = dense_heads<const float>(q_.data(), s),
          .k = dense_heads<const float>(k_.data(), s),
          .v = dense_heads<const float>(v_.data(), s)};
}

HeadsView<float> BenchTensors::output(const AttentionShape& s) const { return dense_heads(o_.data(), s); }

int64_t BenchTensors::bytes(const AttentionShape& s) {
  return 4 * elements(s) * static_cast<int64_t>(sizeof(float));
}

void AttentionWorkload::make_parameters(uint64_t seed) {
  std::vector<const float*> pointers;
  for (const ParameterSpec& spec : mechanism_->parameters(shape_)) {
    const int64_t count = element_count(spec.shape).value();
    Buffer<float>& values = parameters_.emplace_back(run_.memory, count, "parameters");
    const uint32_t purpose = kParameters + static_cast<uint32_t>(parameters_.size()) * 256;
    if (spec.init.kind == ParameterInit::Kind::kNormal) {
      fill_normal(span_of(values), spec.init.deviation, {.seed = seed, .purpose = purpose}, run_.threads);
    } else {
      std::fill_n(values.data(), count, spec.init.kind == ParameterInit::Kind::kOnes ? 1.0f : 0.0f);
    }
    pointers.push_back(values.data());
  }
  mechanism_->prepare(shape_, pointers);
}

FirstCall AttentionWorkload::first_call(uint64_t seed) {
  Random random({.seed = seed, .purpose = kRows});
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random.below(static_cast<uint32_t>(bound)));
  };
  const int64_t b = below(shape_.batch), h = below(shape_.heads);
  // The first and the last, where masks and tiles end, and some between.
  std::vector<int64_t> rows = {0, shape_.queries - 1};
  while (std::ssize(rows) < kSampledRows) rows.push_back(below(shape_.queries));
  // What another cell left here must not pass for this one's.
  const MatrixView<float> ours = output_.matrix(b, h);
  for (const int64_t row : rows) std::fill_n(ours.row(row), ours.cols, std::nanf(""));
  const auto begin = std::chrono::steady_clock::now();
  const int64_t held = run_.memory.current_bytes();
  call();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
  return {.ns = elapsed.count(),
          .extra_bytes = run_.memory.current_bytes() - held,
          .error = compared(b, h, rows)};
}

CellError AttentionWorkload::compared(int64_t b, int64_t h, std::span<const int64_t> rows) const {
  const ReferenceRows truth = mechanism_->reference(shape_, input_, b, h, rows);
  const MatrixView<float> ours = output_.matrix(b, h);
  Difference difference;
  for (size_t i = 0; i < truth.o.size(); ++i) {
    const auto column = static_cast<int64_t>(i) % shape_.value_size;
    const int64_t row = rows[i / static_cast<size_t>(shape_.value_size)];
    difference.add(static_cast<double>(ours.row(row)[column]), truth.o[i]);
  }
  return {.error = difference.relative(),
          .bound = difference_bound(truth.largest_score),
          .rows = std::ssize(rows)};
}

CellPrediction AttentionSubject::predict(const BenchCell& cell, Run& run) const {
  const AttentionShape s = shape_of(cell);
  const auto mechanism = make_mechanism(cell.mechanism);
  CellPrediction p{.flops = mechanism->flops(s),
                   .tensor_bytes = BenchTensors::bytes(s),
                   .workspace_bytes = mechanism->workspace_bytes(s, run.threads, false)};
  for (const ParameterSpec& spec : mechanism->parameters(s)) {
    p.parameter_bytes += element_count(spec.shape).value() * static_cast<int64_t>(sizeof(float));
  }
  return p;
}

BenchCell AttentionSubject::reduced(BenchCell cell, double share) const {
  if (share >= 1) return cell;
  const double batch = share * static_cast<double>(cell.batch);
  if (batch >= 1) {
    cell.batch = static_cast<int64_t>(batch);
    return cell;
  }
  const auto heads = static_cast<int64_t>(batch * static_cast<double>(cell.heads));
  cell.batch = 1;
  cell.heads =
      std::min<int64_t>(cell.heads, std::max<int64_t>(cell.threads, heads / cell.threads * cell.threads));
  return cell;
}

// Tensors are those of the largest cell.
std::unique_ptr<Workbench> AttentionSubject::open(std::span<const BenchCell> cells, Run& run) const {
  int64_t most = 0;
  for (const BenchCell& cell : cells) most = std::max(most, elements(shape_of(cell)));
  return std::make_unique<AttentionWorkbench>(most, score_deviation_, seed_, make_, run);
}

}  // namespace linformer
