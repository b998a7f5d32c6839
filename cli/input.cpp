// SPDX-License-Identifier: MIT
#include "input.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "architecture_json.h"
#include "base/error.h"
#include "base/random.h"
#include "image_input.h"
#include "io/embedded.h"
#include "io/printable.h"
#include "io/sha256.h"
#include "model/encoder_plan.h"
#include "spectrum/controls.h"
#include "text_input.h"

namespace linformer::cli {
namespace {

constexpr const char* kDefaultName = "the default checkpoint that is built in";

constexpr int64_t kRandomSequences = 16, kRandomLength = 512;  // where no option says how many, and how long

ModelInputs model_inputs(const OpenInput& input) {
  if (input.images) return *input.images;
  std::vector<TokenSequence> sequences;
  for (const Sequence& s : input.packed.sequences)
    sequences.push_back({.document = s.document, .ids = s.ids});
  return sequences;
}

// Of what a plan uses; the input's own, or without its head.
std::string fingerprint(const OpenInput& input, const ModelPlan& plan) {
  Sha256 digest;
  digest.update(input.checkpoint->fingerprint(used_tensors(plan)));
  if (input.images) input.images->add_to(digest);
  // What the weights say of themselves counts where it is read: fairseq's args may differ and change nothing.
  if (input.plan->architecture.projection) digest.update(input.checkpoint->known_config().dump());
  for (const Sequence& sequence : input.packed.sequences) {
    digest.update(fmt::format("{} {}:", sequence.document, sequence.ids.size()));
    digest.update(std::as_bytes(std::span(sequence.ids)));
  }
  for (const std::vector<int32_t>& positions : input.dropped) {
    digest.update(fmt::format("-{}:", positions.size()));
    digest.update(std::as_bytes(std::span(positions)));
  }
  return digest.hex_digest();
}

// Where a decoder that reads the sequence shifted right has its special tokens: the first, and those of the
// sequence but for the last position, which it does not read.
std::vector<int32_t> shifted_positions(const std::vector<int32_t>& positions, int64_t length) {
  std::vector<int32_t> shifted = {0};
  for (const int32_t position : positions) {
    if (position + 1 < length) shifted.push_back(position + 1);
  }
  return shifted;
}

std::vector<std::vector<int32_t>> dropped_positions(const InputOptions& options, const OpenInput& input,
                                                    CheckpointTokenizer& opened) {
  if (input.images) return prefix_positions(*input.images, input.plan->architecture);
  const Tokenizer& tokenizer = opened.get();
  std::vector<std::vector<int32_t>> dropped;
  for (const Sequence& sequence : input.packed.sequences) {
    dropped.push_back(options.ids.empty()
                          ? template_positions(tokenizer.sequence_template(), std::ssize(sequence.ids))
                          : template_id_positions(tokenizer, sequence.ids));
  }
  if (!input.plan->encoder) return dropped;
  if (input.plan->architecture.cross) {
    throw Error(ErrorCode::kUsage, {.subject = "--drop-special-tokens",
                                    .found = "given with --stack cross",
                                    .expected = "a stack whose queries and keys are the same tokens",
                                    .remedy = "Leave it out"});
  }
  for (size_t i = 0; i < dropped.size(); ++i) {
    dropped[i] = shifted_positions(dropped[i], std::ssize(input.packed.sequences[i].ids));
  }
  return dropped;
}

OpenInput open_model_input(const InputOptions& options, const std::vector<int64_t>& layers, bool head,
                           Session& session) {
  OpenInput input;
  input.checkpoint = open_checkpoint(options.checkpoint, session);
  input.name = input.checkpoint->path();
  ModelPlan whole = plan_model(*input.checkpoint);
  note_unused_layers(*input.checkpoint, whole, session);
  input.one_of_several = whole.encoder != nullptr;
  input.plan = select_stack(std::move(whole), options.chosen_stack());
  if (!head) input.plan = without_later_layers(std::move(*input.plan), layers);
  const Architecture& a = input.plan->architecture;
  CheckpointTokenizer tokenizer(*input.checkpoint);
  if (a.image) {
    input.images = open_images(options, a, session.map_files());
  } else {
    input.packed = open_sequences(options, tokenizer, a);
  }
  if (options.drop_special_tokens && a.projection) {
    throw Error(ErrorCode::kUsage, {.subject = "--drop-special-tokens",
                                    .found = "a Linformer, whose P has slots for columns",
                                    .expected = "a model whose P has tokens for columns",
                                    .remedy = "Leave it out"});
  }
  if (options.drop_special_tokens) {
    input.dropped = dropped_positions(options, input, tokenizer);
    const bool any = std::any_of(input.dropped.begin(), input.dropped.end(),
                                 [](const std::vector<int32_t>& positions) { return !positions.empty(); });
    if (!any) session.note("--drop-special-tokens: there are none in these sequences");
  }
  input.model = std::make_unique<Model>(Model::load(*input.checkpoint, *input.plan, session.run().memory));
  input.source = make_model_source(*input.model, model_inputs(input), input.dropped, session.run());
  input.fingerprint = fingerprint(input, *input.plan);
  input.facts = {{"checkpoint", input.checkpoint->path()}, {"architecture", architecture_json(a)}};
  input.facts.update(input.images ? images_json(*input.images) : text_json(options, input.packed));
  input.facts["fingerprint"] = input.fingerprint;
  ModelPlan headless = *input.plan;
  headless.head.reset();
  input.facts["attention_fingerprint"] = input.plan->head ? fingerprint(input, headless) : input.fingerprint;
  return input;
}

void require_few_tokens(int64_t count, int64_t length) {
  constexpr int64_t kMost = int64_t{1} << 31;
  if (count <= kMost / length) return;
  throw Error(ErrorCode::kUsage, {.subject = "--model",
                                  .found = fmt::format("{} sequences of {} tokens", count, length),
                                  .expected = fmt::format("at most {} tokens in all", kMost)});
}

// Ids of which each is as likely as the others; every sequence is a document.
PackedText random_sequences(int64_t count, int64_t length, int64_t vocabulary, uint64_t seed) {
  constexpr uint32_t kPurpose = 0x1D5;
  PackedText packed;
  packed.documents_read = count;
  packed.tokens = count * length;
  for (int64_t i = 0; i < count; ++i) {
    Random random({.seed = seed, .purpose = kPurpose, .index = static_cast<uint64_t>(i)});
    Sequence sequence{.document = i, .ids = std::vector<int32_t>(static_cast<size_t>(length))};
    for (int32_t& id : sequence.ids) {
      id = static_cast<int32_t>(random.below(static_cast<uint32_t>(vocabulary)));
    }
    packed.sequences.push_back(std::move(sequence));
    packed.documents.push_back(fmt::format("random sequence {}", i));
  }
  return packed;
}

OpenInput open_random_input(const InputOptions& options, const std::vector<int64_t>& layers,
                            Session& session) {
  OpenInput input;
  const uint64_t seed = session.options().seed;
  const int64_t length = options.length > 0 ? options.length : kRandomLength;
  const int64_t count = options.sequences > 0 ? options.sequences : kRandomSequences;
  require_few_tokens(count, length);
  input.name = fmt::format("random weights, seed {}", seed);
  input.plan = without_later_layers(plan_encoder(parse_encoder_sizes(options.model), length), layers);
  const Architecture& a = input.plan->architecture;
  input.packed = random_sequences(count, length, a.vocabulary, seed);
  input.model = std::make_unique<Model>(Model::untrained(*input.plan, seed, session.run().memory));
  input.source = make_model_source(*input.model, model_inputs(input), {}, session.run());
  Sha256 digest;
  digest.update(fmt::format("random {} {} {} {}", options.model, length, count, seed));
  input.fingerprint = digest.hex_digest();
  input.facts = {{"model", options.model},
                 {"weights", input.name},
                 {"text", std::vector<std::string>{"random token ids"}},
                 {"architecture", architecture_json(a)},
                 {"documents", count},
                 {"sequences", count},
                 {"tokens", input.packed.tokens},
                 {"fingerprint", input.fingerprint}};
  return input;
}

OpenInput open_tensor_input(const InputOptions& options, Session& session) {
  OpenInput input;
  const bool qk = !options.qk.empty();
  const std::string& path = qk ? options.qk : options.probabilities;
  const std::shared_ptr<const FileBytes> file = FileBytes::open(path, session.map_files());
  input.source = qk ? open_queries_keys(file, options.scale, options.causal, session.run())
                    : open_probabilities(file, options.causal, session.run());
  const SourceFacts& facts = input.source->facts();
  Sha256 digest;
  digest.update(file->bytes());
  digest.update(fmt::format("{} {} {}", qk, options.scale, options.causal));
  input.fingerprint = digest.hex_digest();
  input.facts = {{qk ? "qk" : "probabilities", path},
                 {"layers", facts.layers},
                 {"heads", facts.heads},
                 {"causal", facts.causal},
                 {"sequences", facts.sizes.size()},
                 {"fingerprint", input.fingerprint}};
  return input;
}

}  // namespace

Checkpoint open_checkpoint(const std::string& path, const Session& session) {
  return path.empty() ? Checkpoint::embedded(kDefaultName, embedded_checkpoint())
                      : Checkpoint::open(path, session.map_files(), session.hub_cache());
}

void note_unused_layers(const Checkpoint& checkpoint, const ModelPlan& plan, const Session& session) {
  const std::vector<std::string> unused = unused_layer_tensors(checkpoint, plan);
  if (unused.empty()) return;
  session.note(
      fmt::format("{}: {} tensors of layers are not used, e.g. '{}': does config.json count too few layers?",
                  checkpoint.path(), unused.size(), printable(unused.front())));
}

OpenInput open_input(const InputOptions& options, const std::vector<int64_t>& layers, Session& session,
                     bool head) {
  const bool tensors = !options.qk.empty() || !options.probabilities.empty();
  if (options.causal && !tensors) {
    throw Error(ErrorCode::kUsage,
                {.subject = "--causal",
                 .found = "given with a checkpoint",
                 .expected = "--qk or --probabilities",
                 .remedy = "Leave it out: the checkpoint says whether its heads are causal"});
  }
  if (!options.model.empty()) return open_random_input(options, layers, session);
  return tensors ? open_tensor_input(options, session) : open_model_input(options, layers, head, session);
}

Untrained open_untrained(const OpenInput& input, uint64_t seed, int64_t count, Session& session) {
  if (!input.plan) {
    throw Error(ErrorCode::kUsage, {.subject = "--control",
                                    .found = kInitControl,
                                    .expected = "a checkpoint, whose architecture is run with random weights",
                                    .remedy = "Leave it out"});
  }
  Untrained untrained;
  for (int64_t i = 0; i < count; ++i) {
    const Model& model = *untrained.models.emplace_back(std::make_unique<Model>(
        Model::untrained(*input.plan, seed + static_cast<uint64_t>(i), session.run().memory)));
    untrained.sources.push_back(make_model_source(model, model_inputs(input), input.dropped, session.run()));
  }
  return untrained;
}

}  // namespace linformer::cli
