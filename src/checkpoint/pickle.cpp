// SPDX-License-Identifier: MIT
#include "checkpoint/pickle.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/error.h"
#include "checkpoint/pickle_calls.h"
#include "io/printable.h"
#include "io/utf8.h"

namespace linformer {
namespace {

/// The instructions of Python's pickle module that torch.save uses.
class PickleReader : PickleCalls {
 public:
  using PickleCalls::PickleCalls;

  Pickle read() {
    none_ = make({});
    while (!done_) step();
    return take_pickle();
  }

 private:
  using Kind = PickleKind;

  // ---- values

  void protocol() {
    const int version = number<uint8_t>();
    if (version == 2) return;
    throw Error(ErrorCode::kUnsupported, {.subject = file(),
                                          .item = "pickle",
                                          .found = fmt::format("protocol {}", version),
                                          .expected = "protocol 2, the default of torch.save",
                                          .remedy = "Load and save it again in PyTorch, or as safetensors"});
  }

  void text(size_t bytes) {
    const std::string_view value = take(bytes);
    if (!is_utf8(value)) corrupt("text that is not UTF-8");
    push({.kind = Kind::kText, .text = value});
  }

  void long_integer() {
    const std::string_view bytes = take(number<uint8_t>());
    if (bytes.size() > sizeof(int64_t)) return push({.kind = Kind::kBytes, .text = bytes});
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
    if (negative && bytes.size() < sizeof value) value |= ~uint64_t{0} << 8 * bytes.size();
    push({.kind = Kind::kInt, .number = static_cast<int64_t>(value)});
  }

  void global() {
    const size_t begin = position();
    const std::string_view module = line(), name = line();
    if (const std::optional<PickleGlobal> known = find_pickle_global(module, name)) {
      return push({.kind = Kind::kGlobal, .global = *known, .text = text_between(begin, position() - 1)});
    }
    throw Error(ErrorCode::kInput,
                {.subject = file(),
                 .item = fmt::format("pickle, byte {}", instruction_position()),
                 .found = fmt::format("the Python object {}.{}", printable(module), printable(name)),
                 .expected = "tensors, and what is known to be harmless",
                 .remedy = "If you trust the file, load it in PyTorch and save model.state_dict() alone"});
  }

  void tuple(size_t count) { push({.kind = Kind::kTuple, .items = pop_many(count)}); }

  void append_items(const std::vector<PickleId>& items) {
    PickleNode& list = node(top());
    if (list.kind == Kind::kRecord) return;
    if (list.kind != Kind::kList) corrupt("items for what is no list");
    append(list, items);
  }

  void set_items(const std::vector<PickleId>& items) {
    if (items.size() % 2 != 0) corrupt("a key without a value");
    PickleNode& dict = node(top());
    if (dict.kind == Kind::kRecord) return;
    if (dict.kind != Kind::kDict) corrupt("keys for what is no dict");
    append(dict, items);
  }

  /// The state of an object. That of most does not matter: of a dict it is the versions of modules.
  void build() {
    const PickleNode& state = node(pop());
    const Kind kind = node(top()).kind;
    if (kind == Kind::kObject && state.kind == Kind::kDict) return append(node(top()), state.items);
    if (kind != Kind::kRecord && kind != Kind::kObject && kind != Kind::kDict && kind != Kind::kTensor &&
        kind != Kind::kForeign) {
      corrupt("state for what has none");
    }
  }

  void persistent() {
    PickleNode storage{.kind = Kind::kStorage};
    const PickleNode& id = node(pop());
    if (id.kind != Kind::kTuple || id.items.size() > kMaxArguments)
      corrupt("a persistent id that is no tuple");
    append(storage, id.items);
    push(std::move(storage));
  }

  // ---- instructions

  void step() {
    const char op = instruction();
    if (!simple(op) && !container(op)) {
      corrupt(fmt::format("the instruction 0x{:02x}", static_cast<unsigned char>(op)),
              "the instructions that torch.save uses");
    }
  }

  bool simple(char op) {
    switch (op) {
      case '\x80':  // PROTO
        return protocol(), true;
      case '.':  // STOP
        return finish(), done_ = true;
      case 'N':  // NONE
        return push(none_), true;
      case '\x88':  // NEWTRUE
      case '\x89':  // NEWFALSE
        return push({.kind = Kind::kInt, .number = op == '\x88'}), true;
      case 'K':  // BININT1
        return push({.kind = Kind::kInt, .number = number<uint8_t>()}), true;
      case 'M':  // BININT2
        return push({.kind = Kind::kInt, .number = number<uint16_t>()}), true;
      case 'J':  // BININT
        return push({.kind = Kind::kInt, .number = number<int32_t>()}), true;
      case '\x8a':  // LONG1
        return long_integer(), true;
      case 'G':  // BINFLOAT
        return take(8), push({.kind = Kind::kRecord}), true;
      case 'X':  // BINUNICODE
        return text(number<uint32_t>()), true;
      case 'U':  // SHORT_BINSTRING
        return text(number<uint8_t>()), true;
      case 'q':  // BINPUT
        return put(number<uint8_t>()), true;
      case 'r':  // LONG_BINPUT
        return put(number<uint32_t>()), true;
      case 'h':  // BINGET
        return get(number<uint8_t>()), true;
      case 'j':  // LONG_BINGET
        return get(number<uint32_t>()), true;
      default:
        return false;
    }
  }

  bool container(char op) {
    switch (op) {
      case '(':  // MARK
        return mark(), true;
      case ')':  // EMPTY_TUPLE
        return tuple(0), true;
      case '\x85':  // TUPLE1
      case '\x86':  // TUPLE2
      case '\x87':  // TUPLE3
        return tuple(static_cast<unsigned char>(op) - size_t{0x84}), true;
      case 't':  // TUPLE
        return push({.kind = Kind::kTuple, .items = pop_to_mark()}), true;
      case ']':  // EMPTY_LIST
        return push({.kind = Kind::kList}), true;
      case '}':  // EMPTY_DICT
        return push({.kind = Kind::kDict}), true;
      case '\x8f':  // EMPTY_SET
        return push({.kind = Kind::kRecord}), true;
      case 'a':  // APPEND
        return append_items(pop_many(1)), true;
      case 'e':  // APPENDS
        return append_items(pop_to_mark()), true;
      case 's':  // SETITEM
        return set_items(pop_many(2)), true;
      case 'u':  // SETITEMS
        return set_items(pop_to_mark()), true;
      case 'c':  // GLOBAL
        return global(), true;
      case 'R':     // REDUCE
      case '\x81':  // NEWOBJ
        return call(), true;
      case 'b':  // BUILD
        return build(), true;
      case 'Q':  // BINPERSID
        return persistent(), true;
      default:
        return false;
    }
  }

  bool done_ = false;
  PickleId none_ = 0;
};

}  // namespace

const PickleNode* Pickle::member(const PickleNode& dict, std::string_view key) const {
  if (dict.kind != PickleKind::kDict && dict.kind != PickleKind::kObject) return nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& name = nodes[dict.items[i]];
    if (name.kind == PickleKind::kText && name.text == key) return &nodes[dict.items[i + 1]];
  }
  return nullptr;
}

Pickle read_pickle(std::string_view text, size_t allowance, const std::string& file) {
  return PickleReader(text, allowance, file).read();
}

}  // namespace linformer
