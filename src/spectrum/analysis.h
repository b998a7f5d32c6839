// SPDX-License-Identifier: MIT
// The analysis of a source: batches of sequences in order, journalled, until all are done, the intervals are
// narrow enough, or it is stopped.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/source.h"
#include "spectrum/journal.h"
#include "spectrum/layer_analysis.h"
#include "spectrum/looks.h"
#include "spectrum/result.h"

namespace linformer {

struct AnalysisOptions {
  std::string method{kDefaultMethod};
  std::vector<AtPoint> at = {};  ///< empty: n/4
  std::vector<std::string> controls = {kMatchedControl};
  bool centred = true;
  bool logits = false;
  std::vector<int64_t> layers = {}, heads = {};  ///< empty: all
  int64_t head_size = 0;                         ///< d of `matched` where the source does not know it; 0: 64
  uint64_t seed = 1;
  int64_t batch = 0;  ///< sequences at a time; 0: about 2048 tokens
  double verify = 0.002;
  double until_width = 0;  ///< 0: all sequences
};

/// Where an analysis keeps what it has; empty paths: nowhere.
struct AnalysisFiles {
  std::string journal = {};
  std::string spectra = {};
  bool resume = false;
  std::string identity = {};  ///< the journal's
};

/// Removes the journal and the waiting spectra: to be called once the results of a complete run are safely
/// written.
void discard(const AnalysisFiles& files);

/// An analysis that has been checked against its source: what it will take, then the run. The source and the
/// run must outlive it.
class Analysis {
 public:
  /// Throws Error(kUsage) for layers, heads, indices or controls that the source does not have.
  Analysis(AttentionSource& source, AnalysisOptions options, Run& run);

  const AnalysisOptions& options() const { return options_; }
  int64_t matrices() const;
  /// Bytes of all buffers, the source's included, when sources of `untrained` models run beside it.
  int64_t required_bytes(int64_t untrained) const;

  /// Bytes on disk while it runs: journal and spectra, each while the next version is written.
  int64_t disk_bytes(const AnalysisFiles& files) const;
  /// Wall-clock seconds that a sequence takes, measured by running a batch of them, after one that warms up:
  /// the second batch where there is one.
  SpectrumSeconds seconds_per_sequence(std::vector<std::unique_ptr<AttentionSource>>& untrained);

  /// Runs. The journal and the waiting spectra stay, also when it is complete, until discard(). `untrained`:
  /// the same sequences through models with random weights, for the control "init".
  SpectrumResult run(std::vector<std::unique_ptr<AttentionSource>> untrained, const AnalysisFiles& files);

 private:
  MapSize effective_size(int64_t sequence) const;
  void choose_layers_and_heads();
  void choose_grid();
  void choose_controls();
  void choose_head_size();
  RecordLayout record_layout() const;
  LayerAnalysisOptions layer_options() const;
  SpectraFile::Layout spectra_layout() const;
  SpectrumResult describe() const;
  /// Takes the look that is due, if one is: whether the intervals are narrow enough.
  bool narrow_enough(const Records& records, Looks& looks) const;
  /// Returns why it ended.
  std::string run_batches(Records& records, LayerAnalysis& visitor,
                          std::vector<std::unique_ptr<AttentionSource>>& untrained, RecordsJournal& journal,
                          Looks& looks);
  void run_batch(std::span<const int64_t> sequences, LayerAnalysis& visitor,
                 std::vector<std::unique_ptr<AttentionSource>>& untrained);

  AttentionSource& source_;
  const SourceFacts& facts_;
  AnalysisOptions options_;
  Run& run_;
  std::vector<MapSize> sizes_;  ///< effective
  MapSize largest_;
  bool equal_length_ = true;
  CurveGrid grid_;
};

}  // namespace linformer
