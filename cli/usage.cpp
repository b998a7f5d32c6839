// SPDX-License-Identifier: MIT
#include "usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace linformer::cli {
namespace {

// Insertions, deletions, replacements and swaps of neighbours that make b of a, each letter changed once.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string did_you_mean(std::string_view meant) {
  return meant.empty() ? "" : fmt::format("; did you mean {}?", meant);
}

std::string unknown_option(const CLI::App& command, std::string_view option) {
  const std::string name(option.substr(0, option.find('=')));
  const std::string meant = nearest(name, option_names(command));
  if (meant == name) return fmt::format("{}: comes after the command {}", name, command.get_name());
  return fmt::format("{}: no such option of {}{}", name, command.get_name(), did_you_mean(meant));
}

// Of the arguments `left` that the command does not take, the first option, else the first.
std::string unexpected(const CLI::App& command, const std::vector<std::string>& left) {
  const auto option = std::ranges::find_if(left, [](const auto& text) { return text.starts_with("-"); });
  if (option == left.end()) return fmt::format("'{}': one argument too many", left.front());
  return unknown_option(command, *option);
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  size_t least = std::min<size_t>(word.size() / 3, 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word.substr(0, 64), candidate);
    if (distance < least) least = distance, best = candidate;
  }
  return best;
}

std::string alternatives(const std::vector<std::string>& names, std::string_view meant) {
  const auto begin = names.begin(), last = names.end() - 1;
  return fmt::format("{}{}{}{}", fmt::join(begin, last, ", "), names.size() > 1 ? " or " : "", *last,
                     did_you_mean(meant));
}

std::string explain(const CLI::App& app, const CLI::ParseError& error, std::string_view first) {
  const auto chosen = app.get_subcommands();
  std::string text;
  if (chosen.empty() && first.starts_with("-")) {
    text = unknown_option(app, first);
  } else if (chosen.empty()) {
    const std::vector<std::string> names = command_names(app);
    text = first.empty() ? "no command; expected " : fmt::format("'{}': no such command; expected ", first);
    text += alternatives(names, nearest(first, names));
  } else if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    text = unexpected(*chosen.front(), app.remaining(true));
  }
  if (text.empty()) text = error.what();
  return fmt::format("{}\nRun 'linformer{} --help' for the options.", text,
                     chosen.empty() ? "" : " " + chosen.front()->get_name());
}

}  // namespace linformer::cli
