// SPDX-License-Identifier: MIT
// What is printed: data on stdout, messages and progress on stderr.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/run.h"
#include "environment.h"

namespace linformer::cli {

enum class When { kAuto, kAlways, kNever };

/// Writes to stdout and throws Error(kWrite) if it cannot be written; SIGPIPE ends the process as usual.
void print(std::string_view text);
/// Writes to stderr with a final newline.
void message(std::string_view text);

bool stdout_is_terminal();
/// Not a terminal, a pipe or a device.
bool stdout_is_file();
bool use_color(When when, const Environment& environment);
/// Columns of the terminal on stdout; 100 where it is none.
int terminal_width();

/// A line on stderr: rewritten in place on a terminal, else a plain line every few seconds, or at each
/// report.
class TerminalProgress final : public Progress {
 public:
  TerminalProgress(bool on, bool every) : on_(on), every_(every) {}
  ~TerminalProgress() override;
  void advance(std::string_view unit, int64_t done, int64_t total) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(std::string_view unit, int64_t done, int64_t total) const;

  bool on_;
  bool every_;          ///< a line for each report where stderr is no terminal
  int64_t first_ = -1;  ///< items done when the first was reported: rates count from there
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_ = Clock::now();
};

}  // namespace linformer::cli
