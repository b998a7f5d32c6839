// SPDX-License-Identifier: MIT
// From records to what is reported, as METHODS.md has it for spectra.
#include <algorithm>
#include <functional>

#include "accuracy/accuracy.h"
#include "base/index.h"
#include "spectrum/sample.h"

namespace linformer {
namespace {

class Conclusion {
 public:
  Conclusion(const Records& records, const RecordKeys& keys, std::span<const int64_t> documents,
             double confidence)
      : records_(records), keys_(keys), sample_(records, documents, confidence) {}

  const Sample& sample() const { return sample_; }

  // Over these layers and heads of a cell, or of the same cell in untrained models.
  HeadAccuracy heads(int64_t cell, bool untrained, bool distribution, IndexRange layers,
                     IndexRange heads) const {
    const auto summary = [&](RecordKeys::Statistic statistic) {
      return sample_.summary(
          [&](int64_t s, int64_t l, int64_t h) {
            return value(untrained ? keys_.untrained_head(s, cell, l, h) : keys_.head(s, cell, l, h),
                         statistic);
          },
          layers, heads);
    };
    HeadAccuracy accuracy{.output_error = summary(RecordKeys::kOutputError),
                          .skill = summary(RecordKeys::kSkill),
                          .divergence = {}};
    if (distribution) accuracy.divergence = summary(RecordKeys::kDivergence);
    return accuracy;
  }

  // Of a cell in one layer, or in all: keys.layers().
  ModelAccuracy model(int64_t cell, int64_t layer, bool loss) const {
    const auto replaced = [&](RecordKeys::Statistic statistic) {
      return [=, this](int64_t s) { return value(keys_.model(s, cell, layer), statistic); };
    };
    ModelAccuracy accuracy{.hidden_error = of_sequences(replaced(RecordKeys::kHiddenError)),
                           .loss_increase = {},
                           .agreement = {}};
    if (!loss) return accuracy;
    const auto now = replaced(RecordKeys::kLoss);
    accuracy.loss_increase = of_sequences([&](int64_t s) { return now(s) - exact_loss(s); });
    accuracy.agreement = of_sequences(replaced(RecordKeys::kAgreement));
    return accuracy;
  }

  Summary loss() const {
    return of_sequences([&](int64_t s) { return exact_loss(s); });
  }

 private:
  double value(const RecordKey& key, RecordKeys::Statistic statistic) const {
    return static_cast<double>(records_.statistic(key, statistic));
  }
  double exact_loss(int64_t sequence) const { return value(keys_.exact(sequence), RecordKeys::kLoss); }
  Summary of_sequences(const std::function<double(int64_t sequence)>& of) const {
    return sample_.summary([&](int64_t s, int64_t, int64_t) { return of(s); }, {}, {});
  }

  const Records& records_;
  const RecordKeys& keys_;
  Sample sample_;
};

CellAccuracy accuracy_of(const Conclusion& conclusion, const RecordKeys& keys, int64_t c,
                         const AccuracyCell& cell, const WholeModel& whole) {
  const IndexRange all_layers{.count = keys.layers()}, all_heads{.count = keys.heads()};
  const bool p = cell.distribution, loss = !whole.loss_name.empty();
  CellAccuracy accuracy{.cell = cell, .model = conclusion.heads(c, false, p, all_layers, all_heads)};
  if (keys.untrained()) accuracy.untrained = conclusion.heads(c, true, p, all_layers, all_heads);
  for (int64_t l = 0; l < keys.layers(); ++l) {
    const IndexRange layer{.first = l};
    accuracy.layers.push_back(conclusion.heads(c, false, p, layer, all_heads));
    std::vector<HeadAccuracy>& heads = accuracy.heads.emplace_back();
    for (int64_t h = 0; h < keys.heads(); ++h)
      heads.push_back(conclusion.heads(c, false, p, layer, {.first = h}));
    if (keys.untrained()) accuracy.untrained_layers.push_back(conclusion.heads(c, true, p, layer, all_heads));
    if (whole.model != nullptr && whole.parts.layers)
      accuracy.one_replaced.push_back(conclusion.model(c, l, loss));
  }
  if (whole.model != nullptr && whole.parts.model)
    accuracy.all_replaced = conclusion.model(c, keys.layers(), loss);
  return accuracy;
}

AccuracyChecks checks_of(const std::vector<CellAccuracy>& cells) {
  AccuracyChecks checks;
  for (const CellAccuracy& cell : cells) {
    if (cell.cell.kind != name_of(ReplacementKind::kExact)) continue;
    ++checks.exact_cells;
    double& largest = checks.largest_exact_error;
    largest = std::max(largest, cell.model.output_error.max);
    if (cell.all_replaced) largest = std::max(largest, cell.all_replaced->hidden_error.max);
    for (const ModelAccuracy& one : cell.one_replaced) largest = std::max(largest, one.hidden_error.max);
  }
  return checks;
}

}  // namespace

void conclude(const Records& records, const RecordKeys& keys, std::span<const int64_t> documents,
              const std::vector<AccuracyCell>& cells, const WholeModel& whole, AccuracyResult& result) {
  const Conclusion conclusion(records, keys, documents, result.confidence);
  result.sequences = std::ssize(conclusion.sample().sequences());
  result.units = conclusion.sample().units().count;
  result.unit = conclusion.sample().units().documents ? "document" : "block of sequences";
  for (int64_t c = 0; c < std::ssize(cells); ++c)
    result.cells.push_back(accuracy_of(conclusion, keys, c, cells[index(c)], whole));
  if (result.sequences == 0) return;
  result.checks = checks_of(result.cells);
  if (!whole.loss_name.empty()) result.loss = conclusion.loss();
}

ModelAccuracy conclude_choice(const Records& records, std::span<const int64_t> documents, double confidence,
                              bool loss) {
  const Sample sample(records, documents, confidence);
  const auto summary = [&](int64_t statistic) {
    return sample.summary(
        [&](int64_t s, int64_t, int64_t) {
          return static_cast<double>(records.statistic({.sequence = s}, statistic));
        },
        {}, {});
  };
  ModelAccuracy accuracy{.hidden_error = summary(0), .loss_increase = {}, .agreement = {}};
  if (loss) accuracy.loss_increase = summary(1), accuracy.agreement = summary(2);
  return accuracy;
}

}  // namespace linformer
