// SPDX-License-Identifier: MIT
// The allocations of this program, counted where `new` is; under a sanitizer, which has its own `new`, by
// its hooks.
#include "allocations.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>

#if defined(__SANITIZE_ADDRESS__)
#define LINFORMER_SANITIZER_HOOKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LINFORMER_SANITIZER_HOOKS 1
#endif
#endif

#ifdef LINFORMER_SANITIZER_HOOKS
// As <sanitizer/allocator_interface.h> declares them, which gcc's packages leave out.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, size_t),
                                              void (*on_free)(const volatile void*));
size_t __sanitizer_get_allocated_size(const volatile void* block);
}
#endif

namespace linformer {
namespace {

std::atomic<int64_t> g_current{0}, g_peak{0};

void count(int64_t bytes) {
  const int64_t now = g_current.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t peak = g_peak.load(std::memory_order_relaxed);
  while (now > peak && !g_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

}  // namespace

AllocationPeak::AllocationPeak() : before_(g_current) { g_peak = before_; }

int64_t AllocationPeak::bytes() const { return g_peak - before_; }

TEST_CASE("What a reader takes is counted, by this thread or another, freed or not") {
  const AllocationPeak peak;
  { const std::string gone(5'000'000, 'x'); }
  CHECK(peak.bytes() >= 5'000'000);
  CHECK(peak.bytes() < 6'000'000);
  std::string kept;
  std::thread([&] { kept.assign(7'000'000, 'x'); }).join();
  CHECK(peak.bytes() >= 7'000'000);
  const AllocationPeak later;
  CHECK(later.bytes() < 1'000'000);
}

#ifdef LINFORMER_SANITIZER_HOOKS

namespace {

void on_malloc(const volatile void*, size_t size) { count(static_cast<int64_t>(size)); }
void on_free(const volatile void* block) {
  if (block != nullptr) count(-static_cast<int64_t>(__sanitizer_get_allocated_size(block)));
}
const int g_installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace

#else

namespace {

void* allocate(size_t size, size_t alignment) {
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* const block = alignment <= alignof(std::max_align_t) ? std::malloc(size == 0 ? 1 : size)
                                                             : std::aligned_alloc(alignment, rounded);
  if (block == nullptr) throw std::bad_alloc();
  count(static_cast<int64_t>(malloc_usable_size(block)));
  return block;
}

void release(void* block) {
  if (block != nullptr) count(-static_cast<int64_t>(malloc_usable_size(block)));
  std::free(block);
}

}  // namespace

#endif

}  // namespace linformer

#ifndef LINFORMER_SANITIZER_HOOKS

// The other forms of new and delete call these.
void* operator new(size_t size) { return linformer::allocate(size, alignof(std::max_align_t)); }
void* operator new(size_t size, std::align_val_t alignment) {
  return linformer::allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void* block) noexcept { linformer::release(block); }
void operator delete(void* block, size_t) noexcept { linformer::release(block); }
void operator delete(void* block, std::align_val_t) noexcept { linformer::release(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { linformer::release(block); }

#endif
