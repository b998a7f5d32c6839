// SPDX-License-Identifier: MIT
#include "checkpoint/pickle_machine.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace linformer {
namespace {

constexpr size_t kBaseAllowance = size_t{16} << 20;
constexpr size_t kMaxStack = 1'000'000;
constexpr size_t kMemoBytes = 64;  ///< what an entry of the memo takes

}  // namespace

PickleMachine::PickleMachine(std::string_view text, size_t allowance, const std::string& file)
    : text_(text), allowance_(kBaseAllowance + allowance), file_(file) {}

void PickleMachine::corrupt(std::string found, std::string expected) const {
  throw Error(ErrorCode::kInput, {.subject = file_,
                                  .item = fmt::format("pickle, byte {}", instruction_at_),
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = "Download or write the file again"});
}

void PickleMachine::corrupt(const std::string& found) const {
  corrupt("corrupt: " + found, "a state dict as torch.save writes it");
}

std::string_view PickleMachine::take(size_t bytes) {
  if (text_.size() - at_ < bytes) corrupt("it ends within an instruction");
  at_ += bytes;
  return text_.substr(at_ - bytes, bytes);
}

char PickleMachine::instruction() {
  instruction_at_ = at_;
  return take(1)[0];
}

std::string_view PickleMachine::line() {
  const size_t end = text_.find('\n', at_);
  if (end == std::string_view::npos) corrupt("a name without an end");
  const std::string_view name = take(end - at_);
  ++at_;
  return name;
}

void PickleMachine::charge(size_t bytes) {
  if (bytes > allowance_) corrupt("more objects than a checkpoint of this size can need");
  allowance_ -= bytes;
}

PickleId PickleMachine::make(PickleNode node) {
  charge(sizeof node + node.items.capacity() * sizeof(PickleId));
  pickle_.nodes.push_back(std::move(node));
  return static_cast<PickleId>(pickle_.nodes.size() - 1);
}

void PickleMachine::append(PickleNode& target, std::span<const PickleId> items) {
  charge(2 * items.size_bytes());
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleMachine::push(PickleId id) {
  if (stack_.size() == kMaxStack) corrupt("a stack of more than a million values");
  stack_.push_back(id);
}

PickleId PickleMachine::top() const {
  if (stack_.size() <= floor()) corrupt("a value missing on the stack");
  return stack_.back();
}

PickleId PickleMachine::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> PickleMachine::pop_many(size_t count) {
  if (stack_.size() - floor() < count) corrupt("values missing on the stack");
  std::vector<PickleId> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return values;
}

std::vector<PickleId> PickleMachine::pop_to_mark() {
  if (marks_.empty()) corrupt("no mark on the stack");
  std::vector<PickleId> values = pop_many(stack_.size() - marks_.back());
  marks_.pop_back();
  return values;
}

void PickleMachine::mark() {
  if (marks_.size() == kMaxStack) corrupt("a stack of more than a million marks");
  marks_.push_back(stack_.size());
}

void PickleMachine::put(uint32_t key) {
  if (memo_.insert_or_assign(key, top()).second) charge(kMemoBytes);
}

void PickleMachine::get(uint32_t key) {
  const auto entry = memo_.find(key);
  if (entry == memo_.end()) corrupt(fmt::format("memo entry {} that was never made", key));
  push(entry->second);
}

void PickleMachine::finish() {
  pickle_.root = pop();
  if (!stack_.empty() || !marks_.empty()) corrupt("values left over at the end");
}

Pickle PickleMachine::take_pickle() {
  pickle_.bytes = at_;
  return std::move(pickle_);
}

}  // namespace linformer
