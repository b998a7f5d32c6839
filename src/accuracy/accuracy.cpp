// SPDX-License-Identifier: MIT
#include "accuracy/accuracy.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/index.h"

namespace linformer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kBatchTokens = 2048;
constexpr int kUsualRanks = 5;  // n/2 to n/32

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

[[noreturn]] void refuse(ErrorCode code, const char* found, const char* expected, const char* remedy) {
  throw Error(code, {.subject = "accuracy", .found = found, .expected = expected, .remedy = remedy});
}

void require_possible(const SourceFacts& facts) {
  if (facts.causal) {
    refuse(ErrorCode::kUnsupported, "causal heads", "heads that see both sides",
           "What stands in for P here mixes later positions, which a causal head must not see");
  }
  if (!facts.columns.empty()) {
    refuse(ErrorCode::kUnsupported, "a Linformer, whose P has slots for columns", "attention to all tokens",
           "It has its low rank already");
  }
  const auto same = [&](const MapSize& size) {
    return size == facts.sizes.front() && size.rows == size.cols;
  };
  if (!std::ranges::all_of(facts.sizes, same)) {
    refuse(ErrorCode::kInput, "sequences that differ in length", "sequences of one length",
           "What is learnt from some of them is of one length: cut --ids alike");
  }
}

// "svd:k=4" as "svd", "subspace:k=4,sharing=head" as "subspace:sharing=head".
std::string without_k(std::string name, int64_t k) {
  if (k == 0) return name;
  const std::string option = fmt::format("k={}", k);
  const size_t at = name.find(option);
  const bool last = at + option.size() == name.size();
  name.erase(last ? at - 1 : at, option.size() + 1);
  return name;
}

}  // namespace

Accuracy::Accuracy(AttentionSource& source, std::vector<AttentionSource*> untrained, WholeModel whole,
                   AccuracyOptions options, Run& run)
    : facts_(source.facts()), whole_(std::move(whole)), options_(std::move(options)), run_(run) {
  require_possible(facts_);
  split_ = split_sequences(facts_.documents, options_.calibration);
  choose();
  const ReplacementSizes sizes{.layers = facts_.layers,
                               .heads = facts_.heads,
                               .length = facts_.sizes.front().rows,
                               .head_size = facts_.head_size,
                               .scale = static_cast<float>(facts_.scales.front()),
                               .distance_bias = facts_.has_bias,
                               .seed = options_.seed};
  std::vector<AttentionSource*> all = {&source};
  all.insert(all.end(), untrained.begin(), untrained.end());
  for (AttentionSource* of : all) {
    Subject& subject = subjects_.emplace_back(Subject{*of, {}});
    for (const std::string& specification : options_.mechanisms)
      subject.replacements.push_back(make_replacement(specification, options_.ks, sizes, run));
  }
  for (const auto& replacement : replacements()) {
    if (!replacement->traits().calibrated || !split_.calibration.empty()) continue;
    throw Error(ErrorCode::kUsage, {.subject = "--calibration",
                                    .found = fmt::format("0, with {}, which learns",
                                                         replacement->name(replacement->ks().front())),
                                    .expected = "a share of the sequences"});
  }
  for (int i = 0; i < run.threads; ++i) workspaces_.emplace_back(run.memory);
}

void Accuracy::choose() {
  selection_.layers = choose_indices(options_.layers, facts_.layers, "--layers");
  selection_.heads = choose_indices(options_.heads, facts_.heads, "--heads");
  options_.layers = selection_.layers, options_.heads = selection_.heads;
  if (options_.ks.empty()) {
    for (int64_t k = facts_.sizes.front().rows / 2, i = 0; i < kUsualRanks && k > 0; ++i, k /= 2)
      options_.ks.push_back(k);
  }
  if (options_.batch == 0) options_.batch = std::max<int64_t>(1, kBatchTokens / facts_.sizes.front().rows);
}

std::vector<AccuracyCell> Accuracy::cells() const {
  std::vector<AccuracyCell> cells;
  for (const auto& replacement : replacements()) {
    const ReplacementTraits traits = replacement->traits();
    for (const int64_t k : replacement->ks()) {
      const std::string name = replacement->name(k);
      cells.push_back({.name = name,
                       .method = without_k(name, k),
                       .k = k,
                       .kind = std::string(name_of(traits.kind)),
                       .calibrated = traits.calibrated,
                       .distribution = traits.distribution});
    }
  }
  return cells;
}

std::vector<LearntTensor> Accuracy::learnt() const {
  std::vector<LearntTensor> tensors;
  for (const auto& replacement : replacements()) {
    for (LearntTensor& tensor : replacement->learnt(selection_.layers, selection_.heads))
      tensors.push_back(std::move(tensor));
  }
  return tensors;
}

RecordKeys Accuracy::keys() const {
  return {std::ssize(cells()), std::ssize(selection_.layers), std::ssize(selection_.heads),
          subjects_.size() > 1};
}

RecordLayout Accuracy::record_layout() const {
  std::vector<std::string> names;
  for (const AccuracyCell& cell : cells()) names.push_back(cell.name);
  return keys().layout(names, std::ssize(facts_.sizes));
}

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
  Journal journal(files.journal, records);
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

ModelAccuracy Accuracy::of_choice(const std::vector<int64_t>& cells_of_layers) {
  std::vector<ModelMeasure::Choice> all;
  for (const auto& replacement : replacements()) {
    for (const int64_t k : replacement->ks()) all.push_back({replacement.get(), k});
  }
  std::vector<ModelMeasure::Choice> layers;
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
