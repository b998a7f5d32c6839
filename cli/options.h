// SPDX-License-Identifier: MIT
// Options that several commands share, and what they make.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/machine.h"
#include "base/run.h"
#include "environment.h"
#include "report/envelope.h"
#include "report/table.h"
#include "terminal.h"

namespace linformer::cli {

/// How stdout is written.
enum class Format { kTable, kMarkdown, kCsv, kJson, kJsonl };

struct CommonOptions {
  int threads = 0;          ///< 0: as many as default_thread_count() says
  std::string thread_list;  ///< of commands that take several numbers, the largest of which is `threads`
  std::string isa = "auto";
  std::string memory;
  uint64_t seed = 1;
  bool no_mmap = false;
  std::string out;
  Format format = Format::kTable;
  std::string progress = "auto";
  When color = When::kAuto;
  bool quiet = false;
  bool dry_run = false;
};

/// Which of the common options a command takes beside --threads, --isa, --memory, --no-mmap, --color and
/// --quiet.
struct CommonParts {
  bool seed = false;
  bool out = false;
  bool format = false;
  bool progress = false;
  bool dry_run = false;
  bool thread_list = false;  ///< --threads is a list
};

/// For options that take one of a few names.
CLI::Validator one_of(std::vector<std::string> names);

/// For options that take one of a few names and keep a value of an enumeration for it. To be given to
/// transform().
template <class Enum>
CLI::Validator one_of(std::vector<std::pair<std::string, Enum>> values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  CLI::Validator named = one_of(std::move(names));
  const std::string description = named.get_description();
  return {[named = std::move(named), values = std::move(values)](std::string& text) {
            std::string refused = named(text);
            for (const auto& [name, value] : values) {
              if (refused.empty() && name == text)
                return text = std::to_string(static_cast<int>(value)), refused;
            }
            return refused;
          },
          description};
}

/// Values of an option that takes several, "a,b" and "c" as a, b and c; with an empty one where a comma has
/// nothing on a side. (CLI11's own delimiter drops these.)
std::vector<std::string> split_at_commas(const std::vector<std::string>& values);

/// For options that take several of a few names, separated by commas; to be split by split_at_commas().
CLI::Validator each_of(std::vector<std::string> names);

/// For options that take numbers above 0. (CLI11's own names the largest double in its message.)
CLI::Validator positive_number();

/// For options that take numbers from 0 to 1. (CLI11's own lets NaN through.)
CLI::Validator share_number();

/// For options that take whole numbers, in decimal digits, from `least` on and no larger than T holds; CLI11
/// cuts larger ones down and reads 010 as 8. To be given to transform().
template <class T>
CLI::Validator whole_number(T least) {
  return {[least](std::string& text) {
            T value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error == std::errc::result_out_of_range)
              return "'" + text + "'; expected a whole number that fits in 64 bits";
            if (error != std::errc() || end != text.data() + text.size() || value < least) {
              return "'" + text + "'; expected a whole number, " + std::to_string(least) + " or more";
            }
            text = std::to_string(value);
            return std::string();
          },
          ""};
}

/// Makes every option of the command refuse an empty value, which would count as none given.
void refuse_empty_values(CLI::App& command);

void add_common_options(CLI::App& app, CommonOptions& options, CommonParts parts);

/// The table as the format has it; JSON formats get an array of objects, or one a line.
std::string rendered(const Table& table, Format format);

/// A command under way: threads, memory, libraries, the clock.
class Session {
 public:
  /// Applies threads, instruction set and memory limit, and prepares the libraries.
  Session(const CommonOptions& options, const Environment& environment, std::vector<std::string> command);

  Run& run() { return run_; }
  const MemoryAccount& memory() const { return memory_; }
  const CommonOptions& options() const { return options_; }
  bool color() const { return use_color(options_.color, environment_); }
  bool map_files() const { return !options_.no_mmap; }
  /// As it was at the start.
  const MachineFacts& machine() const { return machine_; }
  /// That threads may run on without taking turns.
  int cores() const { return default_thread_count(machine_); }
  const std::string& hub_cache() const { return environment_.hub_cache; }
  /// Prints to stderr unless --quiet.
  void note(std::string_view text) const;

  /// "2026-01-31T12:00:00Z", the start.
  const std::string& started() const { return started_; }
  /// The report's path without --out: linformer-COMMAND-<UTC>.json.
  std::string default_report(const std::string& command) const;
  /// Wall clock since the start.
  double seconds() const;
  /// The envelope of a report made now. `lapack`: whether it was used, and is to be named; that loads it.
  ReportContext context(bool lapack) const;

 private:
  CommonOptions options_;
  const Environment& environment_;
  std::vector<std::string> command_;
  MachineFacts machine_;
  MemoryAccount memory_;
  std::unique_ptr<TerminalProgress> progress_;
  Run run_;
  std::string started_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace linformer::cli
