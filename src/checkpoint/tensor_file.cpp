// SPDX-License-Identifier: MIT
#include "checkpoint/tensor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "checkpoint/safetensors_header.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr size_t kPrefixBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

[[noreturn]] void fail(const std::string& file, std::string item, std::string found, std::string expected) {
  throw Error(ErrorCode::kInput, {.subject = file,
                                  .item = std::move(item),
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = "Download or write the file again"});
}

/// Bits of an element of the types that the format knows and DType does not.
std::optional<int64_t> foreign_bits(std::string_view dtype) {
  static constexpr std::array<std::pair<std::string_view, int64_t>, 9> kForeign = {{{"F4", 4},
                                                                                    {"F6_E2M3", 6},
                                                                                    {"F6_E3M2", 6},
                                                                                    {"F8_E5M2", 8},
                                                                                    {"F8_E4M3", 8},
                                                                                    {"F8_E8M0", 8},
                                                                                    {"F8_E4M3FNUZ", 8},
                                                                                    {"F8_E5M2FNUZ", 8},
                                                                                    {"C64", 64}}};
  const auto entry = std::ranges::find(kForeign, dtype, &std::pair<std::string_view, int64_t>::first);
  return entry == kForeign.end() ? std::nullopt : std::optional(entry->second);
}

int64_t bits_of(const HeaderEntry& entry, const std::string& file) {
  if (const std::optional<DType> known = dtype_from_name(entry.dtype)) return 8 * size_of(*known);
  if (const std::optional<int64_t> bits = foreign_bits(entry.dtype)) return *bits;
  throw Error(ErrorCode::kUnsupported, {.subject = file,
                                        .item = tensor_label(entry.name),
                                        .found = fmt::format("dtype '{}'", printable(entry.dtype)),
                                        .expected = "a dtype of safetensors, such as F32, F16 or BF16",
                                        .remedy = "Convert the checkpoint to F32"});
}

/// The header's text; the rest of the file is the data.
std::string_view header_text(const FileBytes& file) {
  const std::string_view text = file.text();
  if (text.size() < kPrefixBytes) {
    fail(file.name(), "", fmt::format("{} bytes", text.size()), "a safetensors file, at least 8 bytes long");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kPrefixBytes; ++i) length |= uint64_t{static_cast<unsigned char>(text[i])} << 8 * i;
  if (length > kMaxHeaderBytes) {
    fail(file.name(), "header", fmt::format("{} bytes long", length),
         "at most 100000000 bytes; this may be no safetensors file");
  }
  if (length > text.size() - kPrefixBytes) {
    fail(file.name(), "header", fmt::format("{} bytes long in a file of {}", length, text.size()),
         "a complete file");
  }
  const std::string_view header = text.substr(kPrefixBytes, static_cast<size_t>(length));
  if (!header.starts_with('{')) fail(file.name(), "header", "does not begin with '{'", "a safetensors file");
  return header;
}

/// The entries must cover [0, data_bytes) without gap or overlap. Empty tensors share their offset with the
/// next, hence the order by both ends.
void check_coverage(const std::vector<HeaderEntry>& entries, int64_t data_bytes, const std::string& file) {
  std::vector<const HeaderEntry*> order;
  order.reserve(entries.size());
  for (const HeaderEntry& entry : entries) order.push_back(&entry);
  std::ranges::sort(order, {}, [](const HeaderEntry* e) { return std::pair(e->begin, e->end); });
  int64_t covered = 0;
  for (const HeaderEntry* entry : order) {
    if (entry->begin != covered || entry->end < entry->begin) {
      fail(file, tensor_label(entry->name), fmt::format("data_offsets [{}, {}]", entry->begin, entry->end),
           fmt::format("to begin at {}, without a hole or an overlap, and to end no earlier", covered));
    }
    covered = entry->end;
  }
  if (covered == data_bytes) return;
  fail(file, order.empty() ? "" : tensor_label(order.back()->name),
       fmt::format("{} bytes of data", data_bytes),
       fmt::format("{} by the header ({})", covered,
                   covered > data_bytes ? "the file is truncated" : "something was appended"));
}

void check_size(const HeaderEntry& entry, const std::string& file) {
  const int64_t bits = bits_of(entry, file);
  const std::optional<int64_t> count = element_count(entry.shape);
  int64_t total = 0;
  if (!count || __builtin_mul_overflow(*count, bits, &total)) {
    fail(file, tensor_label(entry.name), "shape " + to_string(entry.shape), "fewer than 2^63 bits");
  }
  if (total % 8 != 0) {
    fail(file, tensor_label(entry.name), fmt::format("{} elements of {} bits", *count, bits), "whole bytes");
  }
  if (total / 8 != entry.end - entry.begin) {
    fail(file, tensor_label(entry.name), fmt::format("{} bytes of data", entry.end - entry.begin),
         fmt::format("{} for {} {}", total / 8, entry.dtype, to_string(entry.shape)));
  }
}

}  // namespace

TensorFile::TensorFile(const std::shared_ptr<const FileBytes>& file) : set_(file->name(), {file}, {}, {}) {
  const std::string_view header = header_text(*file);
  const std::span<const std::byte> data = file->bytes().subspan(kPrefixBytes + header.size());
  SafetensorsHeader parsed = parse_safetensors_header(header, name());
  check_coverage(parsed.entries, std::ssize(data), name());
  metadata_ = std::move(parsed.metadata);
  std::vector<TensorInfo> tensors;
  std::vector<UnreadableTensor> unreadable;
  tensors.reserve(parsed.entries.size());
  for (HeaderEntry& entry : parsed.entries) {
    check_size(entry, name());
    const int64_t bytes = entry.end - entry.begin;
    if (const std::optional<DType> dtype = dtype_from_name(entry.dtype)) {
      tensors.push_back({.name = std::move(entry.name),
                         .dtype = *dtype,
                         .shape = std::move(entry.shape),
                         .bytes = data.subspan(static_cast<size_t>(entry.begin), static_cast<size_t>(bytes)),
                         .file = file.get()});
    } else {
      unreadable.push_back({std::move(entry.name), std::move(entry.dtype), std::move(entry.shape), bytes});
    }
  }
  set_ = TensorSet(file->name(), {file}, std::move(tensors), std::move(unreadable));
}

TensorFile TensorFile::open(const std::string& path, bool map) {
  return TensorFile(FileBytes::open(path, map));
}

}  // namespace linformer
