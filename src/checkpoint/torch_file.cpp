// SPDX-License-Identifier: MIT
#include "checkpoint/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checkpoint/pickle.h"
#include "checkpoint/torch_state.h"
#include "checkpoint/zip_archive.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr std::string_view kPickle = "/data.pkl";
/// A pickle of the long integer 0x1950a86a20f9469cfc6c.
constexpr std::string_view kMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
constexpr int64_t kLegacyProtocol = 1001;

[[noreturn]] void corrupt(const FileBytes& file, std::string item, std::string found) {
  throw Error(ErrorCode::kInput, {.subject = file.name(),
                                  .item = std::move(item),
                                  .found = std::move(found),
                                  .expected = "a whole file as torch.save writes it",
                                  .remedy = "Download or write the file again"});
}

[[noreturn]] void unsupported(const FileBytes& file, std::string found, std::string remedy) {
  throw Error(ErrorCode::kUnsupported, {.subject = file.name(),
                                        .found = std::move(found),
                                        .expected = "a state dict as torch.save writes it",
                                        .remedy = std::move(remedy)});
}

[[noreturn]] void fail_big_endian(const FileBytes& file) {
  unsupported(file, "big-endian storages", "Load and save it again on a little-endian machine");
}

/// What the pickle may take on top of its base: weights are far larger than what describes them.
size_t allowance(const FileBytes& file) { return file.bytes().size() / 4; }

/// The folder in the archive that everything is in.
std::string_view top_folder(const std::vector<ZipEntry>& entries, const FileBytes& file) {
  const auto is_pickle = [](const ZipEntry& entry) {
    return entry.name.ends_with(kPickle) && entry.name.find('/') == entry.name.size() - kPickle.size();
  };
  const auto found = std::ranges::find_if(entries, is_pickle);
  if (found == entries.end()) {
    const bool numpy =
        std::ranges::any_of(entries, [](const ZipEntry& e) { return e.name.ends_with(".npy"); });
    if (numpy) unsupported(file, "a NumPy archive", "Save its arrays by safetensors.numpy.save_file");
    corrupt(file, "", "a zip archive without data.pkl");
  }
  if (std::find_if(found + 1, entries.end(), is_pickle) != entries.end()) {
    corrupt(file, "", "an archive with two data.pkl");
  }
  return found->name.substr(0, found->name.size() - kPickle.size());
}

// ---- legacy

/// Reads one pickle after another, and then the storages.
class LegacyReader {
 public:
  explicit LegacyReader(std::shared_ptr<const FileBytes> file)
      : file_(std::move(file)), rest_(file_->text()) {}

  TensorSet read() {
    rest_.remove_prefix(kMagic.size());
    const Pickle protocol = next();
    if (protocol[protocol.root].number != kLegacyProtocol) corrupt(*file_, "", "another protocol than 1001");
    const Pickle system = next();
    const PickleNode* little = system.member(system[system.root], "little_endian");
    if (little == nullptr) corrupt(*file_, "", "no byte order");
    if (little->number == 0) fail_big_endian(*file_);
    const Pickle state = next();
    const Pickle keys = next();
    read_storages(state, keys);
    return read_state_dict(state, file_, [&](std::string_view key) -> std::optional<std::string_view> {
      const auto entry = storages_.find(key);
      return entry == storages_.end() ? std::nullopt : std::optional(entry->second.data);
    });
  }

 private:
  struct Storage {
    int64_t elements;
    int64_t size;  ///< bytes of one
    std::string_view data = {};
    bool read = false;
  };

  Pickle next() {
    Pickle pickle = read_pickle(rest_, allowance(*file_), file_->name());
    rest_.remove_prefix(pickle.bytes);
    return pickle;
  }

  /// What the state dict says about its storages, by key.
  void collect(const Pickle& state) {
    for (const PickleNode& node : state.nodes) {
      if (node.kind != PickleKind::kStorage) continue;
      const TorchStorage s = read_storage(state, node, file_->name());
      const auto [entry, added] = storages_.try_emplace(s.key, Storage{s.elements, s.type.bytes});
      if (!added && (entry->second.elements != s.elements || entry->second.size != s.type.bytes)) {
        corrupt(*file_, label(s.key), "two types or sizes");
      }
    }
  }

  void read_storages(const Pickle& state, const Pickle& keys) {
    collect(state);
    if (keys[keys.root].kind != PickleKind::kList) corrupt(*file_, "", "no list of storages");
    for (const PickleId key : keys[keys.root].items) read_storage_data(keys[key].text);
    if (!rest_.empty()) corrupt(*file_, "", fmt::format("{} bytes after the last storage", rest_.size()));
  }

  void read_storage_data(std::string_view key) {
    const auto entry = storages_.find(key);
    if (entry == storages_.end()) corrupt(*file_, label(key), "a storage that no tensor has");
    Storage& storage = entry->second;
    if (std::exchange(storage.read, true)) corrupt(*file_, label(key), "there twice");
    int64_t elements = 0, bytes = 0;
    if (rest_.size() < sizeof elements) corrupt(*file_, label(key), "the file ends before it");
    std::memcpy(&elements, rest_.data(), sizeof elements);
    rest_.remove_prefix(sizeof elements);
    if (elements != storage.elements) corrupt(*file_, label(key), "another size than its tensors say");
    if (__builtin_mul_overflow(elements, storage.size, &bytes) || bytes > std::ssize(rest_)) {
      corrupt(*file_, label(key), fmt::format("{} elements, of which the file has not all", elements));
    }
    storage.data = rest_.substr(0, static_cast<size_t>(bytes));
    rest_.remove_prefix(static_cast<size_t>(bytes));
  }

  static std::string label(std::string_view key) { return fmt::format("storage '{}'", printable(key)); }

  std::shared_ptr<const FileBytes> file_;
  std::string_view rest_;
  std::map<std::string_view, Storage> storages_;
};

}  // namespace

bool is_torch_zip(const FileBytes& file) { return file.text().starts_with("PK\x03\x04"); }
bool is_torch_legacy(const FileBytes& file) { return file.text().starts_with(kMagic); }

TensorSet read_torch_zip(const std::shared_ptr<const FileBytes>& file) {
  const std::vector<ZipEntry> entries = read_zip(*file);
  const std::string folder(top_folder(entries, *file));
  if (find_entry(entries, folder + "/constants.pkl") != nullptr) {
    unsupported(*file, "a TorchScript archive", "Save torch.jit.load(file).state_dict() by torch.save");
  }
  const ZipEntry* order = find_entry(entries, folder + "/byteorder");
  if (order != nullptr && order->data != "little") fail_big_endian(*file);
  const Pickle pickle =
      read_pickle(find_entry(entries, folder + std::string(kPickle))->data, allowance(*file), file->name());
  return read_state_dict(pickle, file, [&](std::string_view key) -> std::optional<std::string_view> {
    const ZipEntry* entry = find_entry(entries, fmt::format("{}/data/{}", folder, key));
    return entry == nullptr ? std::nullopt : std::optional(entry->data);
  });
}

TensorSet read_torch_legacy(std::shared_ptr<const FileBytes> file) {
  return LegacyReader(std::move(file)).read();
}

}  // namespace linformer
