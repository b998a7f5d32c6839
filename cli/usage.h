// SPDX-License-Identifier: MIT
// What is said about a command line that makes no sense.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace linformer::cli {

/// Whichever of `known` is fewest insertions, deletions, replacements and swaps of neighbours away from
/// `word`, if these are at most a third of its letters; else "".
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// "a, b or c", and "; did you mean b?" where `meant` is not empty.
std::string alternatives(const std::vector<std::string>& names, std::string_view meant);

/// What was wrong with the command line that `app` refused with `error`, and where the options are told.
/// `first`: its first argument, or "".
std::string explain(const CLI::App& app, const CLI::ParseError& error, std::string_view first);

}  // namespace linformer::cli
