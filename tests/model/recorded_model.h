// SPDX-License-Identifier: MIT
// A fixture of tests/oracle beside what we compute.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/language_model.h"
#include "recorder.h"

namespace linformer {

/// How many sequences each fixture has.
constexpr int kSequences = 2;

class RecordedModel {
 public:
  /// `checkpoint`: the weights or their folder; `folder`: where expected.safetensors is.
  RecordedModel(const std::string& checkpoint, const std::string& folder)
      : expected_(TensorFile::open(folder + "/expected.safetensors", true)), loaded_(checkpoint) {}

  /// The names of what disagrees, with the sequence's number before them.
  std::vector<std::string> disagreements() {
    for (int s = 0; s < kSequences; ++s) {
      base_ = "sequence." + std::to_string(s) + ".";
      compare_sequence();
    }
    return wrong_;
  }

  const Architecture& architecture() const { return loaded_.plan.architecture; }
  const ModelPlan& plan() const { return loaded_.plan; }
  LoadedFixture& loaded() { return loaded_; }

  std::vector<int32_t> ids(int sequence) const {
    const std::vector<int64_t> recorded =
        recorded_integers(expected_, "sequence." + std::to_string(sequence) + ".ids");
    return {recorded.begin(), recorded.end()};
  }

  LanguageModelLoss loss() {
    std::vector<Prediction> sequences;
    for (int s = 0; s < kSequences; ++s) sequences.push_back(predict_next(ids(s)));
    return language_model_loss(loaded_.model, sequences, loaded_.run);
  }
  std::optional<double> recorded_loss() const {
    const auto found = expected_.metadata().find("loss");
    return found == expected_.metadata().end() ? std::nullopt : std::optional(std::stod(found->second));
  }

 private:
  void compare_sequence() {
    const std::vector<int32_t> sequence = ids(base_[9] - '0');
    const std::span<const int32_t> view(sequence);
    ForwardPass pass(loaded_.model, make_mechanism("standard"), loaded_.run);
    Keeper kept;
    const MatrixView<const float> hidden = pass.run(TokenBatch{&view, 1}, {}, architecture().layers, &kept);
    check("embeddings.hidden", kept.embeddings);
    check("final.hidden", dense(hidden));
    for (size_t i = 0; i < kept.layers.size(); ++i) {
      const std::string layer = "layers." + std::to_string(i) + ".";
      const KeptLayer& ours = kept.layers[i];
      check(layer + "q", ours.q), check(layer + "k", ours.k), check(layer + "v", ours.v);
      check(layer + "logits", ours.logits);
      check(layer + "probabilities", ours.probabilities, true);
      if (expected_.find(base_ + layer + "hidden") != nullptr) check(layer + "hidden", ours.hidden);
    }
    if (expected_.find(base_ + "prediction_logits") == nullptr) return;
    LanguageModelHead head(loaded_.model, loaded_.run);
    check("prediction_logits", dense(head.scores(hidden)));
  }

  void check(const std::string& name, const std::vector<float>& ours, bool probabilities = false) {
    const std::vector<float> truth = recorded_floats(expected_, base_ + name);
    if (!(probabilities ? probabilities_agree(ours, truth) : agrees(ours, truth))) {
      wrong_.push_back(base_ + name);
    }
  }

  TensorFile expected_;
  LoadedFixture loaded_;
  std::string base_;
  std::vector<std::string> wrong_;
};

}  // namespace linformer
