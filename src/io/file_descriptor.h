// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

namespace linformer {

/// Owner of an open file descriptor; -1 is none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  /// Closes now; false with errno set if the system reports that data were lost.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

/// The system's words for an errno value, e.g. "No such file or directory".
inline std::string errno_text(int number) { return std::system_category().message(number); }

}  // namespace linformer
