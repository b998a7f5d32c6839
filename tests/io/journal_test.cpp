// SPDX-License-Identifier: MIT
#include "io/journal.h"

#include <string>
#include <vector>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

constexpr const char* kKind = "LFTESTED";

void put_journal(const std::string& path) {
  JournalWriter writer(path, kKind, "mine", {{"size", 3}});
  writer.write("first ");
  writer.write(std::span<const char>(std::vector<char>{'l', 'a', 's', 't'}));
  writer.commit();
}

}  // namespace

TEST_CASE("A journal gives back its header and payload to the run that it belongs to") {
  const TemporaryFolder folder;
  put_journal(folder.path("j"));
  const Journal journal = read_journal(folder.path("j"), kKind, "mine");
  CHECK(journal.header.at("size") == 3);
  CHECK(journal.payload == "first last");
  CHECK(code_of([&] { read_journal(folder.path("j"), kKind, "another's"); }) == 2);
  CHECK(code_of([&] { read_journal(folder.path("j"), "LFOTHERS", "mine"); }) == 3);
}

TEST_CASE("A journal that was not committed is not there, and one that is cut or changed is refused") {
  const TemporaryFolder folder;
  { const JournalWriter writer(folder.path("j"), kKind, "mine", nlohmann::json::object()); }
  CHECK(folder.entries() == 0);
  put_journal(folder.path("j"));
  const std::string content = folder.content("j");
  for (size_t i = 0; i < content.size(); i += 3) {
    std::string changed = content;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    for (const std::string& text : {content.substr(0, i), changed}) {
      folder.put("k", text);
      CHECK(code_of([&] { read_journal(folder.path("k"), kKind, "mine"); }) == 3);
    }
  }
}

}  // namespace linformer
