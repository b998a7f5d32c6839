// SPDX-License-Identifier: MIT
#include "checkpoint/torch_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr size_t kMaxNameBytes = 4096;
constexpr size_t kMaxArguments = 4096, kMaxArgumentBytes = 1024;

[[noreturn]] void fail(const std::string& file, std::string item, std::string found, std::string expected) {
  throw Error(ErrorCode::kInput, {.subject = file,
                                  .item = std::move(item),
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = "Download or write the file again"});
}

bool is_int(const PickleNode& node) { return node.kind == PickleKind::kInt; }
bool is_text(const PickleNode& node) { return node.kind == PickleKind::kText; }
bool is_tensor(const PickleNode& node) {
  return node.kind == PickleKind::kTensor || node.kind == PickleKind::kForeign;
}

/// Row-major without gaps; the stride of a dimension of one element does not matter.
bool is_contiguous(const Shape& shape, const Shape& strides) {
  int64_t expected = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    if (shape[d] != 1 && strides[d] != expected) return false;
    expected *= shape[d];
  }
  return true;
}

/// Elements from the first to the last of a view that has some, both counted; nothing if that overflows.
std::optional<int64_t> span_of_view(const Shape& shape, const Shape& strides) {
  int64_t span = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t reach = 0;
    if (__builtin_mul_overflow(shape[d] - 1, strides[d], &reach) ||
        __builtin_add_overflow(span, reach, &span)) {
      return std::nullopt;
    }
  }
  return span;
}

class StateReader {
 public:
  StateReader(const Pickle& pickle, std::shared_ptr<const FileBytes> file, const FindStorage& find)
      : pickle_(pickle), file_(std::move(file)), find_(find) {}

  TensorSet read() {
    const PickleNode& state = state_dict();
    for (size_t i = 0; i + 1 < state.items.size(); i += 2) {
      const PickleNode& key = pickle_[state.items[i]];
      const PickleNode& value = pickle_[state.items[i + 1]];
      if (is_text(key) && is_tensor(value)) add(key.text, value);
    }
    TensorSet set(file_->name(), {file_}, std::move(tensors_), std::move(unreadable_));
    set.set_description(arguments());
    return set;
  }

 private:
  [[noreturn]] void refuse(std::string found, std::string expected) const {
    fail(file_->name(), tensor_label(name_), std::move(found), std::move(expected));
  }

  bool has_tensor(const PickleNode& dict) const {
    return dict.kind == PickleKind::kDict &&
           std::ranges::any_of(dict.items, [&](PickleId id) { return is_tensor(pickle_[id]); });
  }

  /// fairseq's options of the model: numbers and texts of args, or of cfg's member model.
  std::string arguments() const {
    const PickleNode& root = pickle_[pickle_.root];
    const PickleNode* options = pickle_.member(root, "args");
    const PickleNode* groups = pickle_.member(root, "cfg");
    if (groups != nullptr && pickle_.member(*groups, "model") != nullptr) {
      options = pickle_.member(*groups, "model");
    }
    if (options == nullptr || (options->kind != PickleKind::kObject && options->kind != PickleKind::kDict)) {
      return {};
    }
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (size_t i = 0; i + 1 < options->items.size(); i += 2) {
      const PickleNode &key = pickle_[options->items[i]], &value = pickle_[options->items[i + 1]];
      // A text may be a value many times over.
      if (!is_text(key) || std::max(key.text.size(), value.text.size()) > kMaxArgumentBytes) continue;
      if (json.size() == kMaxArguments) break;
      if (is_int(value)) json[std::string(key.text)] = value.number;
      if (is_text(value)) json[std::string(key.text)] = value.text;
    }
    return json.empty() ? std::string() : json.dump();
  }

  const PickleNode& state_dict() const {
    const PickleNode& root = pickle_[pickle_.root];
    for (const char* name : {"model", "state_dict", "module"}) {
      const PickleNode* inner = pickle_.member(root, name);
      if (inner != nullptr && has_tensor(*inner)) return *inner;
    }
    if (has_tensor(root)) return root;
    fail(file_->name(), "",
         root.kind == PickleKind::kDict ? "a dict without tensors" : "a pickle that is no dict",
         "a state dict, or one under model, state_dict or module");
  }

  void add(std::string_view name, const PickleNode& node) {
    name_ = name;
    if (name.size() > kMaxNameBytes) refuse("a name of more than 4096 bytes", "a shorter one");
    if (!names_.insert(name).second) refuse("there twice", "different names");
    if (node.kind == PickleKind::kForeign) return add_unreadable(std::string(node.text), {}, 0);
    const PickleNode& storage_node = pickle_[node.items[0]];
    if (storage_node.kind != PickleKind::kStorage) refuse("no storage", "one");
    const TorchStorage storage = read_storage(pickle_, storage_node, file_->name());
    const TorchType type = type_of(node, storage);
    const Shape shape = numbers(node.items[2], "sizes");
    if (const std::optional<DType> dtype = dtype_from_name(type.name)) {
      return add_view(node, *dtype, bytes_of(storage), shape);
    }
    int64_t bytes = 0;
    const std::optional<int64_t> count = element_count(shape);
    if (!count || __builtin_mul_overflow(*count, type.bytes, &bytes))
      refuse("an impossible shape", "a shape");
    add_unreadable(std::string(type.name), shape, bytes);
  }

  void add_unreadable(std::string kind, Shape shape, int64_t bytes) {
    unreadable_.push_back({std::string(name_), std::move(kind), std::move(shape), bytes});
  }

