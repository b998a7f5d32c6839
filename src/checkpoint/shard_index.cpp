// SPDX-License-Identifier: MIT
#include "checkpoint/shard_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "checkpoint/tensor_info.h"
#include "io/json_events.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr int kMaxDepth = 32;
constexpr int kMapDepth = 2;  ///< of the members of weight_map

class IndexReader final : public JsonEvents {
 public:
  using JsonEvents::JsonEvents;

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a boolean"); }
  bool number_integer(number_integer_t) override { return scalar("a number"); }
  bool number_unsigned(number_unsigned_t) override { return scalar("a number"); }
  bool number_float(number_float_t, const string_t&) override { return scalar("a number"); }

  bool string(string_t& value) override {
    if (!in_map()) return scalar("a string");
    check_plain(value);
    const auto number = static_cast<uint32_t>(files_.size());
    const auto file = files_.try_emplace(std::move(value), number).first;
    index_.entries.push_back({std::move(tensor_), file->second});
    return true;
  }

  bool key(string_t& value) override {
    if (depth_ == 1) map_at_hand_ = value == "weight_map";
    if (depth_ == 1 && map_at_hand_ && std::exchange(has_map_, true)) {
      fail("weight_map", "there twice", "once");
    }
    if (in_map()) tensor_ = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (in_map()) fail(tensor_label(tensor_), "an object", "the name of a file");
    return open();
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0 || (depth_ == 1 && map_at_hand_)) scalar("an array");
    if (in_map()) fail(tensor_label(tensor_), "an array", "the name of a file");
    return open();
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  ShardIndex take() {
    if (!has_map_) fail("weight_map", "missing", "an object of tensors and the files they are in");
    std::vector<uint32_t> place(files_.size());
    for (const auto& [name, number] : files_) {
      place[number] = static_cast<uint32_t>(index_.files.size());
      index_.files.push_back(name);
    }
    for (ShardIndex::Entry& entry : index_.entries) entry.file = place[entry.file];
    std::ranges::sort(index_.entries, {}, &ShardIndex::Entry::tensor);
    const auto twice = std::ranges::adjacent_find(index_.entries, {}, &ShardIndex::Entry::tensor);
    if (twice != index_.entries.end()) fail(tensor_label(twice->tensor), "there twice", "different names");
    return std::move(index_);
  }

 private:
  bool in_map() const { return map_at_hand_ && depth_ == kMapDepth; }

  bool scalar(const char* found) {
    if (in_map()) fail(tensor_label(tensor_), found, "the name of a file");
    if (depth_ == 0) fail("", found, "an object with weight_map");
    if (depth_ == 1 && map_at_hand_) fail("weight_map", found, "an object");
    return true;
  }

  /// Snapshots of the hub are links that lead elsewhere, so the name itself must not.
  void check_plain(const std::string& name) const {
    const bool plain = !name.empty() && name != "." && name != ".." &&
                       name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!plain) {
      fail(tensor_label(tensor_), fmt::format("the file '{}'", printable(name)),
           "the plain name of a file in the same folder");
    }
  }

  bool open() {
    if (++depth_ > kMaxDepth) fail("", "deeply nested JSON", "an index");
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  ShardIndex index_;
  std::map<std::string, uint32_t> files_;  ///< numbered as they come
  std::string tensor_;
  int depth_ = 0;
  bool map_at_hand_ = false;
  bool has_map_ = false;
};

}  // namespace

ShardIndex parse_shard_index(std::string_view text, const std::string& file) {
  IndexReader reader(file);
  read_json(text, reader);
  return reader.take();
}

}  // namespace linformer
