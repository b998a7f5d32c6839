// SPDX-License-Identifier: MIT
#include "bench/attention_subject.h"

#include <algorithm>

#include "bench/attention_workload.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

class AttentionWorkbench final : public Workbench {
 public:
  /// `largest`: of all cells.
  AttentionWorkbench(const AttentionShape& largest, BenchTensors::Types types, const HeadValues& values,
                     uint64_t seed, MechanismMaker make, Run& run)
      : tensors_(largest, types, run), seed_(seed), make_(std::move(make)), run_(run) {
    values.fill(largest, tensors_, run);
    score_deviation_ = tensors_.score_deviation(largest, run.threads);
  }

  std::unique_ptr<Workload> make_ready(const BenchCell& cell) override {
    return make_attention_workload(cell, make_(cell.mechanism), tensors_, workspace_, seed_, run_);
  }
  std::optional<double> score_deviation() const override { return score_deviation_; }

 private:
  BenchTensors tensors_;
  double score_deviation_;
  RawBuffer workspace_;  ///< of one cell at a time
  uint64_t seed_;
  MechanismMaker make_;
  Run& run_;
};

}  // namespace

std::string AttentionSubject::name() const {
  const std::string origin = values_->origin();
  return origin.empty() ? "attention" : "attention of heads of " + origin;
}

CellPrediction AttentionSubject::predict(const BenchCell& cell, Run& run) const {
  values_->require(cell);
  const AttentionShape s = shape_of(cell);
  const auto mechanism = make_mechanism(cell.mechanism);
  CellPrediction p{.flops = mechanism->flops(s),
                   .tensor_bytes = 2 * (query_elements(s) + key_elements(s)) * size_of(cell.dtype),
                   .workspace_bytes = workspace_bytes(*mechanism, s, cell.dtype, run.threads)};
  for (const ParameterSpec& spec : mechanism->parameters(s)) {
    p.parameter_bytes += element_count(spec.shape).value() * static_cast<int64_t>(sizeof(float));
  }
  if (cell.dtype == DType::kBF16) p.parameter_bytes += mechanism->bf16_parameter_bytes(s);
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

// Tensors are those of the largest cell: a cell with fewer sequences, or fewer heads of one, has its first.
std::unique_ptr<Workbench> AttentionSubject::open(std::span<const BenchCell> cells, Run& run) const {
  const auto size = [](const BenchCell& cell) { return key_elements(shape_of(cell)); };
  const auto any = [&](DType type) {
    return std::ranges::find(cells, type, &BenchCell::dtype) != cells.end();
  };
  return std::make_unique<AttentionWorkbench>(
      shape_of(*std::ranges::max_element(cells, {}, size)),
      BenchTensors::Types{.f32 = any(DType::kF32), .bf16 = any(DType::kBF16)}, *values_, seed_, make_, run);
}

}  // namespace linformer
