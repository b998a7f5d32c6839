// SPDX-License-Identifier: MIT
// Subnormal numbers, which softmax makes of unlikely keys, cost some hundred cycles each on Intel's
// processors.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <cstdint>

namespace linformer {

/// While it lives, this thread's arithmetic takes subnormal numbers for zero and makes none, on x86-64 and
/// 64-bit ARM. Elsewhere it does nothing.
class SubnormalsAreZero {
 public:
  SubnormalsAreZero() : before_(mode()) { set_mode(before_ | kZero); }
  ~SubnormalsAreZero() { set_mode(before_); }
  SubnormalsAreZero(const SubnormalsAreZero&) = delete;
  SubnormalsAreZero& operator=(const SubnormalsAreZero&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr uint64_t kZero = 0x8040;  // MXCSR: flush to zero, denormals are zero
  static uint64_t mode() { return _mm_getcsr(); }
  static void set_mode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
  static constexpr uint64_t kZero = uint64_t{1} << 24;  // FPCR: flush to zero
  static uint64_t mode() {
    uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void set_mode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  static constexpr uint64_t kZero = 0;
  static uint64_t mode() { return 0; }
  static void set_mode(uint64_t) {}
#endif

  uint64_t before_;
};

}  // namespace linformer