  TorchType type_of(const PickleNode& node, const TorchStorage& storage) const {
    if (node.global != PickleGlobal::kRebuildTensorV3) return storage.type;
    const PickleNode& dtype = pickle_[node.items[6]];
    if (dtype.kind != PickleKind::kGlobal || dtype.global != PickleGlobal::kType) refuse("no dtype", "one");
    return find_torch_type(dtype.text);
  }

  Shape numbers(PickleId id, std::string_view what) const {
    const PickleNode& tuple = pickle_[id];
    if (tuple.kind != PickleKind::kTuple && tuple.kind != PickleKind::kList) {
      refuse(fmt::format("no {}", what), "a tuple");
    }
    if (tuple.items.size() > kMaxRank) refuse("more than 8 dimensions", "at most 8");
    Shape values;
    for (const PickleId item : tuple.items) {
      const PickleNode& n = pickle_[item];
      if (!is_int(n) || n.number < 0) refuse(fmt::format("{} that are no numbers >= 0", what), "integers");
      values.push_back(n.number);
    }
    return values;
  }

  std::string_view bytes_of(const TorchStorage& storage) const {
    const std::optional<std::string_view> whole = find_(storage.key);
    if (!whole)
      refuse(fmt::format("storage '{}' missing in the file", printable(storage.key)), "a whole file");
    int64_t bytes = 0;
    if (__builtin_mul_overflow(storage.elements, storage.type.bytes, &bytes) || bytes > std::ssize(*whole)) {
      refuse(fmt::format("storage '{}' of {} bytes", printable(storage.key), whole->size()),
             fmt::format("{} elements of {} bytes", storage.elements, storage.type.bytes));
    }
    return whole->substr(static_cast<size_t>(storage.begin * storage.type.bytes),
                         static_cast<size_t>((storage.end - storage.begin) * storage.type.bytes));
  }

  void add_view(const PickleNode& node, DType dtype, std::string_view storage, Shape shape) {
    Shape strides = numbers(node.items[3], "strides");
    const PickleNode& offset = pickle_[node.items[1]];
    if (!is_int(offset) || offset.number < 0) refuse("an offset that is no number >= 0", "one");
    if (strides.size() != shape.size()) refuse("sizes and strides of different number", "one each");
    const int64_t room = std::ssize(storage) / size_of(dtype);
    const std::optional<int64_t> count = element_count(shape);
    if (!count) refuse("shape " + to_string(shape), "fewer than 2^63 elements");
    const std::optional<int64_t> span = *count == 0 ? 0 : span_of_view(shape, strides);
    if (!span || *span > room || offset.number > room - *span) {
      refuse(
          fmt::format("offset {}, sizes {}, strides {}", offset.number, to_string(shape), to_string(strides)),
          fmt::format("to stay within the {} elements of its storage", room));
    }
    if (*count > std::ssize(file_->bytes()) / size_of(dtype)) {
      refuse(fmt::format("{} elements", *count), "no more than the file has room for");
    }
    if (*count == 0 || is_contiguous(shape, strides)) strides.clear();
    const auto size = static_cast<size_t>(size_of(dtype));
    const std::string_view bytes =
        storage.substr(static_cast<size_t>(offset.number) * size, static_cast<size_t>(*span) * size);
    tensors_.push_back({.name = std::string(name_),
                        .dtype = dtype,
                        .shape = std::move(shape),
                        .bytes = std::as_bytes(std::span(bytes)),
                        .strides = std::move(strides),
                        .file = file_.get()});
  }

  const Pickle& pickle_;
  std::shared_ptr<const FileBytes> file_;
  const FindStorage& find_;
  std::string_view name_;  ///< of the tensor at hand
  std::set<std::string_view> names_;
  std::vector<TensorInfo> tensors_;
  std::vector<UnreadableTensor> unreadable_;
};

}  // namespace

TorchStorage read_storage(const Pickle& pickle, const PickleNode& node, const std::string& file) {
  const auto refuse = [&](std::string found) {
    fail(file, "pickle", std::move(found), "('storage', class, key, device, number of elements)");
  };
  const auto item = [&](size_t i) -> const PickleNode& { return pickle[node.items[i]]; };
  if (!node.items.empty() && is_text(item(0)) && item(0).text == "module") {
    throw Error(ErrorCode::kUnsupported, {.subject = file,
                                          .found = "a whole pickled module",
                                          .expected = "a state dict",
                                          .remedy = "Load it in PyTorch and save model.state_dict()"});
  }
  if (node.items.size() < 5 || node.items.size() > 6 || !is_text(item(0)) || item(0).text != "storage" ||
      item(1).kind != PickleKind::kGlobal || item(1).global != PickleGlobal::kType || !is_text(item(2)) ||
      !is_int(item(4)) || item(4).number < 0) {
    refuse("a persistent id of another form");
  }
  const int64_t elements = item(4).number;
  TorchStorage storage{find_torch_type(item(1).text), item(2).text, elements, 0, elements};
  if (node.items.size() == 5 || item(5).kind == PickleKind::kNone) return storage;
  const std::vector<PickleId>& view = item(5).items;  // (key, offset, size)
  if (view.size() != 3 || !is_int(pickle[view[1]]) || !is_int(pickle[view[2]]))
    refuse("a view of another form");
  const int64_t begin = pickle[view[1]].number, size = pickle[view[2]].number;
  if (begin < 0 || size < 0 || begin > elements || size > elements - begin) {
    refuse(fmt::format("a view of {} elements at {} in a storage of {}", size, begin, elements));
  }
  storage.begin = begin;
  storage.end = begin + size;
  return storage;
}

TensorSet read_state_dict(const Pickle& pickle, std::shared_ptr<const FileBytes> file,
                          const FindStorage& find) {
  return StateReader(pickle, std::move(file), find).read();
}

}  // namespace linformer
