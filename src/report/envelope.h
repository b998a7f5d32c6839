// SPDX-License-Identifier: MIT
// What all reports begin with: who made them, where, when and how.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.h"

namespace linformer {

/// Versions of what a run computed with; an empty one is written as null: not used.
struct LibraryFacts {
  std::string onednn;            ///< version
  std::string onednn_isa;        ///< the instruction set it chose
  std::string lapack;            ///< version and build options
  std::string lapack_core;       ///< its kernels
  std::string lapack_threading;  ///< "none", "pthread" or "openmp"
  std::string highway_target;    ///< the instruction set of our own kernels
};

/// All of it is given by the caller; nothing is looked up but how the program was built.
struct ReportContext {
  std::string schema;  ///< e.g. "linformer/spectrum/1"
  LibraryFacts libraries;
  MachineFacts machine;
  int threads = 1;
  std::string isa;                              ///< what was asked for or found, e.g. "avx512"
  std::map<std::string, std::string> settings;  ///< environment variables that matter and were set
  std::vector<std::string> command;             ///< argv
  std::string started;                          ///< UTC, RFC 3339
  double seconds = 0;                           ///< wall clock of the whole command
  std::optional<int64_t> memory_limit_bytes;
  std::optional<int64_t> peak_buffers_bytes;  ///< high-water mark of our own buffers
  std::optional<int64_t> peak_process_bytes;  ///< of the process's resident memory
};

/// An object with the members schema, tool, machine, command, started, seconds and memory, in this order. The
/// kind of report adds input, identity, method, results and checks.
nlohmann::ordered_json make_envelope(const ReportContext& context);

}  // namespace linformer
