// SPDX-License-Identifier: MIT
#include "io/atomic_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "catch.h"
#include "io/error_of.h"
#include "io/file_bytes.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

constexpr int kWrite = static_cast<int>(ErrorCode::kWrite);

TEST_CASE("a file appears on commit and leaves nothing beside it") {
  const TemporaryFolder folder;
  AtomicFile file(folder.path("out"));
  file.write("hello ");
  file.write("world");
  CHECK_FALSE(std::filesystem::exists(folder.path("out")));
  CHECK(file.size() == 11);
  file.commit();
  CHECK(folder.content("out") == "hello world");
  CHECK(folder.entries() == 1);
}

TEST_CASE("what is not committed is removed and the old file stays") {
  const TemporaryFolder folder;
  folder.put("out", "old");
  { AtomicFile(folder.path("out")).write("new"); }
  CHECK(folder.content("out") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file that is replaced keeps its permissions, and a link stays a link") {
  const TemporaryFolder folder;
  folder.put("out", "old");
  ::chmod(folder.path("out").c_str(), 0640);
  std::filesystem::create_symlink(folder.path("out"), folder.path("link"));
  write_file_atomically(folder.path("link"), "new");
  struct stat facts {};
  REQUIRE(::stat(folder.path("out").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777u) == 0640u);
  CHECK(folder.content("out") == "new");
  CHECK(std::filesystem::is_symlink(folder.path("link")));
}

TEST_CASE("writes at any place leave zeros between and can be read back") {
  const TemporaryFolder folder;
  AtomicFile file(folder.path("out"));
  file.reserve(8);
  CHECK(file.size() == 8);
  file.write_at(6, "yz");
  file.write("ab");
  std::array<std::byte, 2> back{};
  file.read_at(6, back);
  CHECK(back[1] == std::byte{'z'});
  CHECK(code_of([&] { file.read_at(7, back); }) == kWrite);
  file.resize(7);
  file.commit();
  CHECK(folder.content("out") == std::string("ab\0\0\0\0y", 7));
}

TEST_CASE("a directory, a missing folder and an empty path are refused before anything is written") {
  const TemporaryFolder folder;
  CHECK(contains(message_of([&] { AtomicFile(folder.path()); }), "directory"));
  CHECK(code_of([&] { AtomicFile(folder.path() + "/"); }) == kWrite);
  CHECK(code_of([&] { AtomicFile(""); }) == kWrite);
  const auto error = error_of([&] { AtomicFile(folder.path("none/out")); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kWrite);
  CHECK(contains(error->what(), "No such file or directory"));
  CHECK(contains(error->what(), "Make the directory"));
  folder.put("file", "");
  CHECK(code_of([&] { AtomicFile(folder.path("file/out")); }) == kWrite);
  CHECK(folder.entries() == 1);
}

TEST_CASE("a directory that takes the name before commit is reported and nothing is left") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder.path("out"));
    std::filesystem::create_directory(folder.path("out"));
    CHECK(code_of([&] { file.commit(); }) == kWrite);
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("a folder without write permission is refused") {
  if (::geteuid() == 0) return;  // root may write everywhere
  const TemporaryFolder folder;
  ::chmod(folder.path().c_str(), 0500);
  CHECK(contains(message_of([&] { AtomicFile(folder.path("out")); }), "Permission denied"));
  ::chmod(folder.path().c_str(), 0700);
}

TEST_CASE("more than the disk holds is refused with both numbers and leaves nothing") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder.path("out"));
    const int64_t more = static_cast<int64_t>(std::filesystem::space(folder.path()).capacity) + (1 << 20);
    const auto error = error_of([&] { file.reserve(more); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kWrite);
    CHECK(contains(error->what(), std::to_string(more)));
    CHECK(contains(error->what(), "are free"));
  }
  CHECK(folder.entries() == 0);
}

TEST_CASE("a full device is a write error and an endless one takes everything") {
  AtomicFile full("/dev/full");
  CHECK(full.direct());
  full.reserve(10);
  const auto error = error_of([&] { full.write("x"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kWrite);
  CHECK(contains(error->what(), "/dev/full"));
  CHECK(contains(error->what(), "No space left"));
  CHECK_NOTHROW(write_file_atomically("/dev/null", "x"));
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("a pipe takes bytes in order only") {
  const TemporaryFolder folder;
  const std::string path = folder.path("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = read_text(path); });
  {
    AtomicFile file(path);
    file.write_at(0, "ab");
    CHECK(code_of([&] { file.write_at(5, "x"); }) == kWrite);
    CHECK(code_of([&] { file.resize(1); }) == kWrite);
    file.write_at(2, "cd");
    file.commit();
  }
  reader.join();
  CHECK(got == "abcd");
  CHECK(std::filesystem::is_fifo(path));
}

TEST_CASE("a name as long as the file system allows can be written") {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file_atomically(folder.path(name), "x");
  CHECK(folder.content(name) == "x");
}

}  // namespace
}  // namespace linformer
