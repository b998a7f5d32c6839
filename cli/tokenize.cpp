// SPDX-License-Identifier: MIT
// linformer tokenize: token ids of a text as JSON lines.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <span>

#include "commands.h"
#include "input.h"
#include "options.h"
#include "text_input.h"

namespace linformer::cli {
namespace {

struct TokenizeOptions {
  CommonOptions common;
  InputOptions input;
  bool no_special_tokens = false;
};

// {"ids": [...]}, in pieces: a line has all ids of a document.
void print_line(std::span<const int32_t> ids) {
  constexpr size_t kPiece = 1 << 16;
  print("{\"ids\": [");
  for (size_t i = 0; i < ids.size(); i += kPiece) {
    const auto piece = ids.subspan(i, std::min(kPiece, ids.size() - i));
    print(fmt::format("{}{}", i > 0 ? ", " : "", fmt::join(piece, ", ")));
  }
  print("]}\n");
}

// One line a document.
void print_documents(const TokenizeOptions& o, const Tokenizer& tokenizer) {
  for (const Document& document : open_documents(o.input)) {
    std::vector<int32_t> ids;
    const SequenceTemplate& around = tokenizer.sequence_template();
    if (!o.no_special_tokens) ids = around.before;
    tokenizer.append_ids(document.text, Tokenizer::kNoLimit, ids);
    if (!o.no_special_tokens) ids.insert(ids.end(), around.after.begin(), around.after.end());
    print_line(ids);
  }
}

int run(const TokenizeOptions& o, const Invocation& invocation) {
  const Session session(o.common, invocation.environment, invocation.arguments);
  const Checkpoint checkpoint = open_checkpoint(o.input.checkpoint, session);
  CheckpointTokenizer tokenizer(checkpoint);
  if (o.input.length == 0) {
    print_documents(o, tokenizer.get());
    return 0;
  }
  const PackedText packed = open_sequences(o.input, tokenizer, plan_model(checkpoint).architecture);
  for (const Sequence& sequence : packed.sequences) {
    print(fmt::format("{{\"document\": {}, \"ids\": [{}]}}\n", sequence.document,
                      fmt::join(sequence.ids, ", ")));
  }
  session.note(fmt::format("{} sequences of {} documents; {} of {} tokens dropped", packed.sequences.size(),
                           packed.documents.size(), packed.dropped_tokens, packed.tokens));
  return 0;
}

}  // namespace

Action add_tokenize(CLI::App& app) {
  auto o = std::make_shared<TokenizeOptions>();
  app.description("Print the token ids of a text: {\"ids\": [...]} a document, or a sequence with --length.");
  app.footer(
      "Examples:\n"
      "  linformer tokenize --checkpoint my-bert/ --text book.txt\n"
      "  linformer tokenize --checkpoint my-bert/ --text book.txt --length 512 --sequences 20 > ids.jsonl\n");
  add_input_options(app, o->input, {.text = true});
  CLI::Option* length = app.get_option("--length");
  length->description("cut into sequences of so many tokens, as the analysis does");
  for (const char* name : {"--sequences", "--join-documents", "--per-document"})
    app.get_option(name)->needs(length);
  app.remove_option(app.get_option("--ids"));
  app.add_flag("--no-special-tokens", o->no_special_tokens, "ids of the text alone")->excludes(length);
  add_common_options(app, o->common, {});
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
