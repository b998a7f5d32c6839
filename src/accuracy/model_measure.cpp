// SPDX-License-Identifier: MIT
#include "accuracy/model_measure.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "accuracy/measures.h"
#include "accuracy/places.h"
#include "base/index.h"
#include "base/threads.h"

namespace linformer {
namespace {

// Gives a layer outputs that are known already [n, h · d].
class GivenAttention final : public LayerAttention {
 public:
  GivenAttention(int64_t layer, MatrixView<const float> output) : layer_(layer), output_(output) {}

  bool replaces(int64_t layer) const override { return layer == layer_; }
  void run(const LayerAttentionCall& call) override {
    for (int64_t h = 0; h < call.out.heads; ++h) {
      const MatrixView<float> out = call.out.matrix(0, h);
      for (int64_t i = 0; i < out.rows; ++i) std::copy_n(output_.row(i) + h * out.cols, out.cols, out.row(i));
    }
  }

 private:
  int64_t layer_;
  MatrixView<const float> output_;
};

void copy_columns(MatrixView<const float> from, int64_t first, MatrixView<float> to) {
  for (int64_t i = 0; i < from.rows; ++i) std::copy_n(from.row(i), from.cols, to.row(i) + first);
}

}  // namespace

// A replacement for each layer, computed from what reaches it.
class ModelMeasure::Replaced final : public LayerAttention {
 public:
  explicit Replaced(ModelMeasure& owner) : owner_(owner), standard_(make_mechanism("standard")) {}

  void replace_by(const std::vector<Choice>& layers) { layers_ = layers; }

  bool replaces(int64_t layer) const override {
    const int64_t place = owner_.selection_.place_of(layer);
    return place >= 0 && layers_[index(place)].replacement != nullptr;
  }
  void run(const LayerAttentionCall& call) override {
    Run& run = owner_.run_;
    const Choice& choice = layers_[index(owner_.selection_.place_of(call.layer))];
    const int64_t n = call.shape.queries, h = call.shape.heads, group = h / call.in.k.heads;
    probabilities_.reserve(run.memory, h * n * n, "attention probabilities");
    workspace_.reserve(run.memory, standard_->workspace_bytes(call.shape, run.threads, true), "attention");
    const HeadsView<float> p{probabilities_.data(), 1, h, n, n, h * n * n, n * n, n};
    standard_->run(call.shape, call.in, call.out, {.probabilities = p}, workspace_.span(), run);
    const std::vector<int64_t>& heads = owner_.selection_.heads;
    parallel_for(run.threads, std::ssize(heads), [&](int64_t i, int thread) {
      const int64_t head = heads[index(i)];
      const HeadInput in{.layer = call.layer,
                         .head = head,
                         .q = call.in.q.matrix(0, head),
                         .k = call.in.k.matrix(0, head / group),
                         .v = call.in.v.matrix(0, head / group),
                         .p = p.matrix(0, head),
                         .scale = call.shape.scale,
                         .causal = call.shape.causal};
      choice.replacement->apply(in, {&choice.k, 1}, owner_.workspaces_[index(thread)],
                                [&](size_t, MatrixView<const float> o, MatrixView<const float>) {
                                  copy_columns(o, 0, call.out.matrix(0, head));
                                });
    });
  }

 private:
  ModelMeasure& owner_;
  std::unique_ptr<Mechanism> standard_;
  std::vector<Choice> layers_;
  Buffer<float> probabilities_;
  RawBuffer workspace_;
};

// At each layer of the exact pass, runs the rest of the model on what every cell makes of its attention. One
// decomposition serves every k.
class ModelMeasure::Stage final : public LayerVisitor {
 public:
  Stage(ModelMeasure& owner, const Prediction& sequence, const OnCell& on_cell)
      : owner_(owner), sequence_(sequence), on_cell_(on_cell) {}

  LayerWants wants(int64_t layer) const override {
    return {.probabilities = owner_.selection_.place_of(layer) >= 0, .hidden = true};
  }

  void on_layer(const LayerView& view) override {
    if (view.layer == 0) keep_input(view.embeddings);
    if (wants(view.layer).probabilities) {
      int64_t first_cell = 0;
      for (const auto& replacement : owner_.replacements_) {
        replace(view, *replacement);
        for (size_t i = 0; i < replacement->ks().size(); ++i)
          finish(view.layer, first_cell + static_cast<int64_t>(i), output(view, i));
        first_cell += std::ssize(replacement->ks());
      }
    }
    keep_input(view.hidden);
  }

 private:
  void keep_input(MatrixView<const float> states) {
    input_.reserve(owner_.run_.memory, states.rows * states.cols, "a layer's input");
    for (int64_t i = 0; i < states.rows; ++i)
      std::copy_n(states.row(i), states.cols, input_.data() + i * states.cols);
    rows_ = states.rows, width_ = states.cols;
  }

  // At the i-th k of a replacement [n, h · d].
  MatrixView<float> output(const LayerView& view, size_t i) const {
    const int64_t n = view.q.rows, all = view.q.heads * view.v.cols;
    return {outputs_.data() + static_cast<int64_t>(i) * n * all, n, all, all};
  }

