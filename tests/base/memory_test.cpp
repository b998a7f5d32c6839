// SPDX-License-Identifier: MIT
#include "base/memory.h"

#include <cstring>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "catch.h"
#include "io/error_of.h"

#if defined(__SANITIZE_ADDRESS__)
#define LINFORMER_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LINFORMER_ADDRESS_SANITIZER
#endif
#endif

namespace linformer {
namespace {

bool aligned(const void* data, uintptr_t alignment) {
  return reinterpret_cast<uintptr_t>(data) % alignment == 0;
}

TEST_CASE("an account knows what is held and what was held at most") {
  MemoryAccount account;
  CHECK(account.current_bytes() == 0);
  {
    const RawBuffer first(account, 1000, "first");
    {
      const RawBuffer second(account, 500, "second");
      CHECK(account.current_bytes() == 1500);
    }
    CHECK(account.current_bytes() == 1000);
    const RawBuffer third(account, 100, "third");
    CHECK(account.current_bytes() == 1100);
  }
  CHECK(account.current_bytes() == 0);
  CHECK(account.peak_bytes() == 1500);
}

TEST_CASE("typed buffers count bytes, not elements") {
  MemoryAccount account;
  const Buffer<double> buffer(account, 10, "ten numbers");
  CHECK(buffer.size() == 10);
  CHECK(account.current_bytes() == 80);
  buffer[9] = 4;
  CHECK(buffer.data()[9] == 4);
}

TEST_CASE("what passes the limit is refused, naming the use and both numbers") {
  MemoryAccount account(4096);
  const RawBuffer held(account, 1024, "held");
  const auto error = error_of([&] { const RawBuffer buffer(account, 3073, "the long thing"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kMemory);
  CHECK(error->detail().item == "the long thing");
  CHECK(contains(error->what(), "3.0 KiB"));
  CHECK(contains(error->what(), "1.0 KiB"));
  CHECK(contains(error->what(), "4.0 KiB"));
  CHECK(account.current_bytes() == 1024);
  CHECK(account.peak_bytes() == 1024);
}

TEST_CASE("exactly the limit is allowed") {
  MemoryAccount account(4096);
  const RawBuffer held(account, 1024, "held");
  const RawBuffer rest(account, 3072, "rest");
  CHECK(account.current_bytes() == account.limit_bytes());
  CHECK(code_of([&] { account.require(0, "nothing"); }) == 0);
  CHECK(code_of([&] { account.require(1, "one byte"); }) == static_cast<int>(ErrorCode::kMemory));
}

#ifndef LINFORMER_ADDRESS_SANITIZER  // it ends the process instead
TEST_CASE("what the system does not have is refused, not counted") {
  MemoryAccount account;
  const auto error = error_of([&] { const RawBuffer buffer(account, int64_t{1} << 60, "an exbibyte"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kMemory);
  CHECK(contains(error->what(), "an exbibyte"));
  CHECK(account.current_bytes() == 0);
}
#endif

TEST_CASE("buffers begin on cache lines, large ones on huge pages") {
  MemoryAccount account;
  std::vector<RawBuffer> buffers;
  for (const int64_t bytes : {1, 63, 64, 65, 1000, 4095}) {
    buffers.emplace_back(account, bytes, "small");
    CHECK(aligned(buffers.back().data(), 64));
  }
  constexpr int64_t kHuge = int64_t{4} << 20;
  for (const int64_t bytes : {kHuge, kHuge + 1, 3 * kHuge - 1}) {
    const RawBuffer buffer(account, bytes, "large");
    CHECK(aligned(buffer.data(), uintptr_t{2} << 20));
    CHECK(buffer.bytes() == bytes);
    std::memset(buffer.data(), 1, static_cast<size_t>(bytes));
  }
}

TEST_CASE("an empty buffer holds nothing") {
  MemoryAccount account;
  const RawBuffer buffer(account, 0, "nothing");
  CHECK(buffer.data() == nullptr);
  CHECK(account.peak_bytes() == 0);
}

TEST_CASE("a moved buffer is counted once") {
  MemoryAccount account;
  Buffer<float> kept;
  {
    Buffer<float> made(account, 25, "made");
    made[24] = 3;
    const float* const data = made.data();
    Buffer<float> moved = std::move(made);
    CHECK(moved.data() == data);
    CHECK(account.current_bytes() == 100);
    kept = std::move(moved);
    CHECK(kept.data() == data);
  }
  CHECK(kept.size() == 25);
  CHECK(kept[24] == 3);
  CHECK(account.current_bytes() == 100);
  CHECK(account.peak_bytes() == 100);
}

TEST_CASE("a buffer that is assigned over gives its memory back, also to another account") {
  MemoryAccount first, second;
  RawBuffer buffer(first, 100, "old");
  buffer = RawBuffer(second, 50, "new");
  CHECK(first.current_bytes() == 0);
  CHECK(second.current_bytes() == 50);
  buffer = RawBuffer();
  CHECK(second.current_bytes() == 0);
  CHECK(buffer.data() == nullptr);
}

TEST_CASE("counts stay right when threads allocate at once") {
  MemoryAccount account;
  const RawBuffer base(account, 7, "base");
  parallel_for(4, 2000, [&](int64_t i, int) { const RawBuffer buffer(account, 1 + i % 13, "scratch"); });
  CHECK(account.current_bytes() == 7);
  CHECK(account.peak_bytes() > 7);
  CHECK(account.peak_bytes() <= 7 + 4 * 13);
}

TEST_CASE("threads together cannot pass the limit") {
  MemoryAccount account(100);
  parallel_for(4, 2000, [&](int64_t, int) {
    try {
      const RawBuffer buffer(account, 40, "scratch");
    } catch (const Error&) {  // refused, as it should be while two others hold theirs
    }
  });
  CHECK(account.current_bytes() == 0);
  CHECK(account.peak_bytes() >= 40);
  CHECK(account.peak_bytes() <= 80);
}

TEST_CASE("reserving keeps a buffer that is long enough, else gives it back before it takes more") {
  MemoryAccount account(1000);
  Buffer<float> buffer;
  buffer.reserve(account, 100, "first");
  const float* const data = buffer.data();
  buffer.reserve(account, 50, "less");
  CHECK(buffer.data() == data);
  CHECK(buffer.size() == 100);
  buffer.reserve(account, 200, "more than fits beside the first");
  CHECK(buffer.size() == 200);
  CHECK(account.current_bytes() == 800);
  CHECK(code_of([&] { buffer.reserve(account, 251, "too much"); }) == static_cast<int>(ErrorCode::kMemory));
  CHECK(buffer.size() == 0);
  CHECK(account.current_bytes() == 0);
}

TEST_CASE("bytes are written in the largest unit that fits") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1024) == "1.0 KiB");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(int64_t{3} << 19) == "1.5 MiB");
  CHECK(format_bytes(int64_t{1} << 30) == "1.0 GiB");
  CHECK(format_bytes(int64_t{5} << 50) == "5120.0 TiB");
}

}  // namespace
}  // namespace linformer
