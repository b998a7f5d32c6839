// SPDX-License-Identifier: MIT
#include "io/file_bytes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

TEST_CASE("a file reads the same mapped, in memory and as text") {
  const TemporaryFolder folder;
  const std::string content("a\0b\r\n\xff", 6);
  const std::string path = folder.put("file", content);
  CHECK(FileBytes::open(path, true)->text() == content);
  CHECK(FileBytes::open(path, false)->text() == content);
  CHECK(FileBytes::open(path, true)->name() == path);
  CHECK(read_text(path) == content);
}

TEST_CASE("an empty file has no bytes") {
  const TemporaryFolder folder;
  const std::string path = folder.put("empty", "");
  CHECK(FileBytes::open(path, true)->bytes().empty());
  CHECK(FileBytes::open(path, false)->bytes().empty());
  CHECK(read_text(path).empty());
}

TEST_CASE("mapped bytes outlive the name of the file") {
  const TemporaryFolder folder;
  const auto file = FileBytes::open(folder.put("file", "abc"), true);
  std::filesystem::remove(folder.path("file"));
  CHECK(file->text() == "abc");
}

TEST_CASE("a missing file, a directory and a device are bad input, each with its reason") {
  const TemporaryFolder folder;
  for (const bool map : {true, false}) {
    const auto missing = error_of([&] { FileBytes::open(folder.path("none"), map); });
    REQUIRE(missing);
    CHECK(missing->code() == ErrorCode::kInput);
    CHECK(contains(missing->what(), "No such file"));
    CHECK(contains(missing->what(), folder.path("none")));
    CHECK(!missing->detail().remedy.empty());
    CHECK(contains(message_of([&] { FileBytes::open(folder.path(), map); }), "directory"));
    CHECK(code_of([&] { FileBytes::open("/dev/zero", map); }) == 3);
  }
  CHECK(code_of([&] { read_text(folder.path()); }) == 3);
  CHECK(code_of([&] { read_text(""); }) == 3);
}

TEST_CASE("a file without read permission is bad input") {
  if (::geteuid() == 0) return;  // root may read everything
  const TemporaryFolder folder;
  const std::string path = folder.put("secret", "x");
  ::chmod(path.c_str(), 0);
  CHECK(contains(message_of([&] { FileBytes::open(path, true); }), "Permission denied"));
}

TEST_CASE("a pipe is read to its end even when mapping is asked for") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  const std::string content(200'000, 'x');
  std::thread writer([&] { folder.put("pipe", content); });
  const std::string got(FileBytes::open(folder.path("pipe"), true)->text());
  writer.join();
  CHECK(got == content);
}

TEST_CASE("embedded bytes are used where they are") {
  const std::string_view text = "built in";
  const auto file = FileBytes::embedded("default/vocab.txt", std::as_bytes(std::span(text)));
  CHECK(static_cast<const void*>(file->bytes().data()) == text.data());
  CHECK(file->name() == "default/vocab.txt");
}

}  // namespace
}  // namespace linformer