  void replace(const LayerView& view, const Replacement& replacement) {
    const std::vector<int64_t>&heads = owner_.selection_.heads, &ks = replacement.ks();
    const int64_t group = view.q.heads / view.k.heads;
    outputs_.reserve(owner_.run_.memory, std::ssize(ks) * view.q.rows * view.q.heads * view.v.cols,
                     "replaced attention");
    parallel_for(owner_.run_.threads, view.q.heads, [&](int64_t head, int thread) {
      HeadWorkspace& w = owner_.workspaces_[index(thread)];
      const HeadInput in{.layer = view.layer,
                         .head = head,
                         .q = view.q.matrix(0, head),
                         .k = view.k.matrix(0, head / group),
                         .v = view.v.matrix(0, head / group),
                         .p = view.probabilities.matrix(0, head),
                         .scale = static_cast<float>(owner_.facts_.scales[index(view.layer)]),
                         .causal = owner_.facts_.causal};
      const auto keep = [&](size_t i, MatrixView<const float> o, MatrixView<const float>) {
        copy_columns(o, head * o.cols, output(view, i));
      };
      if (std::ranges::binary_search(heads, head)) return replacement.apply(in, ks, w, keep);
      const MatrixView<float> exact = w.matrix(place::kExactOutput, in.v.rows, in.v.cols);
      w.multiply(in.p, in.v, exact);
      for (size_t i = 0; i < ks.size(); ++i) keep(i, exact, {});
    });
  }

  void finish(int64_t layer, int64_t cell, MatrixView<const float> output) {
    GivenAttention given(layer, output);
    owner_.changed_.replace_attention(&given);
    const MatrixView<const float> hidden =
        owner_.changed_.run_from(layer, {.states = {input_.data(), rows_, width_, width_}, .batch = 1});
    owner_.changed_.replace_attention(nullptr);
    on_cell_(cell, owner_.selection_.place_of(layer), owner_.errors_of(sequence_, hidden));
  }

  ModelMeasure& owner_;
  const Prediction& sequence_;
  const OnCell& on_cell_;
  Buffer<float> input_, outputs_;
  int64_t rows_ = 0, width_ = 0;
};

ModelMeasure::ModelMeasure(const Model& model, Parts parts, const HeadSelection& selection,
                           const SourceFacts& facts, const Replacements& replacements,
                           std::vector<HeadWorkspace>& workspaces, Run& run)
    : model_(model),
      parts_(parts),
      selection_(selection),
      facts_(facts),
      replacements_(replacements),
      workspaces_(workspaces),
      run_(run),
      exact_(model, make_mechanism("flash"), run),
      changed_(model, make_mechanism("flash"), run) {
  if (model.head()) judge_.emplace(model, run);
  replaced_ = std::make_unique<Replaced>(*this);
}

ModelMeasure::~ModelMeasure() = default;

ModelErrors ModelMeasure::errors_of(const Prediction& sequence, MatrixView<const float> hidden) {
  const int64_t width = model_.architecture().width;
  ModelErrors errors{.hidden_error = relative_error(hidden, {hidden_.data(), hidden.rows, width, width})};
  if (!judge_ || sequence.positions.empty()) return errors;
  const JudgedPredictions judged = judge_->judge(sequence, hidden);
  const auto count = static_cast<double>(sequence.positions.size());
  errors.loss = judged.loss_sum / count;
  errors.agreement = std::inner_product(judged.best.begin(), judged.best.end(), judged_.best.begin(), 0.0,
                                        std::plus<>(), std::equal_to<>()) /
                     count;
  return errors;
}

void ModelMeasure::measure_layers(const Prediction& sequence, const OnCell& on_cell) {
  Stage stage(*this, sequence, on_cell);
  const std::span<const int32_t> ids(sequence.ids);
  exact_.run(TokenBatch{&ids, 1}, {}, model_.layer_count(), &stage);
}

ModelErrors ModelMeasure::run_replaced(const Prediction& sequence, const std::vector<Choice>& layers) {
  replaced_->replace_by(layers);
  changed_.replace_attention(replaced_.get());
  const std::span<const int32_t> ids(sequence.ids);
  const ModelErrors errors =
      errors_of(sequence, changed_.run(TokenBatch{&ids, 1}, {}, model_.layer_count(), nullptr));
  changed_.replace_attention(nullptr);
  return errors;
}

void ModelMeasure::measure_model(const Prediction& sequence, const OnCell& on_cell) {
  int64_t cell = 0;
  for (const auto& replacement : replacements_) {
    for (const int64_t k : replacement->ks()) {
      const std::vector<Choice> all(selection_.layers.size(), {replacement.get(), k});
      on_cell(cell++, std::ssize(selection_.layers), run_replaced(sequence, all));
    }
  }
}

// Keeps the last hidden states and predictions that the others are compared with; the loss.
double ModelMeasure::run_exact(const Prediction& sequence) {
  const std::span<const int32_t> ids(sequence.ids);
  const MatrixView<const float> hidden = exact_.run(TokenBatch{&ids, 1}, {}, model_.layer_count(), nullptr);
  hidden_.reserve(run_.memory, hidden.rows * hidden.cols, "exact hidden states");
  std::copy_n(hidden.data, hidden.rows * hidden.cols, hidden_.data());
  if (!judge_ || sequence.positions.empty()) return 0;
  judged_ = judge_->judge(sequence, hidden);
  return judged_.loss_sum / static_cast<double>(sequence.positions.size());
}

double ModelMeasure::measure(const Prediction& sequence, const OnCell& on_cell) {
  const double loss = run_exact(sequence);
  if (parts_.layers) measure_layers(sequence, on_cell);
  if (parts_.model) measure_model(sequence, on_cell);
  return loss;
}

ModelMeasure::Chosen ModelMeasure::measure_choices(const Prediction& sequence,
                                                   const std::vector<Choice>& layers) {
  const double loss = run_exact(sequence);
  return {.errors = run_replaced(sequence, layers), .exact_loss = loss};
}

}  // namespace linformer
