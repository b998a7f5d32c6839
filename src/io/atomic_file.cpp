// SPDX-License-Identifier: MIT
#include "io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>

#include "base/error.h"
#include "base/memory.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

std::string remedy_for(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return "Make the directory first, or choose another path";
    case EACCES:
    case EPERM:
    case EROFS:
      return "Choose a path that you may write to";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "Free space, or choose another disk";
    case EISDIR:
      return "Give the name of a file in it";
    case EPIPE:
      return "The reader of the pipe has gone";
    default:
      return "Check the disk, or choose another path";
  }
}

fs::path directory_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

/// Where the link ends if it is one that leads somewhere; else the path itself.
std::string follow_links(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path target = fs::canonical(path, error);
  return error ? path : target.string();
}

/// A name in the same directory, short enough for any file system.
std::string temporary_name(const std::string& target, int attempt) {
  constexpr size_t kMaxStem = 200;
  const std::string stem = fs::path(target).filename().string().substr(0, kMaxStem);
  return (directory_of(target) / fmt::format(".{}.{}-{}.tmp", stem, ::getpid(), attempt)).string();
}

/// Free bytes for this user on the disk of an open file; -1 if unknown.
int64_t free_bytes(int fd) {
  struct statvfs facts {};
  if (::fstatvfs(fd, &facts) != 0) return -1;
  return static_cast<int64_t>(facts.f_bavail * facts.f_frsize);
}

[[noreturn]] void fail_full(const std::string& path, int64_t needed, int64_t available) {
  throw Error(ErrorCode::kWrite,
              {.subject = path,
               .found = fmt::format("needs {} ({} bytes) on disk; {} ({} bytes) are free",
                                    format_bytes(needed), needed, format_bytes(available), available),
               .remedy = remedy_for(ENOSPC)});
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), target_(follow_links(path_)) {
  if (path_.empty()) fail(ENOENT, "cannot be written");
  struct stat facts {};
  const bool exists = ::stat(target_.c_str(), &facts) == 0;
  if ((exists && S_ISDIR(facts.st_mode)) || path_.back() == '/') fail(EISDIR, "cannot be written");
  if (exists && S_ISBLK(facts.st_mode)) fail(ENOTSUP, "is a disk");
  if (exists && !S_ISREG(facts.st_mode)) {
    open_direct();
  } else {
    if (exists && ::access(target_.c_str(), W_OK) != 0) fail(errno, "cannot be replaced");
    open_temporary(exists ? facts.st_mode & 07777u : 0);
  }
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::open_direct() {
  direct_ = true;
  file_ = FileDescriptor(::open(target_.c_str(), O_WRONLY | O_CLOEXEC));
  if (file_.get() < 0) fail(errno, "cannot be opened");
  seekable_ = ::lseek(file_.get(), 0, SEEK_CUR) >= 0;
}

void AtomicFile::open_temporary(unsigned mode_to_keep) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string name = temporary_name(target_, attempt);
    file_ = FileDescriptor(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file_.get() < 0 && errno == EEXIST) continue;
    if (file_.get() < 0) fail(errno, "cannot be created");
    temporary_ = std::move(name);
    // Where the permissions cannot be kept, those of a new file do.
    if (mode_to_keep != 0) ::fchmod(file_.get(), mode_to_keep);
    return;
  }
  fail(EEXIST, "has too many temporary files beside it");
}

void AtomicFile::fail(int number, std::string_view action) const {
  throw Error(ErrorCode::kWrite, {.subject = path_,
                                  .found = fmt::format("{}: {}", action, errno_text(number)),
                                  .remedy = remedy_for(number)});
}

void AtomicFile::reserve(int64_t bytes) {
  if (direct_ || bytes <= size_) return;
  // Asked first: a reservation that fails has filled the disk for a moment, for everybody.
  const int64_t available = free_bytes(file_.get());
  if (available >= 0 && available < bytes - size_) fail_full(path_, bytes, available);
  int number = 0;
  while (::fallocate(file_.get(), 0, 0, bytes) != 0 && (number = errno) == EINTR) {
  }
  if (number == ENOSPC || number == EDQUOT) fail_full(path_, bytes, available);
  if (number == EOPNOTSUPP) return resize(bytes);  // this file system cannot promise
  if (number != 0 && number != EINTR) fail(number, "cannot be made " + format_bytes(bytes) + " long");
  size_ = bytes;
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_at(position_, bytes);
  position_ += static_cast<int64_t>(bytes.size());
}

void AtomicFile::write_at(int64_t offset, std::span<const std::byte> bytes) {
  if (!seekable_ && offset != size_) fail(ESPIPE, "cannot be written out of order");
  const int64_t end = offset + static_cast<int64_t>(bytes.size());
  for (int64_t at = offset; !bytes.empty();) {
    const ssize_t put = seekable_ ? ::pwrite(file_.get(), bytes.data(), bytes.size(), at)
                                  : ::write(file_.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(errno, fmt::format("writing {} at byte {} failed", format_bytes(end - at), at));
    at += put;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  size_ = std::max(size_, end);
}

void AtomicFile::read_at(int64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(file_.get(), out.data(), out.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno, "cannot be read back");
    if (got == 0) fail(EIO, "is shorter than what was written");
    offset += got;
    out = out.subspan(static_cast<size_t>(got));
  }
}

void AtomicFile::resize(int64_t bytes) {
  if (direct_) fail(EINVAL, "cannot be resized");
  if (::ftruncate(file_.get(), bytes) != 0) fail(errno, "cannot be resized");
  size_ = bytes;
}

void AtomicFile::commit() {
  if (!direct_ && ::fsync(file_.get()) != 0) fail(errno, "cannot be flushed to the disk");
  if (!file_.close()) fail(errno, "cannot be closed");
  if (direct_) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno, "cannot be put in place");
  temporary_.clear();
  // The name itself reaches the disk with its directory; not all file systems allow asking for that.
  const FileDescriptor directory(::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

void write_file_atomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace linformer
