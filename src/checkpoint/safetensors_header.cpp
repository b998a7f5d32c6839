// SPDX-License-Identifier: MIT
#include "checkpoint/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "checkpoint/tensor_info.h"
#include "io/json_events.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr size_t kMaxNameBytes = 4096;
constexpr int kMaxSkippedDepth = 32;
constexpr std::string_view kMetadataKey = "__metadata__";

class HeaderReader final : public JsonEvents {
 public:
  using JsonEvents::JsonEvents;

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a boolean"); }
  bool number_integer(number_integer_t) override { return scalar("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return scalar("a number that is no 64-bit integer");
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ != State::kInShape && state_ != State::kInOffsets) return scalar("a number");
    if (value > uint64_t{std::numeric_limits<int64_t>::max()}) refuse(fmt::format("{}", value));
    const auto number = static_cast<int64_t>(value);
    if (state_ == State::kInShape) {
      if (entry().shape.size() == kMaxRank) refuse("more than 8 dimensions");
      entry().shape.push_back(number);
    } else {
      if (offsets_ == 2) refuse("more than two offsets");
      (offsets_++ == 0 ? entry().begin : entry().end) = number;
    }
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::kDType) {
      entry().dtype = std::move(value);
      state_ = State::kEntry;
    } else if (state_ == State::kMetadataValue) {
      *metadata_value_ = std::move(value);
      state_ = State::kMetadata;
    } else {
      return scalar("a string");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::kStart:
        state_ = State::kTop;
        return true;
      case State::kTensor:
        state_ = State::kEntry;
        return true;
      case State::kMetadataObject:
        state_ = State::kMetadata;
        return true;
      default:
        return skip_open("an object");
    }
  }

  bool key(string_t& value) override {
    switch (state_) {
      case State::kTop:
        begin_member(std::move(value));
        break;
      case State::kMetadata:
        begin_metadata(std::move(value));
        break;
      case State::kEntry:
        begin_field(value);
        break;
      default:
        break;  // within a skipped value
    }
    return true;
  }

  bool end_object() override {
    if (state_ == State::kSkip) return skip_close();
    if (state_ == State::kEntry) end_entry();
    state_ = state_ == State::kTop ? State::kDone : State::kTop;
    return true;
  }

  bool start_array(std::size_t) override {
    switch (state_) {
      case State::kShape:
        state_ = State::kInShape;
        return true;
      case State::kOffsets:
        state_ = State::kInOffsets;
        return true;
      default:
        return skip_open("an array");
    }
  }

  bool end_array() override {
    if (state_ == State::kSkip) return skip_close();
    if (state_ == State::kInOffsets && offsets_ != 2) refuse("fewer than two offsets");
    state_ = State::kEntry;
    return true;
  }

 private:
  /// What the next event may be.
  enum class State {
    kStart,           ///< the object of all tensors
    kTop,             ///< a tensor's name, or the end
    kTensor,          ///< the object of a tensor
    kEntry,           ///< a key of a tensor
    kDType,           ///< its string
    kShape,           ///< its array
    kInShape,         ///< a size, or the end
    kOffsets,         ///< their array
    kInOffsets,       ///< an offset, or the end
    kMetadataObject,  ///< the object of metadata
    kMetadata,        ///< a key of it
    kMetadataValue,   ///< a string of it
    kSkip,            ///< any value, skip_depth_ containers deep
    kDone,
  };

  HeaderEntry& entry() { return header_.entries.back(); }

  [[noreturn]] void refuse(std::string found) const {
    static constexpr std::string_view kExpected =
        "an object of tensors, each with dtype (a string), shape (up to 8 sizes), data_offsets (two numbers)";
    fail(item_.empty() ? "header" : fmt::format("tensor '{}'", item_), std::move(found),
         std::string(kExpected));
  }

  bool scalar(std::string found) {
    if (state_ != State::kSkip) refuse(std::move(found));
    if (skip_depth_ == 0) state_ = State::kEntry;
    return true;
  }

  bool skip_open(std::string found) {
    if (state_ != State::kSkip) refuse(std::move(found));
    if (++skip_depth_ > kMaxSkippedDepth) refuse("deeply nested JSON");
    return true;
  }

  bool skip_close() {
    if (--skip_depth_ == 0) state_ = State::kEntry;
    return true;
  }

  void begin_member(std::string name) {
    item_ = printable(name);
    if (name == kMetadataKey) {
      if (std::exchange(has_metadata_, true)) refuse("the key twice");
      state_ = State::kMetadataObject;
      return;
    }
    if (name.size() > kMaxNameBytes) refuse("a name of more than 4096 bytes");
    header_.entries.push_back({.name = std::move(name), .dtype = {}, .shape = {}});
    has_dtype_ = has_shape_ = has_offsets_ = false;
    offsets_ = 0;
    state_ = State::kTensor;
  }

  void begin_metadata(std::string name) {
    const auto [member, inserted] = header_.metadata.emplace(std::move(name), "");
    if (!inserted) refuse(fmt::format("the key '{}' twice", printable(member->first)));
    metadata_value_ = &member->second;
    state_ = State::kMetadataValue;
  }

  void begin_field(const std::string& name) {
    if (name == "dtype") {
      begin_known_field(name, has_dtype_, State::kDType);
    } else if (name == "shape") {
      begin_known_field(name, has_shape_, State::kShape);
    } else if (name == "data_offsets") {
      begin_known_field(name, has_offsets_, State::kOffsets);
    } else {
      state_ = State::kSkip;
    }
  }

  void begin_known_field(const std::string& name, bool& seen, State next) {
    if (std::exchange(seen, true)) refuse(name + " twice");
    state_ = next;
  }

  void end_entry() {
    if (!has_dtype_) refuse("no dtype");
    if (!has_shape_) refuse("no shape");
    if (!has_offsets_) refuse("no data_offsets");
    item_.clear();
  }

  SafetensorsHeader header_;
  State state_ = State::kStart;
  std::string item_;  ///< name of the tensor at hand, printable
  std::string* metadata_value_ = nullptr;
  bool has_metadata_ = false;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  int offsets_ = 0;
  int skip_depth_ = 0;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& file) {
  HeaderReader reader(file);
  read_json(text, reader);
  SafetensorsHeader header = reader.take();
  std::ranges::sort(header.entries, {}, &HeaderEntry::name);
  const auto twice = std::ranges::adjacent_find(header.entries, {}, &HeaderEntry::name);
  if (twice != header.entries.end()) {
    throw Error(ErrorCode::kInput, {.subject = file,
                                    .item = fmt::format("tensor '{}'", printable(twice->name)),
                                    .found = "described twice",
                                    .expected = "different names"});
  }
  return header;
}

}  // namespace linformer
