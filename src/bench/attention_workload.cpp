// SPDX-License-Identifier: MIT
#include "bench/attention_workload.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/index.h"
#include "base/random_fill.h"
#include "bench/difference.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

// Streams of random numbers that begin with these are of nothing else in the program.
enum Purpose : uint32_t { kParameters = 0xb3, kRows };

constexpr int64_t kSampledRows = 16;
template <class T>
inline constexpr bool kIsF32 = std::is_same_v<T, float>;

double as_f64(float x) { return static_cast<double>(x); }
double as_f64(Bf16 x) { return static_cast<double>(f32_from(x)); }

template <class T>
T not_a_number() {
  if constexpr (kIsF32<T>) {
    return std::nanf("");
  } else {
    return bf16_from(std::nanf(""));
  }
}

// T: of Q, K, V and O.
template <class T>
class AttentionWorkload final : public Workload {
 public:
  AttentionWorkload(const AttentionShape& shape, std::unique_ptr<Mechanism> mechanism,
                    const BenchTensors& tensors, RawBuffer& workspace, uint64_t seed, Run& run)
      : shape_(shape),
        mechanism_(std::move(mechanism)),
        input_(tensors.input<T>(shape_)),
        output_(tensors.output<T>(shape_)),
        run_(run),
        workspace_(workspace),
        workspace_bytes_(
            workspace_bytes(*mechanism_, shape_, kIsF32<T> ? DType::kF32 : DType::kBF16, run.threads)) {
    if (shape_.causal && !mechanism_->traits().causal) {
      throw Error(ErrorCode::kUsage, {.found = "cannot be causal"});
    }
    make_parameters(seed);
    workspace_.reserve(run.memory, workspace_bytes_, "workspace");
  }

  void call() override {
    const std::span<std::byte> room = workspace_.span().first(index(workspace_bytes_));
    if constexpr (kIsF32<T>) {
      mechanism_->run(shape_, input_, output_, {}, room, run_);
    } else {
      mechanism_->run_bf16(shape_, input_, output_, {}, room, run_);
    }
  }

  FirstCall first_call(uint64_t seed) override;

 private:
  void make_parameters(uint64_t seed);
  CellError compared(int64_t b, int64_t h, std::span<const int64_t> rows) const;

  AttentionShape shape_;
  std::unique_ptr<Mechanism> mechanism_;
  AttentionInputOf<T> input_;
  HeadsView<T> output_;
  Run& run_;
  std::vector<Buffer<float>> parameters_;
  RawBuffer& workspace_;
  int64_t workspace_bytes_;
};

template <class T>
void AttentionWorkload<T>::make_parameters(uint64_t seed) {
  std::vector<const float*> pointers;
  for (const ParameterSpec& spec : mechanism_->parameters(shape_)) {
    const int64_t count = element_count(spec.shape).value();
    Buffer<float>& values = parameters_.emplace_back(run_.memory, count, "parameters");
    const uint32_t purpose = kParameters + static_cast<uint32_t>(parameters_.size()) * 256;
    if (spec.init.kind == ParameterInit::Kind::kNormal) {
      fill_normal({values.data(), index(count)}, spec.init.deviation, {.seed = seed, .purpose = purpose},
                  run_.threads);
    } else {
      std::fill_n(values.data(), count, spec.init.kind == ParameterInit::Kind::kOnes ? 1.0f : 0.0f);
    }
    pointers.push_back(values.data());
  }
  mechanism_->prepare(shape_, pointers);
}

template <class T>
FirstCall AttentionWorkload<T>::first_call(uint64_t seed) {
  Random random({.seed = seed, .purpose = kRows});
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random.below(static_cast<uint32_t>(bound)));
  };
  const int64_t b = below(shape_.batch), h = below(shape_.heads);
  // The first and the last, where masks and tiles end, and some between.
  std::vector<int64_t> rows = {0, shape_.queries - 1};
  while (std::ssize(rows) < kSampledRows) rows.push_back(below(shape_.queries));
  // What another cell left here must not pass for this one's.
  const MatrixView<T> ours = output_.matrix(b, h);
  for (const int64_t row : rows) std::fill_n(ours.row(row), ours.cols, not_a_number<T>());
  const auto begin = std::chrono::steady_clock::now();
  const int64_t held = run_.memory.current_bytes();
  call();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
  const int64_t rounded = kIsF32<T> ? 0 : mechanism_->bf16_parameter_bytes(shape_);
  return {.ns = elapsed.count(),
          .extra_bytes = run_.memory.current_bytes() - held - rounded,
          .error = compared(b, h, rows)};
}

template <class T>
CellError AttentionWorkload<T>::compared(int64_t b, int64_t h, std::span<const int64_t> rows) const {
  ReferenceRows truth;
  if constexpr (kIsF32<T>) {
    truth = mechanism_->reference(shape_, input_, b, h, rows);
  } else {
    truth = mechanism_->reference_bf16(shape_, input_, b, h, rows);
  }
  const MatrixView<T> ours = output_.matrix(b, h);
  Difference difference;
  for (size_t i = 0; i < truth.o.size(); ++i) {
    const auto column = static_cast<int64_t>(i) % shape_.value_size;
    const int64_t row = rows[i / index(shape_.value_size)];
    difference.add(as_f64(ours.row(row)[column]), truth.o[i]);
  }
  const bool exact = mechanism_->traits().fidelity == Fidelity::kExact;
  return {.error = difference.relative(),
          .bound = truth.amplification * (kIsF32<T> ? difference_bound(truth.largest_score)
                                                    : bf16_difference_bound(exact ? 0 : truth.largest_score)),
          .rows = std::ssize(rows)};
}

}  // namespace

std::unique_ptr<Workload> make_attention_workload(const BenchCell& cell, std::unique_ptr<Mechanism> mechanism,
                                                  const BenchTensors& tensors, RawBuffer& workspace,
                                                  uint64_t seed, Run& run) {
  const AttentionShape shape = shape_of(cell);
  if (cell.dtype == DType::kBF16) {
    return std::make_unique<AttentionWorkload<Bf16>>(shape, std::move(mechanism), tensors, workspace, seed,
                                                     run);
  }
  return std::make_unique<AttentionWorkload<float>>(shape, std::move(mechanism), tensors, workspace, seed,
                                                    run);
}

int64_t workspace_bytes(const Mechanism& mechanism, const AttentionShape& shape, DType type, int threads) {
  return type == DType::kBF16 ? mechanism.bf16_workspace_bytes(shape, threads, false)
                              : mechanism.workspace_bytes(shape, threads, false);
}

}  // namespace linformer
