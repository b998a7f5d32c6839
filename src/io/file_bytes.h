// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace linformer {

/// The bytes of a file, mapped, in memory or built into the program, with whatever keeps them alive.
/// Immutable and thread-safe. Bytes of any alignment.
class FileBytes {
 public:
  /// Maps a regular file read-only (no page is touched) or, when `map` is false, reads it whole. A pipe is
  /// always read to its end. A mapped file must not be shortened while it is in use. Throws Error(kInput) if
  /// it is missing, a directory, a device or unreadable, Error(kMemory) if it does not fit.
  static std::shared_ptr<const FileBytes> open(const std::string& path, bool map);

  /// Bytes that outlive the result, as those compiled into the program. `name` is for messages.
  static std::shared_ptr<const FileBytes> embedded(std::string name, std::span<const std::byte> bytes);

  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  /// The path or the name it was opened by.
  const std::string& name() const { return name_; }

 private:
  explicit FileBytes(std::string name) : name_(std::move(name)) {}

  std::string name_;
  std::span<const std::byte> bytes_;
  std::unique_ptr<std::byte[]> memory_;
  bool mapped_ = false;
};

/// The whole file as text, unchanged. Errors as FileBytes::open.
std::string read_text(const std::string& path);

}  // namespace linformer
