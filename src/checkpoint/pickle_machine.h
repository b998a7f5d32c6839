// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/pickle.h"

namespace linformer {

/// The state of Python's pickle machine: instructions, a stack with marks, a memo, and nodes in place of
/// objects. It counts what it takes. Everything throws Error(kInput), as corrupt(), where it cannot be done.
class PickleMachine {
 public:
  /// As read_pickle().
  PickleMachine(std::string_view text, size_t allowance, const std::string& file);

 protected:
  [[noreturn]] void corrupt(std::string found, std::string expected) const;
  [[noreturn]] void corrupt(const std::string& found) const;
  const std::string& file() const { return file_; }

  /// The next bytes.
  std::string_view take(size_t bytes);
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  char instruction();
  /// Text up to a line feed, which is passed.
  std::string_view line();
  size_t position() const { return at_; }
  size_t instruction_position() const { return instruction_at_; }
  std::string_view text_between(size_t begin, size_t end) const { return text_.substr(begin, end - begin); }

  PickleId make(PickleNode node);
  PickleNode& node(PickleId id) { return pickle_.nodes[id]; }
  void append(PickleNode& target, std::span<const PickleId> items);

  void push(PickleId id);
  void push(PickleNode made) { push(make(std::move(made))); }
  PickleId top() const;
  PickleId pop();
  /// The last `count` values, off the stack; no instruction reaches below the last mark.
  std::vector<PickleId> pop_many(size_t count);
  std::vector<PickleId> pop_to_mark();
  void mark();

  void put(uint32_t key);
  void get(uint32_t key);

  /// Takes the root off the stack, which must be empty then.
  void finish();
  Pickle take_pickle();

 private:
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void charge(size_t bytes);

  std::string_view text_;
  size_t allowance_;  ///< bytes that may still be taken
  const std::string& file_;
  size_t at_ = 0;
  size_t instruction_at_ = 0;
  Pickle pickle_;
  std::vector<PickleId> stack_;
  std::vector<size_t> marks_;  ///< heights of the stack
  std::map<uint32_t, PickleId> memo_;
};

}  // namespace linformer
