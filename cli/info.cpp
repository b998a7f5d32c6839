// SPDX-License-Identifier: MIT
// linformer info: what a checkpoint is, from its headers; --check proves that it is read right.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "architecture_json.h"
#include "commands.h"
#include "input.h"
#include "io/json.h"
#include "io/printable.h"
#include "model_check.h"
#include "options.h"
#include "report/table.h"
#include "text_input.h"
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

// What files say must not steer the terminal.
std::string cell(const Json& value) {
  constexpr size_t kMost = 400;  // bytes: a sentence of ours
  return printable(value.is_string() ? value.get<std::string>() : value.dump(), kMost);
}

Table facts_table(const Json& facts) {
  Table table{.title = "", .columns = {{"fact", Align::kLeft}, {"value", Align::kLeft}}, .rows = {}};
  for (const auto& [key, value] : facts.items()) {
    if (key == "tensor_list") continue;
    if (value.is_object()) {
      // An encoder's architecture comes first; its decoder's has the same names.
      const std::string prefix = key == "decoder" ? "decoder " : "";
      for (const auto& [inner, x] : value.items()) table.rows.push_back({prefix + inner, cell(x)});
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

int run(const InfoOptions& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  if (o.models) {
    print(rendered(model_table(), o.common.format));
    return 0;
  }
  const Checkpoint checkpoint = open_checkpoint(o.input.checkpoint, session);
  const std::optional<Stack> stack = o.input.chosen_stack();
  const ModelPlan plan = stack ? select_stack(plan_model(checkpoint), stack) : plan_model(checkpoint);
  note_unused_layers(checkpoint, plan, session);
  Json facts = checkpoint_facts(checkpoint, plan);
  if (o.check) facts["check"] = check_model(o.input, checkpoint, plan, o.common.seed, session);
  if (o.common.format == Format::kJson || o.common.format == Format::kJsonl) {
    if (o.tensors) {
      for (const TensorInfo& tensor : checkpoint.tensors())
        facts["tensor_list"].push_back(tensor_facts(tensor));
    }
    print(o.common.format == Format::kJson ? dump_json(facts) : facts.dump() + "\n");
    return 0;
  }
  print(rendered(facts_table(facts), o.common.format));
  if (o.tensors) print("\n" + rendered(tensor_table(checkpoint), o.common.format));
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
