// SPDX-License-Identifier: MIT
#include "checkpoint/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDescriptor = 0x08074b50, kCentralHeader = 0x02014b50,
                   kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr uint64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kCentralBytes = 46, kLocalBytes = 30;
constexpr uint64_t kMaxComment = 65535;
constexpr uint32_t kIn64 = 0xffffffff;  ///< the number is in the zip64 field
constexpr unsigned kEncryptedFlags = 1 | 1 << 6 | 1 << 13, kDescriptorFlag = 1 << 3;

struct Directory {
  uint64_t begin, end, entries;
};

/// What a local or central header says.
struct Header {
  unsigned flags, method;
  uint32_t crc;
  uint64_t packed, size;
  std::string_view name;
};

class ZipReader {
 public:
  explicit ZipReader(const FileBytes& file) : file_(file.name()), text_(file.text()) {}

  std::vector<ZipEntry> read() {
    directory_ = find_directory();
    std::vector<ZipEntry> entries;
    entries.reserve(directory_.entries);
    occupied_.reserve(directory_.entries);
    uint64_t at = directory_.begin;
    for (uint64_t i = 0; i < directory_.entries; ++i) entries.push_back(read_entry(at));
    if (at != directory_.end) corrupt("", "more in the central directory than its files");
    check_overlaps();
    check_names(entries);
    return entries;
  }

 private:
  [[noreturn]] void corrupt(std::string item, std::string found) const {
    throw Error(ErrorCode::kInput, {.subject = file_,
                                    .item = std::move(item),
                                    .found = std::move(found),
                                    .expected = "a whole zip archive as torch.save writes it",
                                    .remedy = "Download or write the file again"});
  }

  template <class T>
  T number(uint64_t at) const {
    if (at > text_.size() || text_.size() - at < sizeof(T)) corrupt("", "a header beyond the file's end");
    T value;
    std::memcpy(&value, text_.data() + at, sizeof value);
    return value;
  }

  std::string_view part(uint64_t at, uint64_t bytes) const {
    if (at > text_.size() || text_.size() - at < bytes) corrupt("", "a name or data beyond the file's end");
    return text_.substr(at, bytes);
  }

  /// The last place where an end record's comment reaches exactly to the end of the file.
  uint64_t find_end() const {
    for (uint64_t back = kEndBytes; back <= std::min(text_.size(), kEndBytes + kMaxComment); ++back) {
      const uint64_t at = text_.size() - back;
      if (number<uint32_t>(at) == kEnd && number<uint16_t>(at + 20) == back - kEndBytes) return at;
    }
    corrupt("", "no central directory at the end; the file is truncated or something was appended");
  }

  Directory find_directory() const {
    const uint64_t end = find_end();
    Directory d{number<uint32_t>(end + 16), number<uint32_t>(end + 12), number<uint16_t>(end + 10)};
    const bool one_disk = number<uint32_t>(end + 4) == 0 || number<uint32_t>(end + 4) == kIn64;
    if (!one_disk || number<uint16_t>(end + 8) != d.entries) corrupt("", "an archive of several volumes");
    uint64_t limit = end;
    if (end >= kLocatorBytes && number<uint32_t>(end - kLocatorBytes) == kLocator64) {
      limit = number<uint64_t>(end - kLocatorBytes + 8);
      d = read_end64(limit, end - kLocatorBytes, d);
    }
    if (d.begin > limit || d.end != limit - d.begin) corrupt("", "a central directory of another size");
    d.end = limit;
    if (d.entries > (d.end - d.begin) / kCentralBytes)
      corrupt("", "more files than the directory has room for");
    return d;
  }

  /// `d` with the numbers of the zip64 record, in front of its locator; the short numbers must be the same
  /// where they are there.
  Directory read_end64(uint64_t at, uint64_t locator, const Directory& d) const {
    if (at > locator || locator - at < kEnd64Bytes || number<uint32_t>(at) != kEnd64 ||
        number<uint64_t>(at + 4) != locator - at - 12 || number<uint64_t>(at + 16) != 0) {
      corrupt("", "a zip64 end record that is none");
    }
    const Directory wide{number<uint64_t>(at + 48), number<uint64_t>(at + 40), number<uint64_t>(at + 32)};
    const auto agree = [](uint64_t narrow, uint64_t value, uint64_t in64) {
      return narrow == value || narrow == in64;
    };
    if (!agree(d.begin, wide.begin, kIn64) || !agree(d.end, wide.end, kIn64) ||
        !agree(d.entries, wide.entries, 0xffff) || number<uint64_t>(at + 24) != wide.entries) {
      corrupt("", "two end records that differ");
    }
    return wide;
  }

  /// The data of field 1 (zip64) among a header's extra fields; empty if there is none.
  std::string_view zip64_field(uint64_t at, uint64_t bytes) const {
    const uint64_t end = at + bytes;
    while (end - at >= 4) {
      const uint64_t size = number<uint16_t>(at + 2);
      if (size > end - at - 4) return {};  // padding need not be made of fields
      if (number<uint16_t>(at) == 1) return part(at + 4, size);
      at += 4 + size;
    }
    return {};
  }

  /// The next number of a zip64 field if `narrow` says that it is there.
  uint64_t widen(uint32_t narrow, std::string_view& field) const {
    if (narrow != kIn64) return narrow;
    if (field.size() < 8) corrupt("", "a zip64 size that is missing");
    uint64_t value;
    std::memcpy(&value, field.data(), sizeof value);
    field.remove_prefix(sizeof value);
    return value;
  }

