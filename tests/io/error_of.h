// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace linformer {

/// The Error that f() throws, or nothing.
template <class F>
std::optional<Error> error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// The code of the Error that f() throws; 0 if it throws none.
template <class F>
int code_of(F&& f) {
  const std::optional<Error> error = error_of(f);
  return error ? static_cast<int>(error->code()) : 0;
}

/// The message of the Error that f() throws; empty if it throws none.
template <class F>
std::string message_of(F&& f) {
  const std::optional<Error> error = error_of(f);
  return error ? error->what() : "";
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace linformer
