// SPDX-License-Identifier: MIT
#include "base/error.h"

#include <fmt/format.h>

#include <utility>

namespace linformer {
namespace {

// Adds a part behind the separator, or first.
void append(std::string& text, const char* separator, const char* lead, const std::string& part) {
  if (!part.empty()) text = fmt::format("{}{}{}{}", text, text.empty() ? "" : separator, lead, part);
}

std::string compose(const ErrorDetail& d) {
  std::string text = d.subject;
  append(text, ": ", "", d.item);
  append(text, ": ", "", d.found);
  append(text, "; ", "expected ", d.expected);
  append(text, ". ", "", d.remedy);
  return text;
}

}  // namespace

Error::Error(ErrorCode code, ErrorDetail detail)
    : std::runtime_error(compose(detail)), code_(code), detail_(std::move(detail)) {}

}  // namespace linformer
