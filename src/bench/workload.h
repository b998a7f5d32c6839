// SPDX-License-Identifier: MIT
// What a bench times, whatever its level: how a cell is predicted, cut down, made ready, checked and called.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "attention/mechanism.h"
#include "base/run.h"
#include "bench/result.h"

namespace linformer {

struct FirstCall {
  double ns = 0;            ///< without the check
  int64_t extra_bytes = 0;  ///< that it took beyond what was predicted
  CellError error;
};

/// A cell ready to be called.
class Workload {
 public:
  virtual ~Workload() = default;
  virtual void call() = 0;
  /// The same for the first time, compared with plain loops in f64 at places that `seed` chooses.
  virtual FirstCall first_call(uint64_t seed) = 0;
};

/// What the cells of one shape are run on and share.
class Workbench {
 public:
  virtual ~Workbench() = default;
  /// Throws Error(kUsage) for what the mechanism cannot do, Error(kMemory) if it does not fit. It must
  /// outlive the workload.
  virtual std::unique_ptr<Workload> make_ready(const BenchCell& cell) = 0;
  /// What the scores s q·k of a query scatter by, where they are the same for all mechanisms.
  virtual std::optional<double> score_deviation() const { return std::nullopt; }
};

/// What a cell will take, before it is run.
struct CellPrediction {
  double flops = 0;             ///< of one call
  int64_t tensor_bytes = 0;     ///< what is given and what comes out
  int64_t workspace_bytes = 0;  ///< what it works in
  int64_t parameter_bytes = 0;  ///< weights, E and F, and what is kept of them in bf16
  int64_t bytes() const { return tensor_bytes + workspace_bytes + parameter_bytes; }
};

/// What is timed: attention alone, or layers of a model.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Level level() const = 0;
  /// "attention", "a layer of roberta-base", "roberta-base".
  virtual std::string name() const = 0;
  /// With as many threads as `run` has. Throws Error(kUsage) for a cell that cannot be.
  virtual CellPrediction predict(const BenchCell& cell, Run& run) const = 0;
  /// The cell with this share of its work left, or the least that still is of its kind; from 1 on, all of it.
  virtual BenchCell reduced(BenchCell cell, double share) const = 0;
  /// For these cells of one shape, which may have been reduced. Throws Error(kMemory).
  virtual std::unique_ptr<Workbench> open(std::span<const BenchCell> cells, Run& run) const = 0;
};

/// Makes the mechanism of a cell; tests have others made.
using MechanismMaker = std::function<std::unique_ptr<Mechanism>(const std::string& canonical)>;
inline std::unique_ptr<Mechanism> make_registered(const std::string& canonical) {
  return make_mechanism(canonical);
}

}  // namespace linformer
