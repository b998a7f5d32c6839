// SPDX-License-Identifier: MIT
// linformer COMMAND [options]
#include <CLI/CLI.hpp>
#include <csignal>
#include <new>
#include <sstream>
#include <utility>

#include "base/build_info.h"
#include "base/error.h"
#include "commands.h"
#include "interrupt.h"
#include "options.h"
#include "terminal.h"
#include "usage.h"

namespace linformer::cli {
namespace {

constexpr int kUsage = static_cast<int>(ErrorCode::kUsage);
constexpr int kMemory = static_cast<int>(ErrorCode::kMemory);
constexpr int kInternal = static_cast<int>(ErrorCode::kInternal);

std::string version() {
  const BuildInfo& info = build_info();
  return std::string("linformer ") + std::string(info.version) + " (" + std::string(info.commit) + ")";
}

// CLI11's own exit codes are replaced by ours; help and version are no errors. `first`: the first argument.
int report_parse_error(const CLI::App& app, const CLI::ParseError& error, std::string_view first) {
  if (error.get_exit_code() == 0) {
    std::ostringstream text, none;
    const int code = app.exit(error, text, none);
    print(text.str());
    return code;
  }
  message("linformer: " + explain(app, error, first));
  return kUsage;
}

int run(int argc, char** argv) {
  CLI::App app("Is attention in this transformer low rank: where, how much, and against what?", "linformer");
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  linformer analyze-spectrum\n"
      "  linformer analyze-spectrum --checkpoint my-bert/ --text book.txt --sequences 20\n"
      "  linformer info my-bert/ --check\n"
      "  linformer bench --lengths 512..16384*2\n");
  const std::pair<CLI::App*, Action> commands[] = {
      [&] {
        auto* c = app.add_subcommand("info");
        return std::pair(c, add_info(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("tokenize");
        return std::pair(c, add_tokenize(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("attention");
        return std::pair(c, add_attention(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("analyze-spectrum");
        return std::pair(c, add_analyze_spectrum(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("bench");
        return std::pair(c, add_bench(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("accuracy");
        return std::pair(c, add_accuracy(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("advise");
        return std::pair(c, add_advise(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("report");
        return std::pair(c, add_report(*c));
      }(),
      [&] {
        auto* c = app.add_subcommand("reproduce");
        return std::pair(c, add_reproduce(*c));
      }(),
  };
  for (const auto& [command, action] : commands) refuse_empty_values(*command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error, argc > 1 ? argv[1] : "");
  }
  const Invocation invocation{.environment = read_environment(), .arguments = {argv, argv + argc}};
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is a write that fails
  for (const auto& [command, action] : commands) {
    if (!command->parsed()) continue;
    const int code = action(invocation);
    return stop_signal() != 0 ? 128 + stop_signal() : code;
  }
  return kInternal;
}

}  // namespace
}  // namespace linformer::cli

int main(int argc, char** argv) {
  using namespace linformer;
  try {
    cli::watch_signals();
    return cli::run(argc, argv);
  } catch (const cli::Interrupted& stopped) {
    cli::message(std::string("linformer: ") + stopped.what());
    return 128 + cli::stop_signal();
  } catch (const Error& error) {
    cli::message(std::string("linformer: ") + error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    cli::message("linformer: out of memory. Take a shorter --length, a smaller --batch or fewer --sequences");
    return cli::kMemory;
  } catch (const std::exception& error) {
    cli::message(std::string("linformer: internal error: ") + error.what());
    return cli::kInternal;
  }
}
