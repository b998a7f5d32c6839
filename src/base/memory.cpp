// SPDX-License-Identifier: MIT
#include "base/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "base/error.h"

namespace linformer {
namespace {

constexpr int64_t kCacheLine = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

void MemoryAccount::refuse(int64_t bytes, int64_t held, std::string_view what) const {
  throw Error(
      ErrorCode::kMemory,
      {.subject = "--memory",
       .item = std::string(what),
       .found = fmt::format("needs {} beside the {} in use", format_bytes(bytes), format_bytes(held)),
       .expected = fmt::format("at most {} in all", format_bytes(limit_)),
       .remedy =
           "Allow more with --memory, or make the run smaller: shorter or fewer sequences, a smaller model"});
}

void MemoryAccount::require(int64_t bytes, std::string_view what) const {
  const int64_t held = current_;
  if (bytes > limit_ - held) refuse(bytes, held, what);
}

void MemoryAccount::take(int64_t bytes, std::string_view what) {
  int64_t held = current_;
  do {
    if (bytes > limit_ - held) refuse(bytes, held, what);
  } while (!current_.compare_exchange_weak(held, held + bytes));
  int64_t peak = peak_;
  while (held + bytes > peak && !peak_.compare_exchange_weak(peak, held + bytes)) {
  }
}

std::string format_bytes(int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

RawBuffer::RawBuffer(MemoryAccount& account, int64_t bytes, std::string_view what) {
  if (bytes == 0) return;
  account.take(bytes, what);
  const bool huge = bytes >= 2 * kHugePage;
  const int64_t alignment = huge ? kHugePage : kCacheLine;
  const int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  data_ = std::aligned_alloc(static_cast<size_t>(alignment), static_cast<size_t>(rounded));
  if (data_ == nullptr) {
    account.give_back(bytes);
    throw Error(ErrorCode::kMemory, {.item = std::string(what),
                                     .found = fmt::format("the system gave no {}", format_bytes(bytes)),
                                     .remedy = "Take a shorter --length or a smaller --batch"});
  }
  if (huge) madvise(data_, static_cast<size_t>(rounded), MADV_HUGEPAGE);
  account_ = &account;
  bytes_ = bytes;
}

RawBuffer::~RawBuffer() {
  if (data_ == nullptr) return;
  std::free(data_);
  account_->give_back(bytes_);
}

void RawBuffer::swap(RawBuffer& other) noexcept {
  std::swap(account_, other.account_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
}

}  // namespace linformer
