// SPDX-License-Identifier: MIT
// The subcommands. Each declares its options on the application and returns what runs it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "environment.h"

namespace linformer::cli {

/// What a command is given: the environment and argv.
struct Invocation {
  Environment environment;
  std::vector<std::string> arguments;
};

/// Runs the command; returns the exit code.
using Action = std::function<int(const Invocation&)>;

Action add_info(CLI::App& app);
Action add_tokenize(CLI::App& app);
Action add_attention(CLI::App& app);
Action add_analyze_spectrum(CLI::App& app);
Action add_bench(CLI::App& app);
Action add_report(CLI::App& app);
Action add_accuracy(CLI::App& app);
Action add_advise(CLI::App& app);
Action add_reproduce(CLI::App& app);

}  // namespace linformer::cli