  /// Reads the central header at `at` and moves behind it.
  ZipEntry read_entry(uint64_t& at) {
    if (number<uint32_t>(at) != kCentralHeader) corrupt("", "a central directory that is none");
    const uint64_t name = number<uint16_t>(at + 28), extra = number<uint16_t>(at + 30);
    Header h{number<uint16_t>(at + 8),      number<uint16_t>(at + 10), number<uint32_t>(at + 16), 0, 0,
             part(at + kCentralBytes, name)};
    std::string_view field = zip64_field(at + kCentralBytes + name, extra);
    h.size = widen(number<uint32_t>(at + 24), field);
    h.packed = widen(number<uint32_t>(at + 20), field);
    const uint64_t local = widen(number<uint32_t>(at + 42), field);
    at += kCentralBytes + name + extra + number<uint16_t>(at + 32);
    if (at > directory_.end) corrupt("", "a central directory beyond its end");
    check_supported(h);
    if (h.packed != h.size) corrupt(printable(h.name), "a stored file of two sizes");
    return {h.name, locate(h, local)};
  }

  void check_supported(const Header& h) const {
    const bool encrypted = (h.flags & kEncryptedFlags) != 0;
    if (!encrypted && h.method == 0) return;
    throw Error(ErrorCode::kUnsupported,
                {.subject = file_,
                 .item = printable(h.name),
                 .found = encrypted ? "an encrypted file" : "a compressed file in the archive",
                 .expected = "files stored as they are, as torch.save writes them",
                 .remedy = "Load and save it again in PyTorch, or unpack the archive if it holds a model"});
  }

  /// The data that the local header at `at` belongs to; it must say the same as the central one.
  std::string_view locate(const Header& central, uint64_t at) {
    const std::string item = printable(central.name);
    if (at >= directory_.begin || number<uint32_t>(at) != kLocalHeader) corrupt(item, "no local header");
    const uint64_t name = number<uint16_t>(at + 26), extra = number<uint16_t>(at + 28);
    if (part(at + kLocalBytes, name) != central.name) corrupt(item, "another name in the local header");
    const uint64_t begin = at + kLocalBytes + name + extra;
    if (begin > directory_.begin || directory_.begin - begin < central.size) {
      corrupt(item, fmt::format("{} bytes, more than the archive has", central.size));
    }
    std::string_view field = zip64_field(at + kLocalBytes + name, extra);
    Header local{number<uint16_t>(at + 6), number<uint16_t>(at + 8), number<uint32_t>(at + 14), 0, 0, {}};
    local.size = widen(number<uint32_t>(at + 22), field);
    local.packed = widen(number<uint32_t>(at + 18), field);
    uint64_t end = begin + central.size;
    if ((local.flags & kDescriptorFlag) != 0 && local.size == 0 && local.packed == 0) {
      const std::optional<uint64_t> described = descriptor_end(central, end);
      if (!described) corrupt(item, "another size or checksum behind its data");
      end = *described;
      local.crc = central.crc;
      local.size = local.packed = central.size;
    }
    if (local.flags != central.flags || local.method != 0 || local.crc != central.crc ||
        local.size != central.size || local.packed != central.size) {
      corrupt(item, "another description in the local header");
    }
    occupied_.emplace_back(at, end);
    return part(begin, central.size);
  }

  /// The end of the descriptor at `at`, of 32- or 64-bit sizes, if it says the same as the header.
  std::optional<uint64_t> descriptor_end(const Header& central, uint64_t at) const {
    if (number<uint32_t>(at) != kDescriptor || number<uint32_t>(at + 4) != central.crc) return {};
    if (number<uint32_t>(at + 8) == central.size && number<uint32_t>(at + 12) == central.size) return at + 16;
    if (number<uint64_t>(at + 8) == central.size && number<uint64_t>(at + 16) == central.size) return at + 24;
    return {};
  }

  void check_overlaps() {
    std::ranges::sort(occupied_);
    const auto overlap = std::ranges::adjacent_find(
        occupied_, [](const auto& a, const auto& b) { return a.second > b.first; });
    if (overlap != occupied_.end()) corrupt("", fmt::format("two files at byte {}", (overlap + 1)->first));
    if (!occupied_.empty() && occupied_.back().second > directory_.begin) {
      corrupt("", "a file that reaches into the central directory");
    }
  }

  void check_names(std::vector<ZipEntry>& entries) const {
    std::ranges::sort(entries, {}, &ZipEntry::name);
    const auto twice = std::ranges::adjacent_find(entries, {}, &ZipEntry::name);
    if (twice != entries.end()) corrupt(printable(twice->name), "two files of this name");
  }

  const std::string& file_;
  std::string_view text_;
  Directory directory_{};
  std::vector<std::pair<uint64_t, uint64_t>> occupied_;  ///< [begin, end) of every file with its headers
};

}  // namespace

std::vector<ZipEntry> read_zip(const FileBytes& file) { return ZipReader(file).read(); }

const ZipEntry* find_entry(const std::vector<ZipEntry>& entries, std::string_view name) {
  const auto entry = std::ranges::lower_bound(entries, name, {}, &ZipEntry::name);
  return entry != entries.end() && entry->name == name ? &*entry : nullptr;
}

}  // namespace linformer
