// SPDX-License-Identifier: MIT
// A fixture of tests/oracle beside what we compute.
#pragma once

#include <fmt/format.h>

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
  /// `checkpoint`: the weights or their folder; `folder`: where expected.safetensors is. `stack`: the one of
  /// several that was recorded; `change`: what is done to its plan first.
  RecordedModel(
      const std::string& checkpoint, const std::string& folder, std::optional<Stack> stack = {},
      const PlanChange& change = [](ModelPlan same) { return same; })
      : expected_(TensorFile::open(folder + "/expected.safetensors", true)),
        loaded_(checkpoint, stack, change) {
    if (!stack) return;
    attention_ = std::string(name_of(*stack)) + ".";
    states_ = stack == Stack::kCross ? "decoder." : attention_;
  }

  /// The names of what disagrees, with the sequence's number before them.
  std::vector<std::string> disagreements() {
    for (int s = 0; s < kSequences; ++s) compare_sequence(s);
    return wrong_;
  }

  const Architecture& architecture() const { return loaded_.plan.architecture; }
  const ModelPlan& plan() const { return loaded_.plan; }
  LoadedFixture& loaded() { return loaded_; }

  std::vector<int32_t> ids(int sequence) const {
    const std::vector<int64_t> recorded = recorded_integers(expected_, prefix_of(sequence) + "ids");
    return {recorded.begin(), recorded.end()};
  }

  LanguageModelLoss loss() {
    std::vector<Prediction> sequences;
    for (int s = 0; s < kSequences; ++s) {
      sequences.push_back(plan().encoder ? predict_again(ids(s), architecture().decoder_start_id)
                                         : predict_next(ids(s)));
    }
    return language_model_loss(loaded_.model, sequences, loaded_.run);
  }
  std::optional<double> recorded_loss() const {
    const auto found = expected_.metadata().find("loss");
    return found == expected_.metadata().end() ? std::nullopt : std::optional(std::stod(found->second));
  }

 private:
  static std::string prefix_of(int sequence) { return "sequence." + std::to_string(sequence) + "."; }

  // The recorded images as a file of `--inputs`.
  StoredImages images() {
    const ImageShape& shape = *architecture().image;
    std::vector<float> values;
    for (int s = 0; s < kSequences; ++s) {
      const std::vector<float> image = recorded_floats(expected_, prefix_of(s) + "pixel_values");
      values.insert(values.end(), image.begin(), image.end());
    }
    const std::string path = put_tensors(
        made_,
        {made_floats("pixel_values", {kSequences, shape.channels, shape.height, shape.width}, values)});
    return {TensorFile::open(path, true), shape, 0};
  }

  void compare_sequence(int s) {
    base_ = prefix_of(s);
    if (architecture().image) {
      const StoredImages stored = images();
      const std::vector<int64_t> image = {s};
      return compare(ImageBatch{&stored, image});
    }
    const std::vector<int32_t> sequence = ids(s);
    const std::span<const int32_t> view(sequence);
    const TokenBatch read{&view, 1};
    if (!plan().encoder) return compare(read);
    const std::vector<int32_t> shifted = shifted_right(sequence, architecture().decoder_start_id);
    const std::span<const int32_t> decoded(shifted);
    compare(TokenBatch{&decoded, 1}, &read);
  }

  void compare(const ModelInput& input, const TokenBatch* encoder_input = nullptr) {
    ForwardPass pass(loaded_.model, make_mechanism("standard"), loaded_.run);
    if (encoder_input != nullptr) pass.encode(*encoder_input);
    Keeper kept;
    const MatrixView<const float> hidden = pass.run(input, {}, architecture().layers, &kept);
    check(states_ + "embeddings.hidden", kept.embeddings);
    check(states_ + "final.hidden", dense(hidden));
    for (size_t i = 0; i < kept.layers.size(); ++i) {
      const std::string number = "layers." + std::to_string(i) + ".", layer = attention_ + number;
      const KeptLayer& ours = kept.layers[i];
      check(layer + "q", ours.q), check(layer + "k", ours.k), check(layer + "v", ours.v);
      check(layer + "logits", ours.logits);
      check(layer + "probabilities", ours.probabilities, true);
      const std::string states = states_ + number + "hidden";
      if (expected_.find(base_ + states) != nullptr) check(states, ours.hidden);
    }
    check_scores(hidden);
    check_early_ends(pass, input, kept.layers);
  }

  void check_scores(MatrixView<const float> hidden) {
    const std::string scores = base_ + states_ + "prediction_logits";
    if (expected_.find(scores) == nullptr) return;
    LanguageModelHead head(loaded_.model, loaded_.run);
    if (!scores_agree(dense(head.scores(hidden)), recorded_floats(expected_, scores)))
      wrong_.push_back(scores);
  }

  // Runs that end at a layer's P, or at its Q, K and V, must show the same bits of all that comes before.
  // After all that reads what the whole run left.
  void check_early_ends(ForwardPass& pass, const ModelInput& input, const std::vector<KeptLayer>& whole) {
    for (const bool maps : {true, false}) {
      for (int64_t layers = 1; layers <= architecture().layers; ++layers) {
        std::vector<KeptLayer> truth(whole.begin(), whole.begin() + layers);
        truth.back().hidden.clear();
        for (KeptLayer& layer : truth) {
          if (!maps) layer.logits.clear(), layer.probabilities.clear();
        }
        Keeper kept({.logits = maps, .probabilities = maps});
        const MatrixView<const float> hidden = pass.run(input, {}, layers, &kept);
        if (hidden.data != nullptr || kept.layers != truth)
          wrong_.push_back(
              fmt::format("{}end at layer {}, {}", base_, layers - 1, maps ? "P" : "Q, K and V"));
      }
    }
  }

  void check(const std::string& name, const std::vector<float>& ours, bool probabilities = false) {
    const std::vector<float> truth = recorded_floats(expected_, base_ + name);
    if (!(probabilities ? probabilities_agree(ours, truth) : agrees(ours, truth))) {
      wrong_.push_back(base_ + name);
    }
  }

  TensorFile expected_;
  LoadedFixture loaded_;
  TemporaryFolder made_;
  std::string base_, attention_, states_;  ///< prefixes of the recorded names
  std::vector<std::string> wrong_;
};

}  // namespace linformer
