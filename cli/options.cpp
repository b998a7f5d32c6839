// SPDX-License-Identifier: MIT
#include "options.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>

#include "base/dnn.h"
#include "base/error.h"
#include "base/lapack.h"
#include "base/parse.h"
#include "base/threads.h"
#include "interrupt.h"
#include "io/json.h"
#include "kernels/isa.h"
#include "usage.h"

namespace linformer::cli {
namespace {

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

int64_t memory_limit(const std::string& text, const MachineFacts& machine) {
  if (!text.empty()) return parse_bytes(text, "--memory");
  return usable_memory_bytes(machine).value_or(std::numeric_limits<int64_t>::max());
}

void limit_isa(const std::string& isa) {
  if (isa == "auto") return;
  if (limit_dnn_isa(isa) && limit_kernel_isa(isa)) return;
  throw Error(
      ErrorCode::kUsage,
      {.subject = "--isa",
       .found = fmt::format("'{}'", isa),
       .expected = "an instruction set of this machine: auto, baseline, avx2, avx512, avx512bf16 or amx"});
}

}  // namespace

CLI::Validator one_of(std::vector<std::string> names) {
  const std::string description = fmt::format("{{{}}}", fmt::join(names, ","));
  return {[names = std::move(names)](std::string& text) {
            if (std::ranges::find(names, text) != names.end()) return std::string();
            return fmt::format("'{}'; expected {}", text, alternatives(names, nearest(text, names)));
          },
          description};
}

std::vector<std::string> split_at_commas(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) {
    for (size_t begin = 0; begin <= value.size();) {
      const size_t end = std::min(value.find(',', begin), value.size());
      parts.push_back(value.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return parts;
}

CLI::Validator each_of(std::vector<std::string> names) {
  const CLI::Validator one = one_of(std::move(names));
  const std::string description = one.get_description();
  return {[one](std::string& text) {
            for (std::string& part : split_at_commas({text})) {
              if (std::string refused = one(part); !refused.empty()) return refused;
            }
            return std::string();
          },
          description};
}

CLI::Validator positive_number() {
  return {[](std::string& text) {
            double value = 0;
            const bool valid = CLI::detail::lexical_cast(text, value) && value > 0 && std::isfinite(value);
            return valid ? std::string() : fmt::format("'{}'; expected a number above 0", text);
          },
          "POSITIVE"};
}

CLI::Validator share_number() {
  return {[](std::string& text) {
            double value = 0;
            const bool valid = CLI::detail::lexical_cast(text, value) && value >= 0 && value <= 1;
            return valid ? std::string() : fmt::format("'{}'; expected a number from 0 to 1", text);
          },
          "SHARE"};
}

void refuse_empty_values(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_items_expected_max() == 0) continue;
    option->check([](const std::string& text) {
      return text.empty() ? "an empty value; expected one, or leave the option out" : std::string();
    });
  }
}

void add_common_options(CLI::App& app, CommonOptions& o, CommonParts parts) {
  const std::vector<std::pair<std::string, Format>> formats = {{"table", Format::kTable},
                                                               {"markdown", Format::kMarkdown},
                                                               {"csv", Format::kCsv},
                                                               {"json", Format::kJson},
                                                               {"jsonl", Format::kJsonl}};
  const std::vector<std::pair<std::string, When>> whens = {
      {"auto", When::kAuto}, {"always", When::kAlways}, {"never", When::kNever}};
  const char* group = "Common";
  if (parts.thread_list) {
    app.add_option("--threads", o.thread_list,
                   "threads, a list (default: physical cores this process may use)")
        ->group(group);
  } else {
    app.add_option("--threads", o.threads, "threads (default: physical cores this process may use)")
        ->check(CLI::Range(1, 4096))
        ->group(group);
  }
  app.add_option("--isa", o.isa,
                 "auto, baseline, avx2, avx512, avx512bf16 or amx: no better instructions than these")
      ->check(one_of(std::vector<std::string>{"auto", "baseline", "avx2", "avx512", "avx512bf16", "amx"}))
      ->group(group);
  app.add_option("--memory", o.memory, "most memory for buffers, e.g. 8GB (default: what is available)")
      ->group(group);
  app.add_flag("--no-mmap", o.no_mmap, "read files instead of mapping them")->group(group);
  if (parts.seed) {
    app.add_option("--seed", o.seed, "seed of all random choices (default: 1)")
        ->transform(whole_number<uint64_t>(0))
        ->group(group);
  }
  if (parts.out) {
    app.add_option("--out", o.out, "the report; '-': JSON on stdout and no table (default: a new file here)")
        ->group(group);
  }
  if (parts.format) {
    app.add_option("--format", o.format, "what stdout shows: table, markdown, csv, json or jsonl")
        ->transform(one_of(formats))
        ->type_name("FORMAT")
        ->group(group);
  }
  if (parts.progress) {
    app.add_option("--progress", o.progress, "auto, on or off")
        ->check(one_of(std::vector<std::string>{"auto", "on", "off"}))
        ->group(group);
  }
  if (parts.dry_run)
    app.add_flag("--dry-run", o.dry_run, "say what would run and what it would take")->group(group);
  app.add_option("--color", o.color, "auto, always or never; NO_COLOR is honoured")
      ->transform(one_of(whens))
      ->type_name("WHEN")
      ->group(group);
  app.add_flag("--quiet", o.quiet, "no messages and no progress on stderr, errors excepted")->group(group);
}

std::string rendered(const Table& table, Format format) {
  switch (format) {
    case Format::kMarkdown:
      return markdown_table(table);
    case Format::kCsv:
      return csv_table(table);
    case Format::kTable:
      return terminal_table(table);
    case Format::kJson:
    case Format::kJsonl:
      break;
  }
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  std::string lines;
  for (const std::vector<std::string>& row : table.rows) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (size_t i = 0; i < row.size(); ++i) object[table.columns[i].name] = row[i];
    lines += object.dump() + "\n";
    all.push_back(std::move(object));
  }
  return format == Format::kJsonl ? lines : dump_json(all);
}

