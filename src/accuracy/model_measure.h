// SPDX-License-Identifier: MIT
// What a whole model gives on a sequence when attention is replaced, in one layer or in all.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "accuracy/head_pass.h"
#include "model/language_model.h"

namespace linformer {

/// Beside the model as it is. Loss and agreement are 0 of a model without a head and of sequences that
/// predict nothing.
struct ModelErrors {
  double hidden_error = 0;  ///< ‖Ĥ − H‖_F / ‖H‖_F of the last hidden states
  double loss = 0;          ///< mean cross-entropy of its predictions, nats
  double agreement = 0;     ///< share of the predictions whose best id is the same
};

/// Heads that are not chosen, and layers, stay as they are.
class ModelMeasure {
 public:
  /// Tells what cell `cell` made of the model: of the chosen layers, `layer` alone replaced, or all (their
  /// number).
  using OnCell = std::function<void(int64_t cell, int64_t layer, const ModelErrors& errors)>;
  struct Parts {
    bool layers = true;  ///< one layer at a time
    bool model = true;   ///< all of them
  };

  /// A model of tokens with one stack; everything must outlive it.
  ModelMeasure(const Model& model, Parts parts, const HeadSelection& selection, const SourceFacts& facts,
               const Replacements& replacements, std::vector<HeadWorkspace>& workspaces, Run& run);
  ~ModelMeasure();

  /// Returns the loss of the model as it is.
  double measure(const Prediction& sequence, const OnCell& on_cell);

  /// What stands in for one layer's attention; null: it stays as it is.
  struct Choice {
    const Replacement* replacement = nullptr;
    int64_t k = 0;
  };
  struct Chosen {
    ModelErrors errors;
    double exact_loss = 0;
  };
  /// A choice for each of the chosen layers, all at once.
  Chosen measure_choices(const Prediction& sequence, const std::vector<Choice>& layers);

 private:
  class Stage;
  class Replaced;

  ModelErrors errors_of(const Prediction& sequence, MatrixView<const float> hidden);
  double run_exact(const Prediction& sequence);
  ModelErrors run_replaced(const Prediction& sequence, const std::vector<Choice>& layers);
  void measure_layers(const Prediction& sequence, const OnCell& on_cell);
  void measure_model(const Prediction& sequence, const OnCell& on_cell);

  const Model& model_;
  Parts parts_;
  const HeadSelection& selection_;
  const SourceFacts& facts_;
  const Replacements& replacements_;
  std::vector<HeadWorkspace>& workspaces_;
  Run& run_;
  ForwardPass exact_, changed_;
  std::optional<PredictionJudge> judge_;
  std::unique_ptr<Replaced> replaced_;
  Buffer<float> hidden_;  ///< the exact last hidden states [n, width]
  JudgedPredictions judged_;
};

}  // namespace linformer
