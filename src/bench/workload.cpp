// SPDX-License-Identifier: MIT
#include "bench/workload.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"

namespace linformer {
namespace {

// Streams of random numbers that begin with these are of nothing else in the program.
enum Purpose : uint32_t { kQueries = 0xb0, kKeys, kValues, kParameters, kRows };

// Errors that f32 arithmetic in the order of a fast kernel makes, of the largest |O|: of its sums, and of
// scores of that size, which the weights show.
double error_bound(double largest_score) { return 1e-5 * std::max(1.0, largest_score / 100); }
constexpr int64_t kSampledRows = 16;

constexpr int64_t kPiece = 1 << 16;  // elements of one stream

void fill_normal(float* out, int64_t count, float deviation, uint64_t seed, uint32_t purpose, int threads) {
  parallel_for(threads, (count + kPiece - 1) / kPiece, [&](int64_t piece, int) {
    Random random({.seed = seed, .purpose = purpose, .index = static_cast<uint64_t>(piece)});
    const int64_t end = std::min(count, (piece + 1) * kPiece);
    for (int64_t i = piece * kPiece; i < end; ++i) out[i] = deviation * random.normal();
  });
}

template <class T>
HeadsView<T> dense_heads(T* data, const AttentionShape& s) {
  const int64_t n = s.queries, d = s.head_size;
  return {data, s.batch, s.heads, n, d, s.heads * n * d, n * d, d};
}

int64_t elements(const AttentionShape& s) { return s.batch * s.heads * s.queries * s.head_size; }

}  // namespace

BenchTensors::BenchTensors(int64_t count, float score_deviation, uint64_t seed, Run& run)
    : q_(run.memory, count, "queries"),
      k_(run.memory, count, "keys"),
      v_(run.memory, count, "values"),
      o_(run.memory, count, "attention output") {
  fill_normal(q_.data(), count, score_deviation, seed, kQueries, run.threads);
  fill_normal(k_.data(), count, 1, seed, kKeys, run.threads);
  fill_normal(v_.data(), count, 1, seed, kValues, run.threads);
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

Workload::Workload(const AttentionShape& shape, std::unique_ptr<Mechanism> mechanism,
                   const BenchTensors& tensors, uint64_t seed, Run& run)
    : shape_(shape),
      mechanism_(std::move(mechanism)),
      input_(tensors.input(shape_)),
      output_(tensors.output(shape_)),
      run_(run) {
  if (shape_.causal && !mechanism_->traits().causal) {
    throw Error(ErrorCode::kUsage, {.found = "cannot be causal"});
  }
  make_parameters(seed);
  workspace_ = RawBuffer(run.memory, mechanism_->workspace_bytes(shape_, run.threads, false), "workspace");
}

void Workload::make_parameters(uint64_t seed) {
  std::vector<const float*> pointers;
  for (const ParameterSpec& spec : mechanism_->parameters(shape_)) {
    const int64_t count = element_count(spec.shape).value();
    Buffer<float>& values = parameters_.emplace_back(run_.memory, count, "parameters");
    const uint32_t purpose = kParameters + static_cast<uint32_t>(parameters_.size()) * 256;
    if (spec.init.kind == ParameterInit::Kind::kNormal) {
      fill_normal(values.data(), count, spec.init.deviation, seed, purpose, run_.threads);
    } else {
      std::fill_n(values.data(), count, spec.init.kind == ParameterInit::Kind::kOnes ? 1.0f : 0.0f);
    }
    pointers.push_back(values.data());
  }
  mechanism_->prepare(shape_, pointers);
}

void Workload::call() { mechanism_->run(shape_, input_, output_, {}, workspace_.span(), run_); }

FirstCall Workload::first_call(uint64_t seed) {
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
  const int64_t extra = run_.memory.current_bytes() - held;
  const auto [truth, largest_score] = mechanism_->reference(shape_, input_, b, h, rows);
  double most = 0, error = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const auto column = static_cast<int64_t>(i) % shape_.value_size;
    const float value = ours.row(rows[i / static_cast<size_t>(shape_.value_size)])[column];
    most = std::max(most, std::abs(truth[i]));
    const double difference = std::abs(static_cast<double>(value) - truth[i]);
    if (std::isnan(difference) || difference > error) error = difference;
    if (std::isnan(error)) break;
  }
  return {.ns = elapsed.count(),
          .extra_bytes = extra,
          .error = {.error = error / most, .bound = error_bound(largest_score), .rows = std::ssize(rows)}};
}

}  // namespace linformer
