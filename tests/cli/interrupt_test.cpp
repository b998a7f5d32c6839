// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "io/temporary_folder.h"
#include "program.h"

namespace linformer {

// A handler on a thread that runs one of oneDNN's kernels would write where the stack pointer happens to be.
TEST_CASE("signals interrupt no thread that computes: one of its own waits for them") {
  const TemporaryFolder folder;
  std::vector<std::string> masks;  // of signals that the threads hold back
  std::string caught;
  ProgramRun run{.folder = folder.path("")};
  run.signal = SIGTERM;
  run.when = [&](int process) {
    if (!std::filesystem::exists(folder.path("b.json.partial"))) return false;
    for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process))) {
      std::ifstream status(task.path() / "status");
      for (std::string key, value; status >> key;) {
        if (key == "SigBlk:" && status >> value) masks.push_back(value);
        if (key == "SigCgt:" && status >> value) caught = value;
      }
    }
    return true;
  };
  const ProgramResult stopped = run_program(
      {"bench", "--lengths", "512,1024", "--budget", "5s", "--threads", "2", "--out", "b.json"}, run);
  CHECK(stopped.code == 128 + SIGTERM);
  const auto has = [](const std::string& mask, int signal) {
    return (std::stoull(mask, nullptr, 16) >> (signal - 1) & 1) != 0;
  };
  CHECK(masks.size() == 3);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CHECK(std::ranges::count_if(masks, [&](const auto& mask) { return !has(mask, signal); }) <= 1);
    CHECK_FALSE(has(caught, signal));
  }
}

}  // namespace linformer
