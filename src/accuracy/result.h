// SPDX-License-Identifier: MIT
// What replacing attention costs, as plain values; report/ writes it, cli/ shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spectrum/result.h"

namespace linformer {

/// A replacement at one k.
struct AccuracyCell {
  std::string name = {};    ///< canonical, "subspace:k=64,sharing=head"
  std::string method = {};  ///< the same without k, "subspace:sharing=head"
  int64_t k = 0;            ///< 0: it has none
  std::string kind = {};    ///< "exact", "optimum", "approximates", "untrained"
  bool calibrated = false;
  bool distribution = false;  ///< there is a divergence
};

/// Of heads: ‖Ô − O‖/‖O‖, 1 − ‖Ô − O‖²/‖O − mean V‖², and the mean over rows of KL(P‖P̂) in nats.
struct HeadAccuracy {
  Summary output_error = {}, skill = {};
  std::optional<Summary> divergence = {};  ///< infinite where P̂ has no weight and P has
};

/// Of the whole model beside what it is without replacement.
struct ModelAccuracy {
  Summary hidden_error = {};  ///< ‖Ĥ − H‖/‖H‖ of the last hidden states
  std::optional<Summary> loss_increase = {}, agreement = {};  ///< nats; the share of equal top predictions
};

struct CellAccuracy {
  AccuracyCell cell = {};
  HeadAccuracy model = {};
  std::vector<HeadAccuracy> layers = {};              ///< [layer]
  std::vector<std::vector<HeadAccuracy>> heads = {};  ///< [layer][head]
  /// The same of untrained models, if any were run.
  std::optional<HeadAccuracy> untrained = {};
  std::vector<HeadAccuracy> untrained_layers = {};  ///< [layer]
  std::optional<ModelAccuracy> all_replaced = {};   ///< in all layers at once; none: not measured
  std::vector<ModelAccuracy> one_replaced = {};     ///< [layer], in that one alone; empty: not measured
};

/// A cell that must be exact may differ by the rounding of f32.
inline constexpr double kExactTolerance = 1e-4;

struct AccuracyChecks {
  int64_t exact_cells = 0;         ///< those whose kind is "exact"
  double largest_exact_error = 0;  ///< output error of any head, and error of hidden states
  bool passed() const { return largest_exact_error <= kExactTolerance; }
};

struct AccuracySeconds {
  double load = 0, calibration = 0, total = 0;
};

struct AccuracyResult {
  std::vector<int64_t> layers = {}, heads = {};  ///< which of the model
  int64_t length = 0;                            ///< n
  int64_t head_size = 0;                         ///< d
  int64_t calibration_sequences = 0;
  int64_t calibration_documents = 0;  ///< 0: evaluation has sequences of the same document
  int64_t sequences = 0;              ///< evaluated
  int64_t planned_sequences = 0;
  bool complete = true;
  int64_t units = 0;
  std::string unit = {};  ///< "document" or "block of sequences"
  double confidence = 0.95;
  std::string loss_name = {};        ///< of the model's task; empty: it has no head, or nothing to predict
  std::optional<Summary> loss = {};  ///< of the model as it is, nats a prediction
  std::vector<CellAccuracy> cells = {};
  AccuracyChecks checks = {};
  AccuracySeconds seconds = {};
};

}  // namespace linformer
