// SPDX-License-Identifier: MIT
// Aligned buffers whose bytes are counted, and the limit they must respect.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace linformer {

/// Counts the bytes of all buffers made with it; thread-safe. Must outlive them.
class MemoryAccount {
 public:
  explicit MemoryAccount(int64_t limit_bytes = std::numeric_limits<int64_t>::max()) : limit_(limit_bytes) {}
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  int64_t current_bytes() const { return current_; }
  int64_t peak_bytes() const { return peak_; }
  int64_t limit_bytes() const { return limit_; }

  /// Throws Error(kMemory) with both numbers if `bytes` more than are held now would pass the limit.
  void require(int64_t bytes, std::string_view what) const;

  /// Counts `bytes` more, or throws as require() does and counts nothing.
  void take(int64_t bytes, std::string_view what);
  void give_back(int64_t bytes) { current_ -= bytes; }

 private:
  [[noreturn]] void refuse(int64_t bytes, int64_t held, std::string_view what) const;

  int64_t limit_;
  std::atomic<int64_t> current_{0};
  std::atomic<int64_t> peak_{0};
};

/// "1.5 GiB".
std::string format_bytes(int64_t bytes);

/// Uninitialised storage aligned to 64 bytes (2 MiB and huge pages from 4 MiB up), counted in an account.
class RawBuffer {
 public:
  RawBuffer() = default;
  /// Throws Error(kMemory) if the account's limit or the system does not allow it; `what` names the use.
  RawBuffer(MemoryAccount& account, int64_t bytes, std::string_view what);
  RawBuffer(RawBuffer&& other) noexcept { swap(other); }
  RawBuffer& operator=(RawBuffer&& other) noexcept {
    RawBuffer(std::move(other)).swap(*this);
    return *this;
  }
  ~RawBuffer();

  /// Makes it at least `bytes` long; what it held is lost then, and given back before more is taken.
  void reserve(MemoryAccount& account, int64_t bytes, std::string_view what) {
    if (bytes <= bytes_) return;
    *this = RawBuffer();
    *this = RawBuffer(account, bytes, what);
  }

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  std::span<std::byte> span() const { return {static_cast<std::byte*>(data_), static_cast<size_t>(bytes_)}; }

 private:
  void swap(RawBuffer& other) noexcept;

  MemoryAccount* account_ = nullptr;
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

/// RawBuffer of `count` elements of a trivial type.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(MemoryAccount& account, int64_t count, std::string_view what)
      : raw_(account, count * static_cast<int64_t>(sizeof(T)), what) {}

  /// As RawBuffer's.
  void reserve(MemoryAccount& account, int64_t count, std::string_view what) {
    raw_.reserve(account, count * static_cast<int64_t>(sizeof(T)), what);
  }

  T* data() const { return static_cast<T*>(raw_.data()); }
  int64_t size() const { return bytes() / static_cast<int64_t>(sizeof(T)); }
  int64_t bytes() const { return raw_.bytes(); }
  T& operator[](int64_t i) const { return data()[i]; }

 private:
  RawBuffer raw_;
};

}  // namespace linformer
