// SPDX-License-Identifier: MIT
#include "accuracy/accuracy.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/index.h"

namespace linformer {
namespace {}  // namespace

// Heads are measured on all threads, and recorded in order.
void Accuracy::evaluate_heads(size_t subject, std::span<const int64_t> batch, Records& records) {
  const RecordKeys keys = this->keys();
  const int64_t each = keys.cells() * RecordKeys::kHeadStatistics;
  std::vector<double> measured(index(std::ssize(batch) * keys.layers() * keys.heads() * each));
  const auto of_head = [&](int64_t b, int64_t layer, int64_t head) {
    return std::span(measured).subspan(index(((b * keys.layers() + layer) * keys.heads() + head) * each),
                                       index(each));
  };
  HeadPass pass(
      selection_, facts_, workspaces_, run_, [&](const HeadInput& in, int64_t sequence, HeadWorkspace& w) {
        const int64_t b = std::ranges::find(batch, sequence) - batch.begin(),
                      h = std::ranges::find(selection_.heads, in.head) - selection_.heads.begin();
        measure_head(in, subjects_[subject].replacements, w, of_head(b, selection_.place_of(in.layer), h));
      });
  subjects_[subject].source.run(batch, selection_.layers.back() + 1, pass);
  const double weight = subject == 0 ? 1 : 1 / static_cast<double>(subjects_.size() - 1);
  for (int64_t b = 0; b < std::ssize(batch); ++b) {
    for (int64_t l = 0; l < keys.layers(); ++l) {
      for (int64_t h = 0; h < keys.heads(); ++h) {
        for (int64_t cell = 0; cell < keys.cells(); ++cell) {
          const int64_t s = batch[index(b)];
          records.add(subject == 0 ? keys.head(s, cell, l, h) : keys.untrained_head(s, cell, l, h),
                      of_head(b, l, h).subspan(index(cell * RecordKeys::kHeadStatistics),
                                               RecordKeys::kHeadStatistics),
                      {}, {}, weight);
        }
      }
    }
  }
}

void Accuracy::evaluate_model(int64_t sequence, ModelMeasure& model, Records& records) {
  const RecordKeys keys = this->keys();
  const auto add = [&](const RecordKey& key, const ModelErrors& errors) {
    const double statistics[RecordKeys::kStatistics] = {
        0, 0, 0, errors.hidden_error, errors.loss, errors.agreement};
    records.add(key, statistics, {}, {}, 1);
  };
  const double loss = model.measure(whole_.predictions[index(sequence)],
                                    [&](int64_t cell, int64_t layer, const ModelErrors& errors) {
                                      add(keys.model(sequence, cell, layer), errors);
                                    });
  add(keys.exact(sequence), {.loss = loss, .agreement = 1});
}

void Accuracy::evaluate(std::span<const int64_t> batch, ModelMeasure* model, Records& records) {
  for (size_t subject = 0; subject < subjects_.size(); ++subject) evaluate_heads(subject, batch, records);
  for (const int64_t i : batch) {
    if (model != nullptr) evaluate_model(i, *model, records);
    records.finish(i);
  }
}

AccuracyResult Accuracy::run(const AnalysisFiles& files) {
  const Clock::time_point begin = Clock::now();
  const bool resume = files.resume && !files.journal.empty();
  Records records = resume ? Records::load(files.journal, files.identity, record_layout())
                           : Records(files.identity, record_layout());
  RecordsJournal journal(files.journal, records);
  for (Subject& subject : subjects_)
    calibrate(subject.source, split_.calibration, selection_, subject.replacements, workspaces_, run_);
  AccuracyResult result{.layers = selection_.layers,
                        .heads = selection_.heads,
                        .length = facts_.sizes.front().rows,
                        .head_size = facts_.head_size,
                        .calibration_sequences = std::ssize(split_.calibration),
                        .calibration_documents = split_.calibration_documents,
                        .planned_sequences = std::ssize(split_.evaluation)};
  result.seconds.calibration = seconds_since(begin);
  std::optional<ModelMeasure> model;
  if (whole_.model != nullptr) {
    model.emplace(*whole_.model, whole_.parts, selection_, facts_, replacements(), workspaces_, run_);
    result.loss_name = whole_.loss_name;
  }
  const std::span<const int64_t> sequences(split_.evaluation);
  for (size_t first = 0; first < sequences.size(); first += index(options_.batch)) {
    std::vector<int64_t> batch;
    for (const int64_t i :
         sequences.subspan(first, std::min(index(options_.batch), sequences.size() - first)))
      if (!records.finished(i)) batch.push_back(i);
    if (!batch.empty()) {
      if (run_.stopped()) break;
      evaluate(batch, model ? &*model : nullptr, records);
      journal.after_batch();
    }
    if (run_.progress != nullptr)
      run_.progress->advance("sequences", records.finished_count(), std::ssize(sequences));
  }
  journal.save();
  conclude(records, keys(), facts_.documents, cells(), whole_, result);
  result.complete = result.sequences == result.planned_sequences;
  result.seconds.total = seconds_since(begin);
  return result;
}

AccuracyForecast Accuracy::forecast(const AnalysisFiles& files) {
  const auto count = std::ssize(split_.calibration);
  AccuracyForecast forecast{.disk_bytes = files.journal.empty() ? 0 : 2 * Records::bytes(record_layout())};
  const std::span<const int64_t> one = std::span(split_.calibration).first(std::min<size_t>(1, index(count)));
  int64_t more_bytes = 0;
  for (Subject& subject : subjects_) {
    const CalibrationSeconds seconds =
        calibrate(subject.source, one, selection_, subject.replacements, workspaces_, run_);
    forecast.calibration_seconds += seconds.seen * static_cast<double>(count);
    auto learnt = seconds.learnt.begin();
    for (const auto& replacement : subject.replacements) {
      if (!replacement->traits().calibrated || one.empty()) continue;
      const Replacement::Learning all = replacement->learning(count), first = replacement->learning(1);
      forecast.calibration_seconds += *learnt++ * all.work / first.work;
      more_bytes = std::max(more_bytes, all.bytes - first.bytes);
    }
  }
  std::optional<ModelMeasure> model;
  if (whole_.model != nullptr)
    model.emplace(*whole_.model, whole_.parts, selection_, facts_, replacements(), workspaces_, run_);
  Records records("", record_layout());
  const auto batch =
      std::span(split_.evaluation).first(std::min(index(options_.batch), split_.evaluation.size()));
  const Clock::time_point begin = Clock::now();
  evaluate(batch, model ? &*model : nullptr, records);
  forecast.evaluation_seconds = seconds_since(begin) / static_cast<double>(batch.size()) *
                                static_cast<double>(split_.evaluation.size());
  // A thread that has had no head yet may get any.
  int64_t largest = 0;
  for (const HeadWorkspace& w : workspaces_) largest = std::max(largest, w.bytes());
  for (const HeadWorkspace& w : workspaces_) more_bytes += largest - w.bytes();
  forecast.memory_bytes = run_.memory.peak_bytes() + more_bytes;
  return forecast;
}

ModelAccuracy Accuracy::of_choice(const std::vector<int64_t>& cells_of_layers) {
  std::vector<ModelMeasure::Choice> all;
  for (const auto& replacement : replacements()) {
    for (const int64_t k : replacement->ks()) all.push_back({replacement.get(), k});
  }
  std::vector<ModelMeasure::Choice> layers;
  layers.reserve(cells_of_layers.size());
  for (const int64_t cell : cells_of_layers)
    layers.push_back(cell < 0 ? ModelMeasure::Choice{} : all[index(cell)]);
  ModelMeasure model(*whole_.model, {}, selection_, facts_, replacements(), workspaces_, run_);
  Records records("", {.series = {"choice"},
                       .statistics = {"hidden_error", "loss_increase", "agreement"},
                       .sequences = std::ssize(facts_.sizes),
                       .layers = 1,
                       .heads = 1});
  for (const int64_t i : split_.evaluation) {
    if (run_.stopped()) break;
    const ModelMeasure::Chosen chosen = model.measure_choices(whole_.predictions[index(i)], layers);
    const double statistics[] = {chosen.errors.hidden_error, chosen.errors.loss - chosen.exact_loss,
                                 chosen.errors.agreement};
    records.add({.sequence = i}, statistics, {}, {}, 1);
    records.finish(i);
  }
  return conclude_choice(records, facts_.documents, AccuracyResult{}.confidence, !whole_.loss_name.empty());
}

}  // namespace linformer
