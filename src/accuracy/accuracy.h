// SPDX-License-Identifier: MIT
// What replacements of attention cost on a model and a text: calibration on some documents, then the others,
// batch by batch, journalled.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accuracy/head_pass.h"
#include "accuracy/model_measure.h"
#include "accuracy/record_keys.h"
#include "accuracy/result.h"
#include "accuracy/split.h"
#include "spectrum/analysis.h"

namespace linformer {

struct AccuracyOptions {
  std::vector<std::string> mechanisms;           ///< specifications of replacements
  std::vector<int64_t> ks = {};                  ///< of those that name none; empty: n/32 to n/2
  std::vector<int64_t> layers = {}, heads = {};  ///< empty: all
  double calibration = 0.5;                      ///< share of the sequences; 0: none
  uint64_t seed = 1;                             ///< of random parameters
  int64_t batch = 0;                             ///< sequences at a time; 0: about 2048 tokens
};

/// The model that the source runs, for what replacements cost it as a whole.
struct WholeModel {
  const Model* model = nullptr;              ///< null: heads alone are measured
  std::vector<Prediction> predictions = {};  ///< of every sequence
  std::string loss_name = {};                ///< of what they predict; empty: nothing
  ModelMeasure::Parts parts = {};
};

/// What a run will take.
struct AccuracyForecast {
  double calibration_seconds = 0, evaluation_seconds = 0;
  int64_t memory_bytes = 0;  ///< of all buffers, weights included, at most
  int64_t disk_bytes = 0;    ///< of the journal, while its next version is written
};

/// An evaluation that has been checked against its source. The sources and the run must outlive it.
class Accuracy {
 public:
  /// `untrained`: sources of the same sequences through models with random weights, beside which the model's
  /// own are set. Throws Error(kUsage) for replacements, layers and heads that cannot be, Error(kInput) for
  /// sequences that differ in length, Error(kUnsupported) for Linformers, and in causal heads for what is not
  /// causal.
  Accuracy(AttentionSource& source, std::vector<AttentionSource*> untrained, WholeModel whole,
           AccuracyOptions options, Run& run);

  const AccuracyOptions& options() const { return options_; }
  const Split& split() const { return split_; }
  std::vector<AccuracyCell> cells() const;

  /// What was learnt of the model itself. After run().
  std::vector<LearntTensor> learnt() const;

  /// Guessed from one calibration sequence and one batch, which are run. What was learnt from these stays: to
  /// be called instead of run().
  AccuracyForecast forecast(const AnalysisFiles& files);

  /// Calibrates, which a resumed run does again, and evaluates. The journal stays until discard().
  AccuracyResult run(const AnalysisFiles& files);

  /// After run(): the model with a cell in each of the chosen layers, all at once, on the evaluation
  /// sequences; −1: that layer stays as it is. Only with a whole model.
  ModelAccuracy of_choice(const std::vector<int64_t>& cells_of_layers);

 private:
  /// A model and what was made for it.
  struct Subject {
    AttentionSource& source;
    Replacements replacements;
  };

  const Replacements& replacements() const { return subjects_.front().replacements; }
  void choose();
  RecordKeys keys() const;
  RecordLayout record_layout() const;
  void evaluate(std::span<const int64_t> batch, ModelMeasure* model, Records& records);
  void evaluate_heads(size_t subject, std::span<const int64_t> batch, Records& records);
  void evaluate_model(int64_t sequence, ModelMeasure& model, Records& records);

  const SourceFacts& facts_;
  WholeModel whole_;
  AccuracyOptions options_;
  Run& run_;
  Split split_;
  HeadSelection selection_;
  std::vector<Subject> subjects_;  ///< the model, then the untrained ones
  std::vector<HeadWorkspace> workspaces_;
};

/// Of the finished sequences of records with these keys: units, and what every cell costs. `whole` says what
/// was measured of the whole model.
void conclude(const Records& records, const RecordKeys& keys, std::span<const int64_t> documents,
              const std::vector<AccuracyCell>& cells, const WholeModel& whole, AccuracyResult& result);

/// What the whole model gives, as records of its own with one series, layer and head, whose statistics are
/// hidden error, increase of the loss and agreement.
ModelAccuracy conclude_choice(const Records& records, std::span<const int64_t> documents, double confidence,
                              bool loss);

}  // namespace linformer
