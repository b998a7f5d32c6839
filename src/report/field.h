// SPDX-License-Identifier: MIT
// A value of a JSON file with its place, so that what is wrong with it can be said.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/order_statistics.h"

namespace linformer {

/// Points into the file's JSON, which must outlive it. Everything but find() throws Error(kInput) with the
/// file and a place such as "results.cells[3].median_ns" where the value is missing or of another type.
class Field {
 public:
  /// `file`: its name, which must outlive the field too.
  Field(const nlohmann::json& value, const std::string& file) : value_(&value), file_(&file) {}

  /// The member of an object.
  Field operator[](std::string_view key) const;
  /// The member, or nothing if it is missing or null.
  std::optional<Field> find(std::string_view key) const;
  /// The same as a text, "" where there is none, and as a number.
  std::string find_text(std::string_view key) const;
  std::optional<double> find_number(std::string_view key) const;
  /// The elements of an array; so many, if that is given.
  std::vector<Field> items(std::optional<size_t> count = std::nullopt) const;

  bool is_null() const { return value_->is_null(); }
  int64_t integer() const;
  double number() const;
  /// NaN for null.
  double number_or_nan() const;
  bool boolean() const;
  std::string text() const;
  std::vector<int64_t> integers() const;
  std::vector<double> numbers() const;
  std::vector<std::string> texts() const;
  /// [low, high], or nothing for null.
  std::optional<Interval> interval() const;

  [[noreturn]] void fail(const std::string& expected) const;

 private:
  Field(const nlohmann::json& value, const std::string& file, std::string place)
      : value_(&value), file_(&file), place_(std::move(place)) {}

  const nlohmann::json* value_;
  const std::string* file_;
  std::string place_;
};

}  // namespace linformer
