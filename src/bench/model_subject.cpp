// SPDX-License-Identifier: MIT
#include "bench/model_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random_fill.h"
#include "bench/drawn_input.h"
#include "bench/layer_check.h"
#include "bench/model_flops.h"
#include "bench/sweep.h"
#include "model/forward.h"

namespace linformer {
namespace {

// What stands for a cell's mechanism in a forward pass.
struct Attention {
  std::unique_ptr<Mechanism> mechanism;
  std::optional<DrawnProjection> projection;

  const DrawnProjection* slots() const { return projection ? &*projection : nullptr; }
};

// Over a Linformer's slots runs flash, as in its mechanism.
Attention attention_of(const BenchCell& cell, const Architecture& a, const MechanismMaker& make,
                       uint64_t seed, Run& run) {
  if (const auto linformer = linformer_of(cell)) {
    return {make("flash"), draw_projection(a, *linformer, cell.length, seed, run)};
  }
  Attention attention{make(cell.mechanism), std::nullopt};
  if (a.causal && !attention.mechanism->traits().causal) {
    throw Error(ErrorCode::kUsage, {.found = "cannot be causal"});
  }
  if (attention.mechanism->parameters(shape_of(cell)).empty()) return attention;
  throw Error(ErrorCode::kUnsupported, {.subject = cell.mechanism,
                                        .found = "a mechanism with parameters in a model",
                                        .expected = "one without, or linformer"});
}

class ModelWorkbench;

class ModelWorkload final : public Workload {
 public:
  ModelWorkload(const BenchCell& cell, Attention attention, ModelWorkbench& bench)
      : cell_(cell), attention_(std::move(attention)), bench_(bench) {}

  void call() override { run(nullptr); }
  FirstCall first_call(uint64_t seed) override;

 private:
  void run(LayerVisitor* visitor);

  BenchCell cell_;
  Attention attention_;
  ModelWorkbench& bench_;
};

// One pass whose buffers and packed weights serve every cell.
class ModelWorkbench final : public Workbench {
 public:
  ModelWorkbench(const Model& model, const BenchCell& largest, uint64_t seed, MechanismMaker make, Run& run)
      : model_(model),
        seed_(seed),
        make_(std::move(make)),
        run_(run),
        pass_(model, make_mechanism("flash"), run),
        input_(model.architecture(), largest, seed, run) {}

  std::unique_ptr<Workload> make_ready(const BenchCell& cell) override {
    return std::make_unique<ModelWorkload>(
        cell, attention_of(cell, model_.architecture(), make_, seed_, run_), *this);
  }

 private:
  friend class ModelWorkload;

  const Model& model_;
  uint64_t seed_;
  MechanismMaker make_;
  Run& run_;
  ForwardPass pass_;
  DrawnInput input_;
};

void ModelWorkload::run(LayerVisitor* visitor) {
  bench_.pass_.attend_by(*attention_.mechanism, attention_.slots());
  bench_.pass_.run(bench_.input_.of(cell_), {}, cell_.layers, visitor);
}

FirstCall ModelWorkload::first_call(uint64_t seed) {
  // What the cell before left in the buffers is of another input, and cannot pass for this one's.
  bench_.input_.draw_again();
  bench_.pass_.attend_by(*attention_.mechanism, attention_.slots());
  MemoryAccount& memory = bench_.run_.memory;
  const int64_t announced = bench_.pass_.buffer_bytes(cell_.batch, cell_.length, {});
  const int64_t held = memory.current_bytes();
  LayerCheck check(bench_.model_, *attention_.mechanism, attention_.slots(), seed, bench_.run_.threads);
  const auto begin = std::chrono::steady_clock::now();
  run(&check);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return {.ns = (elapsed.count() - check.seconds()) * 1e9,
          .extra_bytes = std::max<int64_t>(0, memory.current_bytes() - held - announced),
          .error = check.error()};
}

}  // namespace

ModelSubject::ModelSubject(const Model& model, std::string name, uint64_t seed, MechanismMaker make)
    : model_(model), name_(std::move(name)), seed_(seed), make_(std::move(make)) {
  const Architecture& a = model.architecture();
  if (model.encoder() == nullptr && !a.projection && !a.image && a.rotary_frequencies.empty()) return;
  throw Error(ErrorCode::kUnsupported,
              {.subject = name_,
               .found = "a decoder, images, rotary positions, or a projection of its own",
               .expected = "an encoder of hidden states or text with attention to all keys"});
}

CellPrediction ModelSubject::predict(const BenchCell& cell, Run& run) const {
  const Architecture& a = model_.architecture();
  if (cell.length > a.positions) {
    throw Error(ErrorCode::kUsage,
                {.found = fmt::format("n = {}", cell.length),
                 .expected = fmt::format("at most the model's {} positions", a.positions)});
  }
  CellPrediction p{.flops = static_cast<double>(cell.layers) * layer_flops(a, cell),
                   .tensor_bytes = DrawnInput::bytes(a, cell)};
  ForwardPass pass(model_, make_mechanism("flash"), run);
  const auto linformer = linformer_of(cell);
  const auto mechanism = make_mechanism(linformer ? "flash" : cell.mechanism);
  std::optional<DrawnProjection> sizes;
  if (linformer) {
    sizes = lay_out_projection(a, *linformer, cell.length);
    p.parameter_bytes = projection_bytes(a, *linformer, cell.length);
  }
  pass.attend_by(*mechanism, sizes ? &*sizes : nullptr);
  const int64_t bytes = pass.buffer_bytes(cell.batch, cell.length, {});
  p.workspace_bytes = bytes - pass.packed_bytes();
  p.parameter_bytes += model_.bytes() + pass.packed_bytes();
  return p;
}

BenchCell ModelSubject::reduced(BenchCell cell, double share) const {
  if (share >= 1) return cell;
  const double batch = share * static_cast<double>(cell.batch);
  if (batch >= 1) {
    cell.batch = static_cast<int64_t>(batch);
    return cell;
  }
  cell.layers = std::max<int64_t>(1, static_cast<int64_t>(batch * static_cast<double>(cell.layers)));
  cell.batch = 1;
  return cell;
}

std::unique_ptr<Workbench> ModelSubject::open(std::span<const BenchCell> cells, Run& run) const {
  const auto most = std::ranges::max_element(cells, {}, &BenchCell::batch);
  return std::make_unique<ModelWorkbench>(model_, *most, seed_, make_, run);
}

}  // namespace linformer
