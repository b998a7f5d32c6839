// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "io/file_descriptor.h"

namespace linformer {

/// A file that appears whole or not at all: written under a temporary name beside its own, and renamed by
/// commit(); the destructor removes what was not committed. A link is followed, permissions of a file that
/// is replaced are kept. An existing pipe or character device is written directly, and then only in order.
/// Every failure (no directory, no permission, disk full, a directory in the way) throws Error(kWrite) with
/// the path, the system's reason and what to do. Not thread-safe, not movable.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Makes the file at least this long, and sure that the disk has room for it; the new bytes read as 0.
  /// A full disk is reported with both numbers. Nothing happens for pipes and devices.
  void reserve(int64_t bytes);
  /// Writes after what the last write() wrote.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Writes at a place; a gap before it reads as 0.
  void write_at(int64_t offset, std::span<const std::byte> bytes);
  void write_at(int64_t offset, std::string_view text) { write_at(offset, std::as_bytes(std::span(text))); }
  /// Reads back exactly out.size() bytes. Not for pipes and devices.
  void read_at(int64_t offset, std::span<std::byte> out) const;
  /// Cuts or extends to this size. Not for pipes and devices.
  void resize(int64_t bytes);

  /// Bytes that the file has now.
  int64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  /// Whether this is a pipe or device, which can be neither read back nor resized.
  bool direct() const { return direct_; }

  /// Flushes to the disk and gives the file its name. Nothing may be written afterwards.
  void commit();

 private:
  void open_direct();
  void open_temporary(unsigned mode_to_keep);
  [[noreturn]] void fail(int number, std::string_view action) const;

  std::string path_;       ///< as given, for messages
  std::string target_;     ///< after links
  std::string temporary_;  ///< the file to remove unless committed; else empty
  FileDescriptor file_;
  int64_t position_ = 0;  ///< where write() goes on
  int64_t size_ = 0;
  bool direct_ = false;
  bool seekable_ = true;
};

/// Replaces the file by this text through AtomicFile.
void write_file_atomically(const std::string& path, std::string_view text);

}  // namespace linformer
