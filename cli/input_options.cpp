// SPDX-License-Identifier: MIT
#include "input_options.h"

#include <filesystem>

#include "base/error.h"
#include "base/parse.h"
#include "checkpoint/checkpoint.h"

namespace linformer::cli {

std::optional<Stack> InputOptions::chosen_stack() const {
  for (const Stack candidate : {Stack::kEncoder, Stack::kDecoder, Stack::kCross}) {
    if (stack == name_of(candidate)) return candidate;
  }
  return std::nullopt;
}

namespace {

// After all that has nothing to do with it.
void add_model(CLI::App& app, InputOptions& o) {
  CLI::Option* model = app.add_option("--model", o.model,
                                      "an encoder with random weights on random token ids: roberta-base, "
                                      "roberta-large, bert-base, or its sizes as "
                                      "layers=12,width=768,heads=12,ffn=3072")
                           ->group("Input");
  for (const char* name : {"--checkpoint", "--text", "--ids", "--inputs", "--join-documents",
                           "--per-document", "--drop-special-tokens", "--stack"}) {
    CLI::Option* other = app.get_option_no_throw(name);
    if (other != nullptr) model->excludes(other);
  }
}

}  // namespace

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
  if (parts.model) add_model(app, o);
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
                           "--drop-special-tokens", "--stack", "--model"}) {
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

}  // namespace linformer::cli
