// SPDX-License-Identifier: MIT
#include "bench_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "architecture_json.h"
#include "base/error.h"
#include "bench/attention_subject.h"
#include "bench/model_subject.h"
#include "bench_heads.h"
#include "input.h"
#include "model/encoder_plan.h"

namespace linformer::cli {
namespace {

OpenSubject open_attention(const BenchCommand& o) {
  const double deviation = o.score_deviation == 0 ? 1 : o.score_deviation;
  OpenSubject open;
  open.subject = std::make_unique<AttentionSubject>(static_cast<float>(deviation), o.common.seed);
  open.facts = {{"score_deviation", deviation},
                {"values", "independent standard normal; q times score_deviation, s = 1/sqrt(d)"},
                {"layout", "q, k, v, o dense [batch, heads, n, d]"}};
  return open;
}

// Without what bench does not run.
ModelPlan cut_to_level(ModelPlan plan, Level level) {
  plan.head.reset();
  return level == Level::kLayer ? only_layer(plan, 0) : plan;
}

void require_encoder(const ModelPlan& plan, const std::string& path, Level level) {
  const Architecture& a = plan.architecture;
  const auto fail = [&](const char* found, const char* expected) {
    throw Error(ErrorCode::kUsage, {.subject = path, .found = found, .expected = expected});
  };
  if (a.stack() != Stack::kEncoder) fail("a decoder", "an encoder: a linformer mixes later positions");
  if (a.projection) fail("a Linformer", "an encoder with attention to all keys, to compare one with");
  if (a.image && level == Level::kModel) fail("a model of images", "a model of text, or --level layer");
}

// The sizes and the weights of a checkpoint; gives its name.
std::string open_checkpoint_model(const BenchCommand& o, WeightsWanted weights, Session& session,
                                  OpenSubject& open) {
  const Checkpoint checkpoint = open_checkpoint(o.checkpoint, session);
  ModelPlan plan = select_stack(plan_model(checkpoint), std::nullopt);
  require_encoder(plan, checkpoint.path(), o.level);
  note_unused_layers(checkpoint, plan, session);
  plan = cut_to_level(std::move(plan), o.level);
  if (weights == WeightsWanted::kSizesOnly) {
    open.model = std::make_unique<Model>(Model::without_weights(plan));
    return checkpoint.path();
  }
  open.model = std::make_unique<Model>(Model::load(checkpoint, plan, session.run().memory));
  open.facts = {{"model", checkpoint.path()},
                {"weights", "of the checkpoint"},
                {"fingerprint", checkpoint.fingerprint(used_tensors(plan))}};
  return checkpoint.path();
}

std::string open_random_model(const BenchCommand& o, const SweepOptions& sweep, WeightsWanted weights,
                              Session& session, OpenSubject& open) {
  const EncoderSizes sizes = parse_encoder_sizes(o.model.empty() ? "roberta-base" : o.model);
  ModelPlan plan = plan_encoder(sizes, *std::ranges::max_element(sweep.lengths));
  plan.architecture.causal = o.causal;
  plan = cut_to_level(std::move(plan), o.level);
  if (weights == WeightsWanted::kSizesOnly) {
    open.model = std::make_unique<Model>(Model::without_weights(plan));
  } else {
    open.model = std::make_unique<Model>(Model::untrained(plan, o.common.seed, session.run().memory));
  }
  open.facts = {{"model", sizes.name}, {"weights", "random, N(0, 0.02^2), norms 1"}};
  return sizes.name;
}

OpenSubject open_model(const BenchCommand& o, SweepOptions& sweep, WeightsWanted weights, Session& session) {
  OpenSubject open;
  const std::string name = o.checkpoint.empty() ? open_random_model(o, sweep, weights, session, open)
                                                : open_checkpoint_model(o, weights, session, open);
  const Architecture& a = open.model->architecture();
  open.facts["architecture"] = architecture_json(a);
  open.facts["values"] = o.level == Level::kModel ? "token ids, each as likely as the others"
                                                  : "hidden states of independent standard normal numbers";
  open.facts["projections"] = "of a linformer: E and F drawn from N(0, 1/k), [k, n] for each n";
  open.subject = std::make_unique<ModelSubject>(*open.model, name, o.common.seed);
  sweep.heads = {a.heads};
  sweep.head_sizes = {a.head_size};
  sweep.layers = open.model->layer_count();
  return open;
}

}  // namespace

OpenSubject open_subject(const BenchCommand& o, SweepOptions& sweep, WeightsWanted weights,
                         Session& session) {
  if (o.level != Level::kAttention) return open_model(o, sweep, weights, session);
  return o.checkpoint.empty() ? open_attention(o) : open_heads(o, sweep, weights, session);
}

}  // namespace linformer::cli
