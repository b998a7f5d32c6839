// SPDX-License-Identifier: MIT
#include "checkpoint/hub_cache.h"

#include <filesystem>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

struct Cache {
  TemporaryFolder folder;

  std::string snapshot(const std::string& model, const std::string& commit) const {
    const std::string path = folder.path("models--" + model + "/snapshots/" + commit);
    std::filesystem::create_directories(path);
    return path;
  }
  void ref(const std::string& model, const std::string& name, const std::string& content) const {
    const std::string path = "models--" + model + "/refs/" + name;
    std::filesystem::create_directories(std::filesystem::path(folder.path(path)).parent_path());
    folder.put(path, content);
  }
  std::string resolve(const std::string& name) const { return resolve_hub_name(name, folder.path()); }
};

TEST_CASE("a name of the hub is the snapshot of its main branch") {
  const Cache cache;
  const std::string first = cache.snapshot("org--name", "c1"), second = cache.snapshot("org--name", "c2");
  cache.ref("org--name", "main", "c2");
  cache.ref("org--name", "refs/pr/1", "c1\n");
  CHECK(cache.resolve("org/name") == second);
  CHECK(cache.resolve("org/name@c1") == first);
  CHECK(cache.resolve("org/name@refs/pr/1") == first);
  const std::string short_name = cache.snapshot("bert-base-uncased", "c3");
  CHECK(cache.resolve("bert-base-uncased") == short_name);
}

TEST_CASE("without a main branch the only snapshot is taken, and of several one must be chosen") {
  const Cache cache;
  const std::string only = cache.snapshot("org--name", "c1");
  CHECK(cache.resolve("org/name") == only);
  cache.snapshot("org--name", "c2");
  CHECK(contains(message_of([&] { cache.resolve("org/name"); }), "org/name@c1"));
  CHECK(code_of([&] { cache.resolve("org/name"); }) == 3);
}

TEST_CASE("a model that is not there is bad input with the command that fetches it") {
  const Cache cache;
  cache.ref("org--gone", "main", "c1");
  for (const char* name : {"org/other", "org/gone"}) {
    const auto error = error_of([&] { cache.resolve(name); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kInput);
    CHECK(contains(error->detail().remedy, "hf download " + std::string(name)));
  }
  CHECK(contains(message_of([&] { cache.resolve("a/b@v1"); }), "hf download a/b --revision v1"));
  CHECK(contains(message_of([] { resolve_hub_name("a/b", ""); }), "hf download a/b"));
  cache.ref("org--bad", "main", "../../x");
  CHECK(code_of([&] { cache.resolve("org/bad"); }) == 3);
}

TEST_CASE("what is there is a path, and what cannot be a name stays one") {
  const Cache cache;
  CHECK(cache.resolve(cache.folder.path()) == cache.folder.path());
  for (const char* path : {"", ".", "..", "./x", "/x/y", "a/b/c", "a/../b", "org/x.safetensors", "x.bin",
                           "a b", "~/x", "a--b", "a@../b", "a@", "a/"}) {
    CAPTURE(path);
    CHECK(cache.resolve(path) == path);
  }
}

}  // namespace
}  // namespace linformer
