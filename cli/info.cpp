// SPDX-License-Identifier: MIT
// linformer info: what a checkpoint is, from its headers; --check proves that it is read right.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "commands.h"
#include "input.h"
#include "io/json.h"
#include "io/printable.h"
#include "model/language_model.h"
#include "model/span_corruption.h"
#include "options.h"
#include "report/table.h"
#include "tokenizer/open_tokenizer.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InfoOptions {
  CommonOptions common;
  InputOptions input;
  bool tensors = false;
  bool check = false;
  bool models = false;
};

Json tensor_facts(const TensorInfo& tensor) {
  return {{"name", tensor.name}, {"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}};
}

Json checkpoint_facts(const Checkpoint& checkpoint, const ModelPlan& plan) {
  std::map<std::string, int64_t> parameters;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    parameters[std::string(name_of(tensor.dtype))] += tensor.elements();
  }
  Json json = {{"checkpoint", checkpoint.path()},
               {"weights", checkpoint.weights_path()},
               {"packaging", checkpoint.packaging()},
               {"architecture", architecture_json((plan.encoder ? *plan.encoder : plan).architecture)},
               {"language_model_head", plan.head.has_value()},
               {"tensors", checkpoint.tensors().size()},
               {"elements_by_dtype", parameters},
               {"bytes", checkpoint.total_bytes()},
               {"tokenizer", tokenizer_kind(tokenizer_files(checkpoint))},
               {"unused_tensors", unused_tensors(checkpoint, plan)}};
  if (plan.encoder) json["decoder"] = architecture_json(plan.architecture);
  if (!plan.notes.empty()) json["notes"] = plan.notes;
  if (!checkpoint.unmapped_tensors().empty()) json["unmapped_tensors"] = checkpoint.unmapped_tensors();
  return json;
}

// What --check asks of a model, and the name of its loss.
struct Task {
  const char* loss;
  std::vector<Prediction> predictions = {};
};
constexpr const char* kCopyLoss = "copy_loss_nats";

// A loss over no token at all would say that nothing is wrong.
void require_predictions(const InputOptions& options, const PackedText& packed,
                         const std::vector<Prediction>& predictions) {
  const bool any = std::any_of(predictions.begin(), predictions.end(),
                               [](const Prediction& sequence) { return !sequence.positions.empty(); });
  if (any) return;
  throw Error(ErrorCode::kInput,
              {.subject = name_of_text(options),
               .found = fmt::format("too short: of {} tokens in {} sequences none is to be predicted",
                                    packed.tokens, packed.sequences.size()),
               .expected = "at least one token to predict; a masked LM predicts 15 % of the ordinary ones",
               .remedy = "Give more text"});
}

// <extra_id_0>, <extra_id_1>, ..., as far as the tokenizer has them.
std::vector<int32_t> sentinels(const Tokenizer& tokenizer) {
  constexpr size_t kMost = 1000;  // whatever a strange tokenizer makes of them
  std::vector<int32_t> found;
  while (found.size() < kMost) {
    const std::vector<int32_t> ids = tokenizer.encode(fmt::format("<extra_id_{}>", found.size()));
    if (ids.size() != 1 || ids.front() == tokenizer.special_tokens().unknown) break;
    found.push_back(ids.front());
  }
  return found;
}

// T5's own task where there is a tokenizer with what it takes, else one that takes nothing: the text once
// more.
Task encoder_decoder_task(const PackedText& packed, CheckpointTokenizer& opened, int32_t start_id,
                          uint64_t seed) {
  const Tokenizer* const tokenizer = opened.find();
  const std::vector<int32_t> marks = tokenizer ? sentinels(*tokenizer) : std::vector<int32_t>{};
  Task task{.loss = marks.empty() ? kCopyLoss : "span_corruption_loss_nats"};
  for (const Sequence& sequence : packed.sequences) {
    task.predictions.push_back(tokenizer == nullptr || marks.empty()
                                   ? predict_again(sequence.ids, start_id)
                                   : corrupt_spans(sequence.ids, tokenizer->special_tokens().ids, marks,
                                                   start_id, seed, task.predictions.size()));
  }
  return task;
}

Task causal_task(const PackedText& packed) {
  Task task{.loss = "causal_lm_loss_nats"};
  for (const Sequence& sequence : packed.sequences) task.predictions.push_back(predict_next(sequence.ids));
  return task;
}

Task masked_task(const PackedText& packed, CheckpointTokenizer& tokenizer, int64_t vocabulary,
                 uint64_t seed) {
  const SpecialTokens& special = tokenizer.get().special_tokens();
  if (!special.mask || *special.mask >= vocabulary) {
    throw Error(ErrorCode::kUsage, {.subject = "--check",
                                    .found = "a tokenizer without a mask token that the model has",
                                    .expected = "[MASK]",
                                    .remedy = "Leave out --check"});
  }
  Task task{.loss = "masked_lm_loss_nats"};
  for (const Sequence& sequence : packed.sequences) {
    task.predictions.push_back(
        mask_sequence(sequence.ids, special.ids, *special.mask, vocabulary, seed, task.predictions.size()));
  }
  return task;
}

Task task_for(const PackedText& packed, CheckpointTokenizer& tokenizer, const ModelPlan& plan,
              uint64_t seed) {
  const Architecture& a = plan.architecture;
  if (plan.encoder) return encoder_decoder_task(packed, tokenizer, a.decoder_start_id, seed);
  return a.causal ? causal_task(packed) : masked_task(packed, tokenizer, a.vocabulary, seed);
}

// A classifier's answers prove little without labels; so nothing is claimed.
void require_language_model(const Architecture& architecture) {
  if (!architecture.image) return;
  throw Error(ErrorCode::kUsage,
              {.subject = "--check",
               .found = fmt::format("a {} model, which takes images: it has no language-model loss, and a "
                                    "classifier's is not computed",
                                    architecture.family),
               .expected = "a language model",
               .remedy = "Leave it out: names, types and shapes of all tensors are compared with config.json "
                         "without it. To check values, compare what 'linformer attention --inputs FILE "
                         "--save hidden' writes with the hidden states of transformers"});
}

void require_finite(double loss, const std::string& checkpoint) {
  if (std::isfinite(loss)) return;
  throw Error(ErrorCode::kInput,
              {.subject = checkpoint,
               .item = "--check",
               .found = "a loss that is not finite",
               .expected = "a number",
               .remedy = "The model's numbers overflow f32: check where the weights come from"});
}

// --check: the language-model loss on the text.
Json check_facts(const InfoOptions& o, const Checkpoint& checkpoint, const ModelPlan& plan,
                 Session& session) {
  require_language_model(plan.architecture);
  require_language_model_head(plan.head.has_value());
  const Model model = Model::load(checkpoint, plan, session.run().memory);
  CheckpointTokenizer tokenizer(checkpoint);
  const PackedText packed = open_sequences(o.input, tokenizer, plan.architecture);
  const Task task = task_for(packed, tokenizer, plan, o.common.seed);
  require_predictions(o.input, packed, task.predictions);
  const LanguageModelLoss result = language_model_loss(model, task.predictions, session.run());
  require_finite(result.loss, checkpoint.path());
  Json facts = {{"sequences", packed.sequences.size()},
                {"predictions", result.predictions},
                {task.loss, result.loss},
                {"accuracy", result.accuracy}};
  if (!plan.encoder) return facts;
  facts["guessing_loss_nats"] = std::log(static_cast<double>(plan.architecture.vocabulary));
  if (task.loss == kCopyLoss) {
    facts["meaning"] = "copying, since there are no sentinels: a small loss proves, a large one says nothing";
  }
  return facts;
}

// What files say must not steer the terminal.
std::string cell(const Json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

Table facts_table(const Json& facts) {
  Table table{.title = "", .columns = {{"", Align::kLeft}, {"", Align::kLeft}}, .rows = {}};
  for (const auto& [key, value] : facts.items()) {
    if (key == "tensor_list") continue;
    if (value.is_object()) {
      for (const auto& [inner, x] : value.items()) table.rows.push_back({inner, cell(x)});
    } else if (value.is_array()) {
      table.rows.push_back({key, value.empty() ? "none" : fmt::format("{}", value.size())});
      for (const Json& x : value) table.rows.push_back({"", cell(x)});
    } else {
      table.rows.push_back({key, cell(value)});
    }
  }
  return table;
}

Table tensor_table(const Checkpoint& checkpoint) {
  Table table{.title = "",
              .columns = {{"tensor", Align::kLeft}, {"dtype", Align::kLeft}, {"shape", Align::kLeft}},
              .rows = {}};
  for (const TensorInfo& t : checkpoint.tensors()) {
    table.rows.push_back({printable(t.name), std::string(name_of(t.dtype)), to_string(t.shape)});
  }
  return table;
}

Table model_table() {
  Table table{.title = "",
              .columns = {{"model", Align::kLeft}, {"model_type", Align::kLeft}, {"supported", Align::kLeft}},
              .rows = {}};
  for (const FamilyFacts& family : families()) {
    table.rows.push_back(
        {std::string(family.name), std::string(family.model_type), std::string(family.includes)});
  }
  return table;
}

std::string render(const Table& table, Format format) {
  if (format == Format::kMarkdown) return markdown_table(table);
  if (format == Format::kCsv) return csv_table(table);
  return terminal_table(table);
}

int run(const InfoOptions& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  if (o.models) {
    print(render(model_table(), o.common.format));
    return 0;
  }
  const Checkpoint checkpoint = open_checkpoint(o.input.checkpoint, session);
  const std::optional<Stack> stack = o.input.chosen_stack();
  const ModelPlan plan = stack ? select_stack(plan_model(checkpoint), stack) : plan_model(checkpoint);
  note_unused_layers(checkpoint, plan, session);
  Json facts = checkpoint_facts(checkpoint, plan);
  if (o.check) facts["check"] = check_facts(o, checkpoint, plan, session);
  if (o.common.format == Format::kJson || o.common.format == Format::kJsonl) {
    if (o.tensors) {
      for (const TensorInfo& tensor : checkpoint.tensors())
        facts["tensor_list"].push_back(tensor_facts(tensor));
    }
    print(o.common.format == Format::kJson ? dump_json(facts) : facts.dump() + "\n");
    return 0;
  }
  print(render(facts_table(facts), o.common.format));
  if (o.tensors) print("\n" + render(tensor_table(checkpoint), o.common.format));
  return 0;
}

}  // namespace

Action add_info(CLI::App& app) {
  auto o = std::make_shared<InfoOptions>();
  app.description("Say what a checkpoint is, from its headers alone.");
  app.footer(
      "Examples:\n"
      "  linformer info my-bert/\n"
      "  linformer info my-bert/ --check --text book.txt\n");
  add_input_options(app, o->input, {.text = true, .stack = true});
  app.get_option("--stack")->description(
      "of a model with encoder and decoder, the part that is told and checked (default: all of it)");
  app.add_option("CHECKPOINT", o->input.checkpoint, "the same as --checkpoint")->excludes("--checkpoint");
  app.add_flag("--tensors", o->tensors, "list every tensor");
  app.add_flag("--models", o->models, "list the models that are supported instead")
      ->excludes("CHECKPOINT")
      ->excludes("--checkpoint");
  CLI::Option* check = app.add_flag("--check", o->check, "compute the (masked-)LM loss on the text");
  for (const char* name :
       {"--text", "--ids", "--length", "--sequences", "--join-documents", "--per-document"}) {
    app.get_option(name)->needs(check);
  }
  add_common_options(app, o->common, {.seed = true, .format = true});
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
