// SPDX-License-Identifier: MIT
#include "io/json.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/json_events.h"
#include "io/printable.h"

namespace linformer {
namespace {

using nlohmann::json;

/// Builds the value of the events it receives.
class Builder final : public JsonEvents {
 public:
  using JsonEvents::JsonEvents;

  json take() { return std::move(root_); }

  bool null() override { return place(nullptr) != nullptr; }
  bool boolean(bool value) override { return place(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return place(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return place(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override { return place(value) != nullptr; }
  bool string(string_t& value) override { return place(std::move(value)) != nullptr; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    auto [member, inserted] = open_.back()->get_ref<json::object_t&>().emplace(std::move(value), nullptr);
    if (!inserted) fail(printable(member->first), "key occurs twice", "different keys");
    member_ = &member->second;
    return true;
  }

 private:
  static constexpr size_t kMaxDepth = 64;

  /// Puts a value where the text is: the root, a member or the end of an array.
  template <class T>
  json* place(T&& value) {
    if (open_.empty()) return &(root_ = std::forward<T>(value));
    if (open_.back()->is_object()) return &(*member_ = std::forward<T>(value));
    return &open_.back()->emplace_back(std::forward<T>(value));
  }

  bool open(json container) {
    if (open_.size() == kMaxDepth) fail("", "more than 64 levels", "less deeply nested JSON");
    open_.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  json root_;
  std::vector<json*> open_;  ///< the containers that the text is in, outermost first
  json* member_ = nullptr;   ///< the value of the last key
};

/// The member, or null if there is none; throws if `object` is no object.
const json* find_member(const json& object, std::string_view key, const std::string& subject) {
  if (!object.is_object()) {
    throw Error(ErrorCode::kInput,
                {.subject = subject, .found = object.type_name(), .expected = "an object"});
  }
  const auto member = object.find(key);
  return member == object.end() ? nullptr : &*member;
}

const json& require_member(const json& object, std::string_view key, const std::string& subject) {
  const json* member = find_member(object, key, subject);
  if (member != nullptr) return *member;
  throw Error(ErrorCode::kInput, {.subject = subject,
                                  .item = std::string(key),
                                  .found = "missing",
                                  .remedy = "Check that this is the file of a supported model"});
}

[[noreturn]] void fail_type(const json& value, std::string_view key, const std::string& subject,
                            std::string expected) {
  const auto text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  throw Error(ErrorCode::kInput, {.subject = subject,
                                  .item = std::string(key),
                                  .found = printable(text),
                                  .expected = std::move(expected)});
}

int64_t to_int(const json& value, std::string_view key, const std::string& subject) {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= kMax;
  if (!value.is_number_integer() || !fits) fail_type(value, key, subject, "an integer of 64 bits");
  return value.get<int64_t>();
}

double to_double(const json& value, std::string_view key, const std::string& subject) {
  if (!value.is_number()) fail_type(value, key, subject, "a number");
  return value.get<double>();
}

bool to_bool(const json& value, std::string_view key, const std::string& subject) {
  if (!value.is_boolean()) fail_type(value, key, subject, "true or false");
  return value.get<bool>();
}

std::string to_text(const json& value, std::string_view key, const std::string& subject) {
  if (!value.is_string()) fail_type(value, key, subject, "a string");
  return value.get<std::string>();
}

void require_finite(const nlohmann::ordered_json& value, const std::string& path) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    throw Error(ErrorCode::kInternal,
                {.subject = path, .found = "NaN or infinity in a report", .expected = "a finite number"});
  }
  if (!value.is_structured()) return;
  for (const auto& [key, member] : value.items()) require_finite(member, path + "/" + key);
}

}  // namespace

json parse_json(std::string_view text, const std::string& subject) {
  Builder builder(subject);
  read_json(text, builder);
  return builder.take();
}

int64_t json_int(const json& object, std::string_view key, const std::string& subject) {
  return to_int(require_member(object, key, subject), key, subject);
}

double json_double(const json& object, std::string_view key, const std::string& subject) {
  return to_double(require_member(object, key, subject), key, subject);
}

bool json_bool(const json& object, std::string_view key, const std::string& subject) {
  return to_bool(require_member(object, key, subject), key, subject);
}

std::string json_string(const json& object, std::string_view key, const std::string& subject) {
  return to_text(require_member(object, key, subject), key, subject);
}

int64_t json_int(const json& object, std::string_view key, const std::string& subject, int64_t fallback) {
  const json* member = find_member(object, key, subject);
  return member == nullptr || member->is_null() ? fallback : to_int(*member, key, subject);
}

double json_double(const json& object, std::string_view key, const std::string& subject, double fallback) {
  const json* member = find_member(object, key, subject);
  return member == nullptr || member->is_null() ? fallback : to_double(*member, key, subject);
}

bool json_bool(const json& object, std::string_view key, const std::string& subject, bool fallback) {
  const json* member = find_member(object, key, subject);
  return member == nullptr || member->is_null() ? fallback : to_bool(*member, key, subject);
}

std::string json_string(const json& object, std::string_view key, const std::string& subject,
                        std::string_view fallback) {
  const json* member = find_member(object, key, subject);
  return member == nullptr || member->is_null() ? std::string(fallback) : to_text(*member, key, subject);
}

std::string dump_json(const nlohmann::ordered_json& value) {
  require_finite(value, "report");
  return value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace linformer
