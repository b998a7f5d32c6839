// SPDX-License-Identifier: MIT
// The one error type. Library code throws it; the command line turns its code into the exit status.
#pragma once

#include <stdexcept>
#include <string>

namespace linformer {

/// Why a run cannot go on. The values are the program's exit codes.
enum class ErrorCode {
  kUsage = 2,        ///< an option that cannot be taken, or not by this model
  kInput = 3,        ///< something read is missing, unreadable, malformed, not finite or too short
  kUnsupported = 4,  ///< recognised but not supported
  kMemory = 5,       ///< nothing could run within the memory allowed
  kWrite = 6,        ///< writing failed
  kInternal = 7,     ///< a fault of this program
};

/// The parts of a message; empty ones are left out.
struct ErrorDetail {
  std::string subject = {};   ///< the file or option
  std::string item = {};      ///< the tensor, key or line within it
  std::string found = {};     ///< what was found
  std::string expected = {};  ///< what was expected
  std::string remedy = {};    ///< what to do
};

/// what() is "subject: item: found; expected ... . remedy".
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, ErrorDetail detail);

  ErrorCode code() const { return code_; }
  const ErrorDetail& detail() const { return detail_; }

 private:
  ErrorCode code_;
  ErrorDetail detail_;
};

}  // namespace linformer
