// SPDX-License-Identifier: MIT
// linformer attention: probabilities and what they are made of, as a safetensors file.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>

#include "base/error.h"
#include "commands.h"
#include "input.h"
#include "interrupt.h"
#include "model/attention_file.h"
#include "options.h"
#include "report_places.h"

namespace linformer::cli {
namespace {

struct AttentionOptions {
  CommonOptions common;
  InputOptions input;
  Selection selection;
  std::vector<std::string> save = {"probabilities"};
  int64_t batch = 1;
};

AttentionFileOptions file_options(const AttentionOptions& o) {
  const std::vector<std::string> parts = split_at_commas(o.save);
  const std::set<std::string> save(parts.begin(), parts.end());
  return {.parts = {.probabilities = save.contains("probabilities"),
                    .logits = save.contains("logits"),
                    .q = save.contains("q"),
                    .k = save.contains("k"),
                    .v = save.contains("v"),
                    .hidden = save.contains("hidden")},
          .layers = o.selection.layer_list(),
          .heads = o.selection.head_list(),
          .batch = o.batch};
}

int run(const AttentionOptions& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  std::error_code missing;
  if (o.common.out == "-" || std::filesystem::is_fifo(o.common.out, missing)) {
    throw Error(ErrorCode::kUsage, {.subject = "--out",
                                    .found = fmt::format("'{}'", o.common.out),
                                    .expected = "a file: its tensors are not written in order"});
  }
  refuse_overwriting(files_read(o.input, session), o.common.out);
  const AttentionFileOptions options = file_options(o);
  const std::vector<int64_t> all = {};  // the last hidden states need them
  OpenInput input = open_input(o.input, options.parts.hidden ? all : options.layers, session);
  const int64_t width = input.plan->architecture.width;
  const int64_t bytes = attention_file_bytes(*input.source, width, options);
  if (o.common.dry_run) {
    print(fmt::format("{} would take {} on disk for {} sequences\n", o.common.out, format_bytes(bytes),
                      input.source->facts().sizes.size()));
    return 0;
  }
  stop_on_signals();
  const PlacesLock lock(choose_places(o.common.out, ""));
  const int64_t written = write_attention_file(o.common.out, *input.source, width, options, session.run());
  const auto planned = std::ssize(input.source->facts().sizes);
  session.note(fmt::format("{}: {} of {} sequences{}", o.common.out, written, planned,
                           written == planned ? fmt::format(", {}", format_bytes(bytes)) : "; interrupted"));
  return 0;
}

}  // namespace

Action add_attention(CLI::App& app) {
  auto o = std::make_shared<AttentionOptions>();
  app.description(
      "Write attention probabilities, and q, k, v, logits and hidden states, as a safetensors file.");
  app.footer(
      "Examples:\n"
      "  linformer attention --sequences 1 --out attention.safetensors\n"
      "  linformer attention --checkpoint my-bert/ --text a.txt --layers 0..2 --save q,k --out "
      "qk.safetensors\n");
  add_input_options(app, o->input, {.text = true, .inputs = true, .stack = true});
  add_selection(app, o->selection);
  app.add_option("--save", o->save, "any of probabilities, q, k, v, logits, hidden (default: probabilities)")
      ->check(each_of({"probabilities", "q", "k", "v", "logits", "hidden"}));
  app.add_option("--batch", o->batch, "sequences at a time (default: 1)")->check(CLI::Range(1, 65536));
  add_common_options(app, o->common, {.out = true, .progress = true, .dry_run = true});
  app.get_option("--out")->required()->description("the safetensors file");
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
