// SPDX-License-Identifier: MIT
#include "input.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <span>

#include "base/error.h"
#include "base/parse.h"
#include "image_input.h"
#include "io/embedded.h"
#include "io/printable.h"
#include "io/sha256.h"
#include "tokenizer/documents.h"

namespace linformer::cli {
namespace {

constexpr int64_t kDefaultLength = 512;
constexpr const char* kDefaultName = "the default checkpoint that is built in";
constexpr const char* kSampleName = "the sample text that is built in";

ModelInputs model_inputs(const OpenInput& input) {
  if (input.images) return *input.images;
  std::vector<TokenSequence> sequences;
  for (const Sequence& s : input.packed.sequences)
    sequences.push_back({.document = s.document, .ids = s.ids});
  return sequences;
}

// What there could be more of, of what the options allow.
std::string more_sequences(const InputOptions& options) {
  if (!options.ids.empty()) return "Give more lines with ids, or fewer --sequences";
  if (options.per_document) return "Give more documents, or fewer --sequences";
  return "Give more text, a smaller --length or --sequences, or --join-documents";
}

void require_sequences(const InputOptions& options, const PackedText& packed, int64_t length) {
  const int64_t count = std::ssize(packed.sequences);
  if (count >= std::max<int64_t>(options.sequences, 1)) return;
  throw Error(
      ErrorCode::kInput,
      {.subject = name_of_text(options),
       .found = fmt::format("{} tokens in {} documents, which give {} sequences", packed.tokens,
                            packed.documents_read, count),
       .expected = options.ids.empty() ? fmt::format("at least {} of {} tokens",
                                                     std::max<int64_t>(options.sequences, 1), length)
                                       : fmt::format("at least {}", std::max<int64_t>(options.sequences, 1)),
       .remedy = more_sequences(options)});
}

// The text of an id, where a tokenizer made it.
std::string name_of_id(int32_t id, const Tokenizer* tokenizer) {
  return tokenizer == nullptr ? fmt::format("id {}", id)
                              : fmt::format("token \"{}\", id {}", printable(tokenizer->token(id)), id);
}

void check_ids(const PackedText& packed, const Architecture& a, const Tokenizer* tokenizer) {
  for (size_t i = 0; i < packed.sequences.size(); ++i) {
    const std::vector<int32_t>& ids = packed.sequences[i].ids;
    const auto fail = [&](std::string found, std::string expected) {
      throw Error(ErrorCode::kInput,
                  {.subject = packed.documents[static_cast<size_t>(packed.sequences[i].document)],
                   .found = std::move(found),
                   .expected = std::move(expected),
                   .remedy = "Use the tokenizer that belongs to this model"});
    };
    if (std::ssize(ids) > a.positions) {
      fail(fmt::format("{} ids", ids.size()), fmt::format("at most the model's {} positions", a.positions));
    }
    const int64_t least = a.only_length().value_or(1);
    if (std::ssize(ids) < least) {
      fail(fmt::format("{} ids", ids.size()),
           fmt::format("exactly {}: this model takes no shorter input", least));
    }
    const auto worst = std::max_element(ids.begin(), ids.end());
    if (*worst >= a.vocabulary)
      fail(name_of_id(*worst, tokenizer), fmt::format("ids below {}", a.vocabulary));
  }
}

int64_t chosen_length(const InputOptions& options, const Architecture& a) {
  const std::optional<int64_t> only = a.only_length();
  const int64_t length =
      options.length > 0 ? options.length : only.value_or(std::min(kDefaultLength, a.positions));
  if (only && length < *only) {
    throw Error(ErrorCode::kUsage, {.subject = "--length",
                                    .found = std::to_string(length),
                                    .expected = fmt::format("{}, the only length this model takes", *only)});
  }
  if (length <= a.positions) return length;
  throw Error(ErrorCode::kUsage, {.subject = "--length",
                                  .found = std::to_string(length),
                                  .expected = fmt::format("at most the model's {} positions", a.positions)});
}

nlohmann::ordered_json text_json(const InputOptions& options, const PackedText& packed) {
  nlohmann::ordered_json json;
  if (!options.ids.empty()) {
    json["ids"] = options.ids;
  } else {
    json["text"] = options.text.empty() ? std::vector<std::string>{kSampleName} : options.text;
  }
  json["documents"] = packed.documents.size();
  json["documents_read"] = packed.documents_read;
  json["tokens"] = packed.tokens;
  json["dropped_tokens"] = packed.dropped_tokens;
  json["short_documents"] = packed.short_documents;
  json["sequences"] = packed.sequences.size();
  return json;
}

std::string fingerprint(const OpenInput& input) {
  Sha256 digest;
  digest.update(input.checkpoint->fingerprint(used_tensors(*input.plan)));
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

OpenInput open_model_input(const InputOptions& options, const std::vector<int64_t>& layers,
                           Session& session) {
  OpenInput input;
  input.checkpoint = open_checkpoint(options.checkpoint, session);
  ModelPlan whole = plan_model(*input.checkpoint);
  note_unused_layers(*input.checkpoint, whole, session);
  input.one_of_several = whole.encoder != nullptr;
  input.plan = without_later_layers(select_stack(std::move(whole), options.chosen_stack()), layers);
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
  input.fingerprint = fingerprint(input);
  input.facts = {{"checkpoint", input.checkpoint->path()}, {"architecture", architecture_json(a)}};
  input.facts.update(input.images ? images_json(*input.images) : text_json(options, input.packed));
  input.facts["fingerprint"] = input.fingerprint;
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

nlohmann::ordered_json projection_json(const Architecture& a) {
  nlohmann::ordered_json json;
  const Projection& p = *a.projection;
  const bool after = p.order == Projection::Order::kAfterWeights;
  json["projection"] = p.kind == Projection::Kind::kMatrix ? "matrix" : "convolution";
  json["slots"] = p.k;
  json["sharing"] = name_of(p.sharing);
  json["projection_order"] = after ? "after weights" : "before weights";
  json["projection_bias"] = p.bias;
  json["short_inputs"] = p.whole_length ? "refused" : "first columns of E and F";
  json["padding_tokens"] = a.zero_unplaced ? "embedded as zeros, then as others" : "as others";
  return json;
}

}  // namespace

nlohmann::ordered_json architecture_json(const Architecture& a) {
  nlohmann::ordered_json json = {
      {"family", a.family}, {"stack", name_of(a.stack())}, {"layers", a.layers},
      {"heads", a.heads},   {"kv_heads", a.kv_heads},      {"head_size", a.head_size},
      {"width", a.width},   {"ffn_width", a.ffn_width},    {"activation", name_of(a.activation)}};
  if (a.image) {
    json["image_channels"] = a.image->channels;
    json["image_size"] = {a.image->height, a.image->width};
    json["patch_size"] = {a.image->patch_height, a.image->patch_width};
    json["prefix_tokens"] = a.prefix_tokens();
  } else {
    json["vocabulary"] = a.vocabulary;
  }
  json["positions"] = a.positions;
  if (a.positions == kAnyLength) {
    json["positions"] = nullptr;
    json["positions_reason"] = "any number: positions are told by distance alone";
  }
  json["causal"] = a.hides_later_keys();
  if (a.projection) json.update(projection_json(a));
  return json;
}

std::optional<Stack> InputOptions::chosen_stack() const {
  for (const Stack candidate : {Stack::kEncoder, Stack::kDecoder, Stack::kCross}) {
    if (stack == name_of(candidate)) return candidate;
  }
  return std::nullopt;
}

void add_input_options(CLI::App& app, InputOptions& o, InputParts parts) {
  const char* group = "Input";
  app.add_option(
         "--checkpoint", o.checkpoint,
         "a folder, a file of weights or a model in the hub's cache (default: a small BERT that is built in)")
      ->group(group);
  if (parts.stack) {
    app.add_option(
           "--stack", o.stack,
           "of a model with encoder and decoder, whose attention: the encoder's, the decoder's to itself, "
           "or to the encoder (default: encoder)")
        ->check(CLI::IsMember({"encoder", "decoder", "cross"}))
        ->group(group);
  }
  if (!parts.text) return;
  CLI::Option* text =
      app.add_option("--text", o.text,
                     "files: plain text is one document, .jsonl one a line with \"text\", '-' is stdin "
                     "(default: a sample that is built in)")
          ->group(group);
  CLI::Option* ids =
      app.add_option("--ids", o.ids, "token ids, an array or an object with \"ids\" a line; '-' is stdin")
          ->group(group)
          ->excludes(text);
  CLI::Option* inputs = nullptr;
  if (parts.inputs) {
    inputs = app.add_option("--inputs", o.inputs,
                            "for models of images: a safetensors file with pixel_values [images, channels, "
                            "height, width]")
                 ->group(group)
                 ->excludes(text)
                 ->excludes(ids);
  }
  app.add_option("--length", o.length,
                 "tokens of a sequence (default: 512, or the model's positions if these are fewer)")
      ->transform(whole_number<int64_t>(1))
      ->group(group)
      ->excludes(ids);
  app.add_option("--sequences", o.sequences, "how many (default: all that the text or --inputs gives)")
      ->transform(whole_number<int64_t>(1))
      ->group(group);
  CLI::Option* join =
      app.add_flag("--join-documents", o.join_documents, "put documents shorter than a sequence together")
          ->group(group)
          ->excludes(ids);
  app.add_flag("--per-document", o.per_document, "one sequence a document")
      ->group(group)
      ->excludes(ids)
      ->excludes(join);
  for (const char* name : {"--join-documents", "--per-document"}) {
    if (inputs != nullptr) inputs->excludes(app.get_option(name));
  }
  if (parts.drop) {
    app.add_flag(
           "--drop-special-tokens", o.drop_special_tokens,
           "cut rows and columns of the tokens that the model's template adds ([CLS], [SEP]) out of P and "
           "normalise its rows again; with --ids, of these and of padding wherever they are; of images, "
           "those that are no patch")
        ->group(group);
  }
  if (!parts.tensors) return;
  CLI::Option* qk = app.add_option("--qk", o.qk, "a safetensors file with layers.{i}.q and .k of any model")
                        ->group(group)
                        ->excludes("--checkpoint")
                        ->excludes(text)
                        ->excludes(ids);
  app.add_option("--probabilities", o.probabilities,
                 "a safetensors file with layers.{i}.probabilities of any model, or an .npy of one layer")
      ->group(group)
      ->excludes("--checkpoint")
      ->excludes(text)
      ->excludes(ids)
      ->excludes(qk);
  app.add_option("--scale", o.scale, "for --qk: s in softmax(s q.k) (default: 1/sqrt(head size))")
      ->check(positive_number())
      ->group(group)
      ->needs(qk);
  app.add_flag("--causal", o.causal, "for --qk and --probabilities: the heads are causal")->group(group);
  for (const char* name : {"--inputs", "--length", "--sequences", "--join-documents", "--per-document",
                           "--drop-special-tokens", "--stack"}) {
    CLI::Option* of_text = app.get_option_no_throw(name);
    if (of_text != nullptr) qk->excludes(of_text), app.get_option("--probabilities")->excludes(of_text);
  }
}

void add_selection(CLI::App& app, Selection& s) {
  app.add_option("--layers", s.layers, "which, from 0, e.g. 0,2 or 0..5 (default: all)")->group("Input");
  app.add_option("--heads", s.heads, "which, from 0 (default: all)")->group("Input");
}

std::vector<int64_t> Selection::layer_list() const {
  return layers.empty() ? std::vector<int64_t>{} : parse_list(layers, "--layers");
}

std::vector<int64_t> Selection::head_list() const {
  return heads.empty() ? std::vector<int64_t>{} : parse_list(heads, "--heads");
}

Checkpoint open_checkpoint(const std::string& path, const Session& session) {
  return path.empty() ? Checkpoint::embedded(kDefaultName, embedded_checkpoint())
                      : Checkpoint::open(path, session.map_files(), session.hub_cache());
}

TokenizerFiles tokenizer_files(const Checkpoint& checkpoint) {
  return {.path = checkpoint.path(), .file = [&](std::string_view name) { return checkpoint.file(name); }};
}

void note_unused_layers(const Checkpoint& checkpoint, const ModelPlan& plan, const Session& session) {
  const std::vector<std::string> unused = unused_layer_tensors(checkpoint, plan);
  if (unused.empty()) return;
  session.note(
      fmt::format("{}: {} tensors of layers are not used, e.g. '{}': does config.json count too few layers?",
                  checkpoint.path(), unused.size(), printable(unused.front())));
}

const Tokenizer* CheckpointTokenizer::find() {
  return tokenizer_kind(tokenizer_files(checkpoint_)) == kNoTokenizer ? nullptr : &get();
}

const Tokenizer& CheckpointTokenizer::get() {
  if (!opened_) opened_ = open_tokenizer(tokenizer_files(checkpoint_));
  return *opened_;
}

std::string name_of_text(const InputOptions& options) {
  if (!options.ids.empty()) return options.ids;
  return options.text.empty() ? kSampleName : "--text";
}

std::vector<Document> open_documents(const InputOptions& options) {
  return options.text.empty() ? documents_from_jsonl(kSampleName, embedded_sample())
                              : read_documents(options.text, std::cin);
}

PackedText open_sequences(const InputOptions& options, CheckpointTokenizer& tokenizer,
                          const Architecture& a) {
  const std::optional<int64_t> limit =
      options.sequences > 0 ? std::optional(options.sequences) : std::nullopt;
  check_input_kind(options, a);
  if (!options.ids.empty()) {
    PackedText packed = sequences_of_ids(options.ids, read_ids(options.ids, std::cin), limit);
    require_sequences(options, packed, 0);
    check_ids(packed, a, nullptr);
    return packed;
  }
  const int64_t length = chosen_length(options, a);
  PackedText packed = pack(tokenizer.get(), open_documents(options),
                           {.length = length,
                            .join_documents = options.join_documents,
                            .per_document = options.per_document,
                            .limit = limit});
  require_sequences(options, packed, length);
  check_ids(packed, a, &tokenizer.get());
  return packed;
}

OpenInput open_input(const InputOptions& options, const std::vector<int64_t>& layers, Session& session) {
  const bool tensors = !options.qk.empty() || !options.probabilities.empty();
  if (options.causal && !tensors) {
    throw Error(ErrorCode::kUsage,
                {.subject = "--causal",
                 .found = "given with a checkpoint",
                 .expected = "--qk or --probabilities",
                 .remedy = "Leave it out: the checkpoint says whether its heads are causal"});
  }
  return tensors ? open_tensor_input(options, session) : open_model_input(options, layers, session);
}

std::vector<std::string> files_read(const InputOptions& options, const Session& session) {
  std::vector<std::string> read = options.text;
  for (const std::string& file : {options.ids, options.inputs, options.qk, options.probabilities}) {
    if (!file.empty()) read.push_back(file);
  }
  if (options.checkpoint.empty()) return read;
  const std::vector<std::string> files = Checkpoint::files_of(options.checkpoint, session.hub_cache());
  read.insert(read.end(), files.begin(), files.end());
  return read;
}

void refuse_overwriting(const std::vector<std::string>& read, const std::string& path) {
  std::error_code missing;
  if (!std::filesystem::is_regular_file(path, missing)) return;
  for (const std::string& file : read) {
    if (!std::filesystem::equivalent(file, path, missing)) continue;
    throw Error(ErrorCode::kUsage, {.subject = path,
                                    .found = "what is read",
                                    .expected = "another file to write",
                                    .remedy = "Choose another name"});
  }
}

std::unique_ptr<AttentionSource> open_untrained(const OpenInput& input, uint64_t seed,
                                                std::vector<std::unique_ptr<Model>>& models,
                                                Session& session) {
  models.push_back(std::make_unique<Model>(Model::untrained(*input.plan, seed, session.run().memory)));
  return make_model_source(*models.back(), model_inputs(input), input.dropped, session.run());
}

}  // namespace linformer::cli
