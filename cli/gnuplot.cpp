// SPDX-License-Identifier: MIT
#include "gnuplot.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "io/atomic_file.h"
#include "report/numbers.h"
#include "report_places.h"
#include "terminal.h"

extern char** environ;

namespace linformer::cli {
namespace {

// What became of the process: its exit status, or what the system had against it.
struct Outcome {
  int system_error = 0;
  int status = 0;
};

Outcome run_gnuplot(const std::string& folder, const std::string& script) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::unique_ptr<posix_spawn_file_actions_t, int (*)(posix_spawn_file_actions_t*)> held(
      &actions, posix_spawn_file_actions_destroy);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawnattr_t attributes;  // it is to be ended by signals that this program holds back
  posix_spawnattr_init(&attributes);
  const std::unique_ptr<posix_spawnattr_t, int (*)(posix_spawnattr_t*)> kept(&attributes,
                                                                             posix_spawnattr_destroy);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string program = "gnuplot", argument = script;
  char* arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  Outcome outcome;
  outcome.system_error = ::posix_spawnp(&child, "gnuplot", &actions, &attributes, arguments, environ);
  if (outcome.system_error != 0) return outcome;
  while (::waitpid(child, &outcome.status, 0) < 0) {
    if (errno != EINTR) return {.system_error = errno};
  }
  return outcome;
}

// Whether a file's last line, of those that are not empty, ends so.
bool ends_with(const std::string& path, std::string_view end) {
  std::ifstream file(path, std::ios::binary);
  std::string line, last;
  while (std::getline(file, line))
    if (!line.empty()) last = line;
  return last.ends_with(end);
}

}  // namespace

bool write_figures(const std::vector<Figure>& figures, const std::string& folder, const Session& session) {
  make_folder(folder);
  for (const Figure& figure : figures) {
    write_file_atomically(fmt::format("{}/{}.gp", folder, figure.name), figure.script);
    write_file_atomically(fmt::format("{}/{}.dat", folder, figure.name), figure.data);
  }
  for (const Figure& figure : figures) {
    const Outcome outcome = run_gnuplot(folder, figure.name + ".gp");
    if (outcome.system_error == ENOENT) {
      message(
          fmt::format("linformer: gnuplot is not installed, so {} has scripts and data without pictures. "
                      "Install it (Debian: gnuplot-nox), then: cd {}; gnuplot *.gp",
                      folder, folder));
      return false;
    }
    const std::string picture = fmt::format("{}/{}", folder, figure.name);
    if (outcome.system_error != 0 || outcome.status != 0) {
      message(fmt::format("linformer: gnuplot did not draw {}.gp", picture));
      return false;
    }
    // It does not tell of a full disk.
    if (!ends_with(picture + ".svg", "</svg>") || !ends_with(picture + ".pdf", "%%EOF")) {
      message(fmt::format("linformer: {}.svg or .pdf is not whole; is the disk full?", picture));
      return false;
    }
  }
  session.note(
      fmt::format("{} in {} (svg, pdf)", counted(static_cast<int64_t>(figures.size()), "figure"), folder));
  return true;
}

}  // namespace linformer::cli
