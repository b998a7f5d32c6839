// SPDX-License-Identifier: MIT
#include "accuracy_options.h"

#include "base/parse.h"

namespace linformer::cli {
namespace {

constexpr const char* kCausal = "flash;mean-v;local";
constexpr const char* kAll =
    "flash;mean-v;local;svd;pv-svd;subspace;subspace:sharing=layer;subspace:sharing=model;"
    "linformer:projection=mean-pooling;linformer:projection=max-pooling;linformer:projection=gaussian;"
    "nystrom;fitted";

std::vector<std::string> split_at_semicolons(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(';', begin), list.size());
    parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

void add_accuracy_options(CLI::App& app, AccuracyCommand& o) {
  add_input_options(app, o.input, {.text = true, .inputs = true, .stack = true});
  add_selection(app, o.selection);
  const char* group = "Accuracy";
  app.add_option(
         "--mechanisms", o.mechanisms,
         "what stands in for attention, separated by ';': svd, pv-svd, subspace and fitted (sharing=head, "
         "layer or model), mean-v, local, flash, linformer with a projection, nystrom (default: all of "
         "these; of causal heads flash, mean-v and local, which "
         "are all that is causal)")
      ->group(group);
  app.add_option("--k", o.k,
                 "ranks, slots, landmarks or keys of those that name none, a list (default: n/32 to n/2, "
                 "each twice the last)")
      ->group(group);
  app.add_option(
         "--calibration", o.calibration,
         "share of the sequences, whole documents, that fixed subspaces, E and F are learnt from; the "
         "others are judged by (default: 0.5)")
      ->check(share_number())
      ->group(group);
  app.add_option("--control", o.control,
                 "init (models with random weights beside it) or none (default: init)")
      ->check(one_of(std::vector<std::string>{"init", "none"}))
      ->group(group);
  app.add_option("--init-seeds", o.init_seeds, "untrained models of the control init (default: 1)")
      ->check(CLI::Range(1, 100))
      ->group(group);
  app.add_flag("--no-layers", o.no_layers, "leave out the model with one layer replaced at a time")
      ->group(group);
  app.add_flag("--no-model", o.no_model, "leave out the model with all layers replaced")->group(group);
  app.add_option("--save-fitted", o.save_fitted, "write fitted E and F to this safetensors file")
      ->group(group);
  app.add_option("--batch", o.batch, "sequences at a time (default: about 2048 tokens)")
      ->check(CLI::Range(1, 65536))
      ->group(group);
  add_resume_options(app, group, o.resume);
  add_common_options(app, o.common,
                     {.seed = true, .out = true, .format = true, .progress = true, .dry_run = true});
}

AccuracyOptions accuracy_options(const AccuracyCommand& o, bool causal) {
  const std::string usual = causal ? kCausal : kAll;
  return {.mechanisms = split_at_semicolons(o.mechanisms.empty() ? usual : o.mechanisms),
          .ks = o.k.empty() ? std::vector<int64_t>{} : parse_list(o.k, "--k"),
          .layers = o.selection.layer_list(),
          .heads = o.selection.head_list(),
          .calibration = o.calibration,
          .seed = o.common.seed,
          .batch = o.batch};
}

}  // namespace linformer::cli
