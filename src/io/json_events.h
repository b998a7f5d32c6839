// SPDX-License-Identifier: MIT
// Strict JSON as a stream of events, for readers that must not build what a hostile file describes.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace linformer {

/// Base of a receiver of JSON events (nlohmann's names). It must bound its own depth. Every refusal is an
/// Error(kInput) that names the subject and the byte.
class JsonEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// `subject` names the text in messages.
  explicit JsonEvents(std::string subject) : subject_(std::move(subject)) {}

  bool binary(binary_t& value) final;
  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::json::exception& error) final;

 protected:
  /// Throws Error(kInput); the position is that of the event at hand.
  [[noreturn]] void fail(std::string item, std::string found, std::string expected) const;

 private:
  friend void read_json(std::string_view text, JsonEvents& events);

  std::string subject_;
  const char* begin_ = nullptr;
  const char* at_ = nullptr;  ///< how far the parser has read
};

/// Sends the events of one JSON text to `events`: RFC 8259, valid UTF-8, nothing after it but white space. No
/// recursion. Throws Error(kInput) where the text or `events` fails.
void read_json(std::string_view text, JsonEvents& events);

}  // namespace linformer