Session::Session(const CommonOptions& options, const Environment& environment,
                 std::vector<std::string> command)
    : options_(options),
      environment_(environment),
      command_(std::move(command)),
      machine_(read_machine()),
      memory_(memory_limit(options.memory, machine_)),
      progress_(std::make_unique<TerminalProgress>(!options.quiet && options.progress != "off",
                                                   options.progress == "on")),
      run_{.memory = memory_,
           .threads = options.threads > 0 ? options.threads : default_thread_count(machine_),
           .stop = &stop_flag(),
           .progress = progress_.get()},
      started_(utc_now()) {
  prepare_libraries(environment, options.isa);
  limit_isa(options.isa);
  set_thread_count(run_.threads);
}

void Session::note(std::string_view text) const {
  if (!options_.quiet) message(text);
}

std::string Session::default_report(const std::string& command) const {
  std::string stamp = started_;
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("linformer-{}-{}.json", command, stamp);
}

double Session::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

ReportContext Session::context(bool lapack) const {
  ReportContext context;
  context.libraries.onednn = dnn_version();
  context.libraries.onednn_isa = dnn_isa();
  context.libraries.highway_target = kernel_target();
  const LapackFacts facts = lapack ? Lapack::get().facts() : LapackFacts{};
  context.libraries.lapack = facts.config;
  context.libraries.lapack_core = facts.core;
  context.libraries.lapack_threading = facts.threading;
  context.machine = machine_;
  context.threads = run_.threads;
  context.isa = kernel_target();
  context.settings = environment_.library_settings;
  context.command = command_;
  context.started = started_;
  context.seconds = seconds();
  context.memory_limit_bytes = memory_.limit_bytes();
  context.peak_buffers_bytes = memory_.peak_bytes();
  rusage usage = {};
  constexpr int64_t kKib = 1024;
  if (getrusage(RUSAGE_SELF, &usage) == 0) context.peak_process_bytes = usage.ru_maxrss * kKib;
  return context;
}

}  // namespace linformer::cli
