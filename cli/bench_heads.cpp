// SPDX-License-Identifier: MIT
#include "bench_heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "architecture_json.h"
#include "base/error.h"
#include "base/parse.h"
#include "bench/attention_subject.h"
#include "bench/model_heads.h"
#include "input.h"
#include "io/sha256.h"
#include "text_input.h"

namespace linformer::cli {
namespace {

using Ids = ModelHeads::Ids;
using SequencesByLength = std::map<int64_t, std::vector<Ids>>;

void require_text_model(const Architecture& a, const std::string& path) {
  const auto fail = [&](const char* found, const char* expected) {
    throw Error(ErrorCode::kUsage, {.subject = path, .found = found, .expected = expected});
  };
  if (a.projection) fail("a Linformer", "a model whose keys are tokens, to compare a Linformer with");
  if (a.image) fail("a model of images", "a model of text");
}

InputOptions input_of(const BenchCommand& o) {
  InputOptions input;
  input.text = o.text, input.ids = o.ids;
  return input;
}

// As many sequences of a length as a cell has.
std::vector<Ids> sequences_of(const BenchCommand& o, const ReadText& text, int64_t length, int64_t count,
                              const Architecture& a, CheckpointTokenizer& tokenizer) {
  InputOptions input = input_of(o);
  input.length = length;
  if (o.ids.empty()) input.sequences = count;
  std::vector<Ids> sequences;
  for (const Sequence& sequence : cut_sequences(input, text, tokenizer, a).sequences) {
    if (std::ssize(sequence.ids) < length || std::ssize(sequences) == count) continue;
    sequences.emplace_back(sequence.ids.begin(), sequence.ids.begin() + length);
  }
  if (std::ssize(sequences) == count) return sequences;
  throw Error(ErrorCode::kInput,
              {.subject = o.ids,
               .found = fmt::format("{} lines with {} ids or more", sequences.size(), length),
               .expected = std::to_string(count),
               .remedy = "Give more or longer ones, or smaller --lengths or --batch"});
}

SequencesByLength all_sequences(const BenchCommand& o, const SweepOptions& sweep, const Architecture& a,
                                CheckpointTokenizer& tokenizer) {
  SequencesByLength all;
  const ReadText text = read_text(input_of(o));
  for (const int64_t length : sweep.lengths) {
    if (length > a.positions) continue;  // its cells say so
    const int64_t count =
        sweep.tokens > 0 ? std::max<int64_t>(1, sweep.tokens / length) : std::ranges::max(sweep.batches);
    all.emplace(length, sequences_of(o, text, length, count, a, tokenizer));
  }
  return all;
}

std::string fingerprint(const Checkpoint& checkpoint, const ModelPlan& plan, const SequencesByLength& all) {
  Sha256 digest;
  digest.update_part(checkpoint.fingerprint(used_tensors(plan)));
  for (const auto& [length, sequences] : all) {
    for (const Ids& ids : sequences) digest.update(std::as_bytes(std::span(ids)));
  }
  return digest.hex_digest();
}

}  // namespace

OpenSubject open_heads(const BenchCommand& o, SweepOptions& sweep, WeightsWanted weights, Session& session) {
  const Checkpoint checkpoint = open_checkpoint(o.checkpoint, session);
  ModelPlan plan = select_stack(plan_model(checkpoint), std::nullopt);
  require_text_model(plan.architecture, checkpoint.path());
  note_unused_layers(checkpoint, plan, session);
  const std::vector<int64_t> layers =
      choose_indices(o.layers.empty() ? std::vector<int64_t>{} : parse_list(o.layers, "--layers"),
                     plan.architecture.layers, "--layers");
  plan = without_later_layers(std::move(plan), layers);
  plan.head.reset();
  const Architecture& a = plan.architecture;
  sweep.heads = {a.heads}, sweep.head_sizes = {a.head_size};
  sweep.causal = a.hides_later_keys();
  OpenSubject open;
  CheckpointTokenizer tokenizer(checkpoint);
  SequencesByLength sequences = all_sequences(o, sweep, a, tokenizer);
  open.facts = {
      {"model", checkpoint.path()},
      {"architecture", architecture_json(a)},
      {"head_layers", layers},
      {"text", o.ids.empty() ? nlohmann::ordered_json(o.text) : nlohmann::ordered_json(o.ids)},
      {"values",
       "q, k and v of the model's heads, head j from layer head_layers[j mod their number]; q times "
       "the model's scale; biases by distance are left out"},
      {"layout", "q, k, v, o dense [batch, heads, n, d]"}};
  if (weights == WeightsWanted::kSizesOnly) {
    open.model = std::make_unique<Model>(Model::without_weights(plan));
  } else {
    open.facts["fingerprint"] = fingerprint(checkpoint, plan, sequences);
    open.model = std::make_unique<Model>(Model::load(checkpoint, plan, session.run().memory));
  }
  open.subject = std::make_unique<AttentionSubject>(
      std::make_unique<ModelHeads>(*open.model, checkpoint.path(), layers, std::move(sequences)),
      o.common.seed);
  return open;
}

}  // namespace linformer::cli
