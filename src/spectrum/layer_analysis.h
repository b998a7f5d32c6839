// SPDX-License-Identifier: MIT
// What an analysis does with one layer of a few sequences.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/source.h"
#include "spectrum/control_maker.h"
#include "spectrum/measure.h"
#include "spectrum/records.h"
#include "spectrum/result.h"
#include "spectrum/spectra_file.h"
#include "spectrum/statistics.h"

namespace linformer {

/// Which spectra to take; fixed for a run.
struct LayerAnalysisOptions {
  std::string method;
  std::vector<AtPoint> at;
  CurveGrid grid;
  std::vector<int64_t> layers, heads;  ///< ascending
  bool centred = false;
  bool logits = false;
  std::vector<std::string> controls;  ///< those made from single heads
  ControlMaker::Options control;
  uint64_t seed = 0;
  double verify = 0;  ///< share of the matrices whose spectra are computed again in f64
};

/// P with the positions cut out of rows and columns, in place; rows are normalised again if `normalise`.
MatrixView<float> drop_positions(MatrixView<float> p, std::span<const int32_t> dropped, bool normalise);

/// Visitor that measures the chosen layers and heads of the model, or of an untrained one for the control
/// "init".
class LayerAnalysis final : public LayerVisitor {
 public:
  LayerAnalysis(LayerAnalysisOptions options, const SourceFacts& facts, Records& records,
                SpectraFile* spectra, Run& run);

  /// Bytes of its buffers for a group of sequences of this size.
  int64_t buffer_bytes(int64_t sequences, MapSize size) const;

  /// To be called before a source runs: its layers are those of one of `untrained` models; 0: of the model
  /// itself.
  void begin_pass(int64_t untrained);

  LayerWants wants(int64_t layer) const override;
  void on_layer(const LayerView& view) override;

  /// Seconds spent so far, by phase.
  const SpectrumSeconds& seconds() const { return seconds_; }

 private:
  struct Maps {
    std::vector<MatrixView<float>> matrices;
    std::vector<RecordKey> keys;
  };

  using Clock = std::chrono::steady_clock;

  void analyse(const LayerView& view);
  void take_moments(const Maps& maps);
  Maps select(const LayerView& view, HeadsView<float> all, bool normalise) const;
  RecordKey in_model(const RecordKey& key) const;
  void compute_timed(const std::string& series, const Maps& maps, bool centred);
  void compute(const std::string& series, const Maps& maps, bool centred);
  int64_t series(const std::string& name) const;
  void measure_model(const LayerView& view, const Maps& maps);
  void measure_logits(const LayerView& view);
  void measure_control(const std::string& control, const Maps& maps);
  void check_norms();
  void verify(const Maps& maps, bool centred);
  void keep_spectra(const Maps& maps);
  bool chosen_for_verification(const RecordKey& key) const;

  LayerAnalysisOptions options_;
  const SourceFacts& facts_;
  Records& records_;
  SpectraFile* spectra_;
  Run& run_;
  Measurement measurement_;
  Measurement oracle_;
  ControlMaker controls_;
  int64_t untrained_ = 0;
  std::vector<MapMoments> moments_;  ///< of the P last taken
  std::vector<double> entropies_;    ///< of these
  SpectrumSeconds seconds_;
  Clock::time_point source_began_;  ///< its work on the layer to come
};

}  // namespace linformer
