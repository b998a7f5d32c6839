// SPDX-License-Identifier: MIT
// Runs the program as a user does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace linformer {

struct ProgramRun {
  std::string folder;      ///< where it runs
  std::string input = {};  ///< stdin, at most 32 KiB
  std::map<std::string, std::string> environment =
      {};                  ///< beside what the tests have, without colour settings
  int64_t file_limit = 0;  ///< RLIMIT_FSIZE in bytes; 0: none
  /// The signal to send as soon as `when` is true of the process id; 0: none.
  int signal = 0;
  std::function<bool(int)> when = {};
  bool unprivileged = false;  ///< as nobody, where the tests are run by root
  bool read_output = true;    ///< false: nobody reads stdout, and the pipe is closed from the start
};

struct ProgramResult {
  int code = -1;  ///< 128 + signal if one ended it; -1 if it was killed because time was up
  std::string out;
  std::string err;
  int64_t peak_bytes = 0;  ///< resident memory, at least that of the tests themselves
  bool signalled = false;  ///< the signal was sent before it ended
};

/// Runs program_path(), without a shell.
ProgramResult run_program(const std::vector<std::string>& arguments, const ProgramRun& run);

/// The folder of a fixture checkpoint.
std::string bert_fixture(const std::string& name);

/// Token ids as a file for --ids: `sequences` of `length`, the same every time, below the fixtures' 100.
std::string ids_jsonl(int64_t sequences, int64_t length);

}  // namespace linformer
