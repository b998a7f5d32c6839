// SPDX-License-Identifier: MIT
#include "spectrum/sample.h"

#include "base/index.h"

namespace linformer {

Sample::Sample(const Records& records, std::span<const int64_t> documents, double confidence)
    : confidence_(confidence) {
  std::vector<int64_t> finished_documents;
  for (int64_t i = 0; i < records.layout().sequences; ++i) {
    if (!records.finished(i)) continue;
    sequences_.push_back(i);
    finished_documents.push_back(documents[index(i)]);
  }
  units_ = assign_units(finished_documents);
}

Summary Sample::summary(const SequenceValue& value, IndexRange layers, IndexRange heads) const {
  std::vector<double> all, averages;
  for (const int64_t s : sequences_) {
    double sum = 0;
    for (int64_t l = layers.first; l < layers.first + layers.count; ++l) {
      for (int64_t h = heads.first; h < heads.first + heads.count; ++h) {
        all.push_back(value(s, l, h));
        sum += all.back();
      }
    }
    averages.push_back(sum / static_cast<double>(layers.count * heads.count));
  }
  return over_units(all, averages);
}

Summary Sample::over_units(const std::vector<double>& all, const std::vector<double>& of_sequences) const {
  Summary summary = summarise(all);
  const std::vector<double> means = unit_means(of_sequences, units_);
  summary.mean = summarise(means).mean;
  summary.interval = mean_interval(means, confidence_);
  return summary;
}

}  // namespace linformer
