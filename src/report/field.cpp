// SPDX-License-Identifier: MIT
#include "report/field.h"

#include <fmt/format.h>

#include <limits>

#include "base/error.h"
#include "io/printable.h"

namespace linformer {
namespace {

std::string member_place(const std::string& place, std::string_view key) {
  return place.empty() ? std::string(key) : fmt::format("{}.{}", place, key);
}

}  // namespace

void Field::fail(const std::string& expected) const {
  const std::string text =
      value_->is_structured()
          ? fmt::format("an {} of {}", value_->type_name(), value_->size())
          : printable(value_->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  throw Error(ErrorCode::kInput, {.subject = *file_, .item = place_, .found = text, .expected = expected});
}

Field Field::operator[](std::string_view key) const {
  if (!value_->is_object()) fail("an object");
  const auto member = value_->find(key);
  if (member != value_->end()) return {*member, *file_, member_place(place_, key)};
  throw Error(ErrorCode::kInput, {.subject = *file_,
                                  .item = member_place(place_, key),
                                  .found = "missing",
                                  .expected = "a whole report of this program"});
}

std::optional<Field> Field::find(std::string_view key) const {
  if (!value_->is_object()) return std::nullopt;
  const auto member = value_->find(key);
  if (member == value_->end() || member->is_null()) return std::nullopt;
  return Field(*member, *file_, member_place(place_, key));
}

std::string Field::find_text(std::string_view key) const {
  const auto member = find(key);
  return member ? member->text() : std::string();
}

std::optional<double> Field::find_number(std::string_view key) const {
  const auto member = find(key);
  return member ? std::optional(member->number()) : std::nullopt;
}

std::vector<Field> Field::items(std::optional<size_t> count) const {
  const std::string expected = count ? fmt::format("an array of {}", *count) : "an array";
  if (!value_->is_array() || value_->size() != count.value_or(value_->size())) fail(expected);
  std::vector<Field> fields;
  fields.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i)
    fields.push_back(Field((*value_)[i], *file_, fmt::format("{}[{}]", place_, i)));
  return fields;
}

int64_t Field::integer() const {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const bool fits = !value_->is_number_unsigned() || value_->get<uint64_t>() <= kMax;
  if (!value_->is_number_integer() || !fits) fail("an integer of 64 bits");
  return value_->get<int64_t>();
}

double Field::number() const {
  if (!value_->is_number()) fail("a number");
  return value_->get<double>();
}

double Field::number_or_nan() const {
  return value_->is_null() ? std::numeric_limits<double>::quiet_NaN() : number();
}

bool Field::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

std::string Field::text() const {
  if (!value_->is_string()) fail("a string");
  return value_->get<std::string>();
}

std::vector<int64_t> Field::integers() const {
  std::vector<int64_t> values;
  for (const Field& item : items()) values.push_back(item.integer());
  return values;
}

std::vector<double> Field::numbers() const {
  std::vector<double> values;
  for (const Field& item : items()) values.push_back(item.number());
  return values;
}

std::vector<std::string> Field::texts() const {
  std::vector<std::string> values;
  for (const Field& item : items()) values.push_back(item.text());
  return values;
}

std::optional<Interval> Field::interval() const {
  if (value_->is_null()) return std::nullopt;
  const std::vector<Field> ends = items(2);
  return Interval{ends[0].number(), ends[1].number()};
}

}  // namespace linformer
