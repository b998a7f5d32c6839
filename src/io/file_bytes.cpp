// SPDX-License-Identifier: MIT
#include "io/file_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include "base/error.h"
#include "base/memory.h"
#include "io/file_descriptor.h"

namespace linformer {
namespace {

std::string remedy_for(int number) {
  if (number == ENOENT || number == ENOTDIR) return "Check the path";
  if (number == EACCES || number == EPERM) return "Ask for read permission, or copy the file";
  return "Check the file and the disk it is on";
}

[[noreturn]] void fail_reading(const std::string& path, int number) {
  throw Error(
      ErrorCode::kInput,
      {.subject = path, .found = "cannot be read: " + errno_text(number), .remedy = remedy_for(number)});
}

/// Opens for reading and tells what it is; refuses directories and devices.
FileDescriptor open_readable(const std::string& path, struct stat& facts) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0) fail_reading(path, errno);
  if (S_ISDIR(facts.st_mode)) fail_reading(path, EISDIR);
  if (!S_ISREG(facts.st_mode) && !S_ISFIFO(facts.st_mode)) {
    throw Error(ErrorCode::kInput, {.subject = path, .found = "is a device", .expected = "a file or a pipe"});
  }
  return file;
}

/// Up to `size` bytes at the current position; fewer only at the end of the file.
size_t read_fully(int fd, char* out, size_t size, const std::string& path) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd, out + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_reading(path, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

std::string read_pipe(int fd, const std::string& path) {
  std::string all;
  std::array<char, 1 << 16> chunk;
  while (const size_t got = read_fully(fd, chunk.data(), chunk.size(), path)) all.append(chunk.data(), got);
  return all;
}

std::unique_ptr<std::byte[]> allocate(size_t size, const std::string& path) {
  try {
    return std::make_unique_for_overwrite<std::byte[]>(size);
  } catch (const std::bad_alloc&) {
    const std::string bytes = format_bytes(static_cast<int64_t>(size));
    throw Error(ErrorCode::kMemory, {.subject = path,
                                     .found = "its " + bytes + " do not fit in memory",
                                     .remedy = "Leave out --no-mmap"});
  }
}

}  // namespace

std::shared_ptr<const FileBytes> FileBytes::open(const std::string& path, bool map) {
  struct stat facts {};
  const FileDescriptor file = open_readable(path, facts);
  std::shared_ptr<FileBytes> result(new FileBytes(path));
  if (S_ISFIFO(facts.st_mode)) {
    const std::string all = read_pipe(file.get(), path);
    result->memory_ = allocate(all.size(), path);
    std::copy_n(reinterpret_cast<const std::byte*>(all.data()), all.size(), result->memory_.get());
    result->bytes_ = {result->memory_.get(), all.size()};
    return result;
  }
  const auto size = static_cast<size_t>(facts.st_size);
  if (size == 0) return result;
  if (map) {
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED) fail_reading(path, errno);
    result->bytes_ = {static_cast<const std::byte*>(start), size};
    result->mapped_ = true;
    return result;
  }
  result->memory_ = allocate(size, path);
  const size_t got = read_fully(file.get(), reinterpret_cast<char*>(result->memory_.get()), size, path);
  result->bytes_ = {result->memory_.get(), got};
  return result;
}

std::shared_ptr<const FileBytes> FileBytes::embedded(std::string name, std::span<const std::byte> bytes) {
  std::shared_ptr<FileBytes> result(new FileBytes(std::move(name)));
  result->bytes_ = bytes;
  return result;
}

FileBytes::~FileBytes() {
  if (mapped_) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::string read_text(const std::string& path) {
  struct stat facts {};
  const FileDescriptor file = open_readable(path, facts);
  if (S_ISFIFO(facts.st_mode)) return read_pipe(file.get(), path);
  std::string text(static_cast<size_t>(facts.st_size), '\0');
  text.resize(read_fully(file.get(), text.data(), text.size(), path));
  return text;
}

}  // namespace linformer
