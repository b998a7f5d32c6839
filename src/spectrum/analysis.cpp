// SPDX-License-Identifier: MIT
#include "spectrum/analysis.h"

#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/clock.h"
#include "spectrum/conclude.h"

namespace linformer {
namespace {

constexpr double kConfidence = 0.95;  // of a run that does not look at its intervals
constexpr const char* kInterrupted = "interrupted";

// What a method promises for |σ_i − σ_i(f64)| / σ₁.
double tolerance_of(std::string_view method) { return method == "gesdd" ? 1e-5 : 2e-6; }

SpectrumChecks concluded_checks(const RecordChecks& checks, std::string_view method) {
  const bool any = checks.matrices > 0;
  SpectrumChecks result{
      .matrices = checks.matrices,
      .largest_norm_error = checks.largest_norm_error,
      .smallest_sigma1 = any ? std::optional(checks.smallest_sigma1) : std::nullopt,
      .smallest_sigma1_ratio = any ? std::optional(checks.smallest_sigma1_ratio) : std::nullopt,
      .verified = checks.verified,
      .largest_verified_error = checks.largest_verified_error,
      .tolerance = tolerance_of(method)};
  result.passed = result.norms_passed() && result.sigma1_passed() && result.verified_passed();
  return result;
}

}  // namespace

void discard(const AnalysisFiles& files) {
  if (!files.journal.empty()) ::unlink(files.journal.c_str());
  if (!files.spectra.empty()) ::unlink(SpectraFile::waiting_path(files.spectra).c_str());
}

int64_t Analysis::matrices() const {
  return std::ssize(sizes_) * std::ssize(options_.layers) * std::ssize(options_.heads);
}

int64_t Analysis::required_bytes(int64_t untrained) const {
  const RecordLayout layout = record_layout();
  Records none("", {});
  const LayerAnalysis visitor(layer_options(), facts_, none, nullptr, run_);
  const int64_t batch = std::min(options_.batch, std::ssize(sizes_));
  MapSize raw;
  for (const MapSize& size : facts_.sizes)
    raw = {std::max(raw.rows, size.rows), std::max(raw.cols, size.cols)};
  return Records::bytes(layout) + visitor.buffer_bytes(batch, largest_) +
         (1 + untrained) * source_.buffer_bytes(batch, raw, visitor.wants(options_.layers.front()));
}

int64_t Analysis::disk_bytes(const AnalysisFiles& files) const {
  int64_t bytes = files.journal.empty() ? 0 : 2 * Records::bytes(record_layout());
  if (!files.spectra.empty()) bytes += 2 * SpectraFile::bytes(spectra_layout());
  return bytes;
}

SpectrumSeconds Analysis::seconds_per_sequence(std::vector<std::unique_ptr<AttentionSource>>& untrained) {
  Records records("", record_layout());
  const int64_t count = std::min(options_.batch, std::ssize(sizes_));
  std::vector<int64_t> batch(static_cast<size_t>(count));
  std::iota(batch.begin(), batch.end(), 0);
  {
    LayerAnalysis visitor(layer_options(), facts_, records, nullptr, run_);
    run_batch(batch, visitor, untrained);  // libraries choose and compile their kernels
  }
  // Not the first again, whose first matrix is always verified, unless there are no others.
  if (2 * count <= std::ssize(sizes_)) std::iota(batch.begin(), batch.end(), count);
  LayerAnalysis visitor(layer_options(), facts_, records, nullptr, run_);
  const Clock::time_point begin = Clock::now();
  run_batch(batch, visitor, untrained);
  SpectrumSeconds seconds = visitor.seconds();
  seconds.total = seconds_since(begin);
  const auto share = 1 / static_cast<double>(count);
  for (double* part : {&seconds.forward, &seconds.softmax, &seconds.singular_values, &seconds.idle,
                       &seconds.statistics, &seconds.controls, &seconds.verify, &seconds.total}) {
    *part *= share;
  }
  return seconds;
}

void Analysis::run_batch(std::span<const int64_t> sequences, LayerAnalysis& visitor,
                         std::vector<std::unique_ptr<AttentionSource>>& untrained) {
  const int64_t layers = options_.layers.back() + 1;
  for (const std::vector<int64_t>& raw : groups_of_equal_size(sequences, facts_.sizes)) {
    for (const std::vector<int64_t>& group : groups_of_equal_size(raw, sizes_)) {
      visitor.begin_pass(0);
      source_.run(group, layers, visitor);
      for (const auto& model : untrained) {
        visitor.begin_pass(std::ssize(untrained));
        model->run(group, layers, visitor);
      }
    }
  }
}

bool Analysis::narrow_enough(const Records& records, Looks& looks) const {
  return options_.until_width > 0 && looks.take(records.finished_count()) &&
         widest_interval(records, facts_.documents, looks.confidence()) < options_.until_width;
}

std::string Analysis::run_batches(Records& records, LayerAnalysis& visitor,
                                  std::vector<std::unique_ptr<AttentionSource>>& untrained,
                                  RecordsJournal& journal, Looks& looks) {
  const int64_t sequences = std::ssize(sizes_);
  if (run_.progress != nullptr) run_.progress->advance("sequences", records.finished_count(), sequences);
  if (narrow_enough(records, looks)) return "interval narrow enough";
  for (int64_t first = 0; first < sequences; first += options_.batch) {
    std::vector<int64_t> batch;
    for (int64_t i = first; i < std::min(first + options_.batch, sequences); ++i) {
      if (!records.finished(i)) batch.push_back(i);
    }
    if (batch.empty()) continue;
    if (run_.stopped()) return kInterrupted;
    run_batch(batch, visitor, untrained);
    for (int64_t i : batch) records.finish(i);
    if (run_.progress != nullptr) run_.progress->advance("sequences", records.finished_count(), sequences);
    if (narrow_enough(records, looks)) return "interval narrow enough";
    journal.after_batch();
  }
  return kAllSequences;
}

SpectrumResult Analysis::run(std::vector<std::unique_ptr<AttentionSource>> untrained,
                             const AnalysisFiles& files) {
  const Clock::time_point begin = Clock::now();
  run_.memory.require(required_bytes(std::ssize(untrained)), "the analysis");
  const RecordLayout layout = record_layout();
  const bool resume = files.resume && !files.journal.empty();
  Records records = resume ? Records::load(files.journal, files.identity, layout, files.spectra)
                           : Records(files.identity, layout, files.spectra);
  std::optional<SpectraFile> spectra;
  if (!files.spectra.empty()) spectra.emplace(files.spectra, spectra_layout(), resume);
  SpectraFile* const kept = spectra ? &*spectra : nullptr;
  LayerAnalysis visitor(layer_options(), facts_, records, kept, run_);
  RecordsJournal journal(files.journal, records, kept);
  Looks looks(options_.batch, records.finished_count());

  SpectrumResult result = describe();
  result.stopped_because = run_batches(records, visitor, untrained, journal, looks);
  result.complete = result.stopped_because != kInterrupted;
  journal.save();
  if (spectra) spectra->finish(records.finished_count());
  const double confidence =
      options_.until_width > 0 ? looks.final_confidence(records.finished_count()) : kConfidence;
  conclude(records, facts_.documents, grid_, confidence, result);
  result.checks = concluded_checks(records.checks(), options_.method);
  result.seconds = visitor.seconds();
  result.seconds.total = seconds_since(begin);
  return result;
}

}  // namespace linformer
