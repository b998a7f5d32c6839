// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

namespace linformer {

/// Writes all of the bytes at a place of a file, however often the system takes only a part: 0, or the errno
/// value of what stopped it.
inline int write_whole(int fd, int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : EIO;
    offset += put;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return 0;
}

}  // namespace linformer
