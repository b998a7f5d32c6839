// SPDX-License-Identifier: MIT
#include "bench_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/parse.h"

namespace linformer::cli {
namespace {

constexpr const char* kReferences = "standard;flash";
constexpr int64_t kMostThreads = 4096;

std::vector<int64_t> positive_list(const std::string& text, const char* option) {
  std::vector<int64_t> values = parse_list(text, option);
  if (std::ranges::all_of(values, [](int64_t value) { return value >= 1; })) return values;
  throw Error(ErrorCode::kUsage,
              {.subject = option, .found = fmt::format("'{}'", text), .expected = "numbers above 0"});
}

void add_sweep_options(CLI::App& app, BenchCommand& o) {
  const char* group = "Sweep";
  app.add_option(
         "--mechanisms", o.mechanisms,
         "standard, flash, linformer with options (k, sharing, projection, order, n), nystrom with options "
         "(landmarks, inverse, iterations), separated by ';' (default: the first three)")
      ->group(group);
  app.add_option("--lengths", o.lengths, "n, a list (default: 512..8192*2)")->group(group);
  app.add_option("--queries", o.queries,
                 "how many of the last positions attend, of attention alone, a list (default: all n)")
      ->group(group);
  app.add_option("--k", o.k, "slots or landmarks of those that name none, a list (default: 128,256)")
      ->group(group);
  app.add_option("--num-heads", o.heads, "h of attention alone, a list (default: 12)")->group(group);
  app.add_option("--head-size", o.head_sizes, "d of attention alone, a list (default: 64)")->group(group);
  CLI::Option* batch = app.add_option("--batch", o.batches, "sequences, a list (default: 1)")->group(group);
  app.add_option("--tokens", o.tokens, "as many sequences as make that many tokens")
      ->transform(whole_number<int64_t>(1))
      ->group(group)
      ->excludes(batch);
  app.add_flag("--causal", o.causal, "causal attention; linformer and nystrom cannot be")->group(group);
  app.add_option("--dtype", o.dtypes, "f32, bf16 or both, of attention alone (default: f32)")->group(group);
}

void add_level_options(CLI::App& app, BenchCommand& o) {
  const char* group = "Level";
  const std::vector<std::pair<std::string, Level>> levels = {
      {"attention", Level::kAttention}, {"layer", Level::kLayer}, {"model", Level::kModel}};
  app.add_option("--level", o.level,
                 "what is timed: attention alone, one layer, or a whole encoder (default: attention)")
      ->transform(one_of(levels))
      ->type_name("LEVEL")
      ->group(group);
  CLI::Option* model =
      app.add_option("--model", o.model,
                     "sizes of the encoder, its weights random: roberta-base, roberta-large, bert-base or "
                     "layers=L,width=W,heads=H,ffn=F (default: roberta-base)")
          ->group(group);
  app.add_option(
         "--checkpoint", o.checkpoint,
         "sizes and weights of the encoder, or of attention alone q, k and v of its heads: a folder, a file "
         "of weights or a model in the hub's cache")
      ->group(group)
      ->excludes(model);
  CLI::Option* text = app.add_option("--text", o.text,
                                     "what these heads read: files as of analyze-spectrum (default: a sample "
                                     "that is built in)")
                          ->group(group);
  app.add_option("--ids", o.ids, "the same as token ids; of each line as many as n")
      ->group(group)
      ->excludes(text);
  app.add_option("--layers", o.layers,
                 "whose heads, from 0, e.g. 0,2 or 0..5; they take turns (default: all)")
      ->group(group);
}

[[noreturn]] void refuse(const char* option, const std::string& found, const char* expected) {
  throw Error(ErrorCode::kUsage, {.subject = option, .found = found, .expected = expected});
}

std::vector<DType> dtype_list(const BenchCommand& o) {
  std::vector<DType> types;
  for (const std::string& name : split_at_commas({o.dtypes})) {
    if (name != "f32" && name != "bf16") refuse("--dtype", "'" + name + "'", "f32, bf16 or f32,bf16");
    types.push_back(name == "f32" ? DType::kF32 : DType::kBF16);
  }
  return types;
}

}  // namespace

void add_bench_options(CLI::App& app, BenchCommand& o) {
  add_level_options(app, o);
  add_sweep_options(app, o);
  const char* group = "Measurement";
  app.add_option("--score-std", o.score_deviation,
                 "standard deviation of the scores of attention alone (default: 1)")
      ->check(positive_number())
      ->check(CLI::Range(0.0, 1e4))
      ->group(group);
  app.add_option("--reference", o.references,
                 "what ratios are to, separated by ';' (default: standard;flash)")
      ->group(group);
  app.add_option("--budget", o.budget,
                 "time for all cells, e.g. 10m; what is too long for its part is timed on fewer sequences, "
                 "then heads or layers, and scaled (default: 60s)")
      ->group(group);
  app.add_flag("--cold", o.cold, "fill the caches with other data before each sample")->group(group);
  CLI::Option* list =
      app.add_flag("--list", o.list, "list the cells with predicted time and memory, and run nothing")
          ->group(group);
  CLI::Option* fit = app.add_option("--fit-batch", o.fit_batch,
                                    "instead of times: what each sequence more takes of memory, and how many "
                                    "fit this much, e.g. 16GB")
                         ->group(group)
                         ->excludes(list);
  for (const char* without : {"--batch", "--tokens", "--cold", "--queries"})
    fit->excludes(app.get_option(without));
  add_resume_options(app, group, o.resume);
  for (const char* without : {"--resume", "--force"}) fit->excludes(app.get_option(without));
  add_common_options(
      app, o.common,
      {.seed = true, .out = true, .format = true, .progress = true, .dry_run = true, .thread_list = true});
}

void check_level(const BenchCommand& o) {
  const std::string given = fmt::format("given with --level {}", name_of(o.level));
  const bool alone = o.level == Level::kAttention, heads = alone && !o.checkpoint.empty();
  if (alone && !o.model.empty()) refuse("--model", given, "--level layer or model");
  if (!alone && !o.queries.empty()) refuse("--queries", given, "--level attention");
  if (!alone || heads) {
    const std::string own = heads ? "given with --checkpoint" : given;
    const char* const without = heads ? "a checkpoint's own" : "--level attention: an encoder has its own";
    if (!o.heads.empty()) refuse("--num-heads", own, without);
    if (!o.head_sizes.empty()) refuse("--head-size", own, without);
    if (o.score_deviation != 0) refuse("--score-std", own, without);
  }
  if (o.causal && !o.checkpoint.empty()) refuse("--causal", "given with --checkpoint", "--model");
  if (!heads) {
    constexpr const char* kHeads = "--level attention with --checkpoint";
    if (!o.text.empty()) refuse("--text", given, kHeads);
    if (!o.ids.empty()) refuse("--ids", given, kHeads);
    if (!o.layers.empty()) refuse("--layers", given, kHeads);
  } else if (!o.fit_batch.empty()) {
    refuse("--fit-batch", "given with a checkpoint's heads",
           "--num-heads and --head-size: values take no room");
  }
  if (!alone && dtype_list(o) != std::vector{DType::kF32})
    refuse("--dtype", given, "--level attention: layers and models run in f32");
}

std::vector<std::string> files_read(const BenchCommand& o, const Session& session) {
  InputOptions input;
  input.checkpoint = o.checkpoint, input.text = o.text, input.ids = o.ids;
  return files_read(input, session);
}

std::vector<int> thread_list(const BenchCommand& o, int usual) {
  if (o.common.thread_list.empty()) return {usual};
  std::vector<int> threads;
  for (const int64_t count : positive_list(o.common.thread_list, "--threads")) {
    if (count > kMostThreads) refuse("--threads", std::to_string(count), "1 to 4096");
    threads.push_back(static_cast<int>(count));
  }
  return threads;
}

SweepOptions sweep_options(const BenchCommand& o, int usual_threads) {
  return {.mechanisms = expand_mechanisms(o.mechanisms, positive_list(o.k, "--k"), "--mechanisms"),
          .lengths = positive_list(o.lengths, "--lengths"),
          .heads = positive_list(o.heads.empty() ? "12" : o.heads, "--num-heads"),
          .head_sizes = positive_list(o.head_sizes.empty() ? "64" : o.head_sizes, "--head-size"),
          .batches = positive_list(o.batches, "--batch"),
          .tokens = o.tokens,
          .causal = o.causal,
          .threads = thread_list(o, usual_threads),
          .dtypes = dtype_list(o),
          .queries = o.queries.empty() ? std::vector<int64_t>{0} : positive_list(o.queries, "--queries")};
}

std::vector<std::string> bench_references(const BenchCommand& o, const std::vector<BenchCell>& cells) {
  std::vector<std::string> references;
  const std::string list = o.references.empty() ? kReferences : o.references;
  for (const std::string& name : expand_mechanisms(list, positive_list(o.k, "--k"), "--reference")) {
    const bool there =
        std::ranges::any_of(cells, [&](const BenchCell& cell) { return cell.mechanism == name; });
    if (there) references.push_back(name);
    if (there || o.references.empty()) continue;
    throw Error(ErrorCode::kUsage, {.subject = "--reference",
                                    .found = fmt::format("'{}', which is not measured", name),
                                    .expected = "mechanisms of --mechanisms"});
  }
  return references;
}

}  // namespace linformer::cli
