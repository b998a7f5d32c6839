// SPDX-License-Identifier: MIT
#include "io/json_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "io/printable.h"

namespace linformer {
namespace {

/// Walks over text and lets its owner know how far it came.
class WatchedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  WatchedIterator(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  WatchedIterator& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  friend bool operator==(const WatchedIterator& a, const WatchedIterator& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** seen_;
};

/// The reason within nlohmann's message, without its prefix of class, line and column.
std::string reason_of(std::string_view message) {
  const size_t column = message.find("column ");
  const size_t colon = column == std::string_view::npos ? column : message.find(": ", column);
  return printable(colon == std::string_view::npos ? message : message.substr(colon + 2));
}

}  // namespace

bool JsonEvents::binary(binary_t&) { return false; }  // never sent for text

bool JsonEvents::parse_error(std::size_t position, const std::string&,
                             const nlohmann::json::exception& error) {
  throw Error(ErrorCode::kInput,
              {.subject = subject_,
               .found = fmt::format("not valid JSON at byte {}: {}", position, reason_of(error.what())),
               .remedy = "Download or write the file again"});
}

void JsonEvents::fail(std::string item, std::string found, std::string expected) const {
  throw Error(ErrorCode::kInput, {.subject = subject_,
                                  .item = std::move(item),
                                  .found = fmt::format("{} at byte {}", found, at_ - begin_),
                                  .expected = std::move(expected)});
}

void read_json(std::string_view text, JsonEvents& events) {
  const char* end = text.data() + text.size();
  events.begin_ = events.at_ = text.data();
  // The parser takes a NUL for the end of the text.
  if (const char* nul = std::find(text.data(), end, '\0'); nul != end) {
    events.at_ = nul;
    events.fail("", "a NUL byte", "JSON text");
  }
  const WatchedIterator first(text.data(), &events.at_);
  const WatchedIterator last(end, &events.at_);
  if (!nlohmann::json::sax_parse(first, last, &events)) events.fail("", "a refused value", "JSON text");
}

}  // namespace linformer
