// SPDX-License-Identifier: MIT
#include "terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "io/file_descriptor.h"

namespace linformer::cli {
namespace {

constexpr double kLineSeconds = 5;

bool g_progress_drawn = false;  // on the terminal's last line

void erase_progress() {
  if (!g_progress_drawn) return;
  g_progress_drawn = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

std::string format_seconds(double seconds) {
  const int64_t s = std::lround(seconds);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02} min", s / 60, s % 60);
  return fmt::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

}  // namespace

void print(std::string_view text) {
  erase_progress();
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  throw Error(ErrorCode::kWrite, {.subject = "standard output", .found = errno_text(errno)});
}

// Not fmt::print, which throws where stderr is closed.
void message(std::string_view text) {
  erase_progress();
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fputc('\n', stderr);
}

bool stdout_is_terminal() { return isatty(STDOUT_FILENO) != 0; }

bool stdout_is_file() {
  struct stat status = {};
  return fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

bool use_color(When when, const Environment& environment) {
  if (when != When::kAuto) return when == When::kAlways;
  if (environment.no_color) return false;
  return environment.force_color || stdout_is_terminal();
}

int terminal_width() {
  winsize size = {};
  constexpr int kDefault = 100;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefault;
}

TerminalProgress::~TerminalProgress() { erase_progress(); }

std::string TerminalProgress::line(std::string_view unit, int64_t done, int64_t total) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  std::string text = fmt::format("{} of {} {}", done, total, unit);
  if (done > first_ && seconds > 0) {
    const double rate = static_cast<double>(done - first_) / seconds;
    text += fmt::format(", {:.3g} a second, {} left", rate,
                        format_seconds(static_cast<double>(total - done) / rate));
  }
  return text;
}

void TerminalProgress::advance(std::string_view unit, int64_t done, int64_t total) {
  if (!on_) return;
  if (first_ < 0) {
    first_ = done;
    begin_ = Clock::now();
  }
  const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal) {
    std::fputs(("\r\x1b[K" + line(unit, done, total)).c_str(), stderr);
    std::fflush(stderr);
    g_progress_drawn = true;
  } else if (every_ || std::chrono::duration<double>(Clock::now() - last_).count() >= kLineSeconds) {
    last_ = Clock::now();
    message(line(unit, done, total));
  }
}

}  // namespace linformer::cli
