// SPDX-License-Identifier: MIT
// The heads of a source, one after the other, to learn from or to judge by.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "accuracy/replacement.h"
#include "model/source.h"
#include "spectrum/records.h"

namespace linformer {

using Replacements = std::vector<std::unique_ptr<Replacement>>;

/// The layers and heads that are looked at, ascending.
struct HeadSelection {
  std::vector<int64_t> layers, heads;

  /// The place of a layer among them; −1: not there.
  int64_t place_of(int64_t layer) const;
};

/// Calls a function for every chosen head of the layers it wants, those of a layer on all threads at once.
class HeadPass final : public LayerVisitor {
 public:
  using OnHead = std::function<void(const HeadInput& in, int64_t sequence, HeadWorkspace& workspace)>;

  /// `only`: of these layers, this one; −1: all. All must outlive it.
  HeadPass(const HeadSelection& selection, const SourceFacts& facts, std::vector<HeadWorkspace>& workspaces,
           Run& run, OnHead on_head, int64_t only = -1);

  LayerWants wants(int64_t layer) const override;
  void on_layer(const LayerView& view) override;

 private:
  const HeadSelection& selection_;
  const SourceFacts& facts_;
  std::vector<HeadWorkspace>& workspaces_;
  Run& run_;
  OnHead on_head_;
  int64_t only_;
};

/// What a calibration took.
struct CalibrationSeconds {
  double seen = 0;                  ///< running the sequences and seeing them
  std::vector<double> learnt = {};  ///< of each replacement that learns, in their order
};

/// Shows the calibration sequences to the replacements that learn, layer by layer: of a layer, what they keep
/// is all that is in memory. Stops early when the run is stopped.
CalibrationSeconds calibrate(AttentionSource& source, std::span<const int64_t> sequences,
                             const HeadSelection& selection, Replacements& replacements,
                             std::vector<HeadWorkspace>& workspaces, Run& run);

/// Output error, skill and divergence of every cell, one cell after the other; 0 for what a cell does not
/// have.
void measure_head(const HeadInput& in, const Replacements& replacements, HeadWorkspace& workspace,
                  std::span<double> statistics);

}  // namespace linformer
