// SPDX-License-Identifier: MIT
// Where an evaluation keeps what it measures of a sequence: of every head, and of the whole model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spectrum/records.h"

namespace linformer {

/// Series are the cells, the same of untrained models if there are any, and the model as it is. Beside the
/// heads of each layer there is one place for the model with that layer's attention replaced, and beside the
/// layers one for the model with all replaced.
class RecordKeys {
 public:
  enum Statistic : int64_t { kOutputError, kSkill, kDivergence, kHiddenError, kLoss, kAgreement };
  static constexpr int64_t kStatistics = 6;
  static constexpr int64_t kHeadStatistics = 3;  ///< the first three

  RecordKeys(int64_t cells, int64_t layers, int64_t heads, bool untrained)
      : cells_(cells), layers_(layers), heads_(heads), untrained_(untrained) {}

  int64_t cells() const { return cells_; }
  int64_t layers() const { return layers_; }
  int64_t heads() const { return heads_; }
  bool untrained() const { return untrained_; }

  RecordKey head(int64_t sequence, int64_t cell, int64_t layer, int64_t head) const {
    return {sequence, cell, layer, head};
  }
  RecordKey untrained_head(int64_t sequence, int64_t cell, int64_t layer, int64_t head) const {
    return {sequence, cells_ + cell, layer, head};
  }
  /// Layer `layer` alone replaced; layers(): all of them.
  RecordKey model(int64_t sequence, int64_t cell, int64_t layer) const {
    return {sequence, cell, layer, heads_};
  }
  RecordKey exact(int64_t sequence) const {
    return {sequence, cells_ * (untrained_ ? 2 : 1), layers_, heads_};
  }

  /// `names`: of the cells.
  RecordLayout layout(const std::vector<std::string>& names, int64_t sequences) const {
    RecordLayout layout{
        .statistics = {"output_error", "skill", "divergence", "hidden_error", "loss", "agreement"},
        .sequences = sequences,
        .layers = layers_ + 1,
        .heads = heads_ + 1};
    for (const std::string& name : names) layout.series.push_back(name);
    for (const std::string& name : names)
      if (untrained_) layout.series.push_back("untrained " + name);
    layout.series.push_back("exact");
    return layout;
  }

 private:
  int64_t cells_, layers_, heads_;
  bool untrained_;
};

}  // namespace linformer
