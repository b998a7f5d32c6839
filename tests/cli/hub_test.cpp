// SPDX-License-Identifier: MIT
#include <filesystem>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "program.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

ProgramResult info(const TemporaryFolder& folder, const std::string& model,
                   std::map<std::string, std::string> environment) {
  for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}) {
    environment.try_emplace(variable, "");
  }
  return run_program({"info", model, "--format", "json"},
                     {.folder = folder.path(), .environment = std::move(environment)});
}

TEST_CASE("a model in the hub's cache is found by its name, wherever the environment puts the cache") {
  const TemporaryFolder folder;
  const std::string snapshot = "models--org--tiny/snapshots/c1";
  for (const auto& [variable, value, cache] :
       {std::tuple("HF_HUB_CACHE", "a", "a"), std::tuple("HUGGINGFACE_HUB_CACHE", "a", "a"),
        std::tuple("HF_HOME", "b", "b/hub"), std::tuple("XDG_CACHE_HOME", "c", "c/huggingface/hub"),
        std::tuple("HOME", "d", "d/.cache/huggingface/hub")}) {
    CAPTURE(variable);
    fs::create_directories(folder.path(cache) + "/" + snapshot);
    fs::copy(bert_fixture("masked-lm"), folder.path(cache) + "/" + snapshot, fs::copy_options::recursive);
    const ProgramResult found = info(folder, "org/tiny", {{variable, folder.path(value)}});
    CHECK(found.code == 0);
    CHECK(contains(found.out, cache + ("/" + snapshot) + "/model.safetensors"));
    CHECK(contains(found.out, "\"packaging\": \"safetensors\""));
    fs::remove_all(folder.path(value));
  }
}

TEST_CASE("a tilde before the hub's cache is the home folder") {
  const TemporaryFolder folder;
  const ProgramResult result =
      info(folder, "org/tiny", {{"HF_HOME", "~/models"}, {"HOME", folder.path("home")}});
  CHECK(contains(result.err, folder.path("home/models/hub")));
}

TEST_CASE("a model that is not in the hub's cache is exit 3 with the command that fetches it") {
  const TemporaryFolder folder;
  const ProgramResult result = info(folder, "org/tiny@v2", {{"HOME", folder.path()}});
  CHECK(result.code == 3);
  CHECK(contains(result.err, "hf download org/tiny --revision v2"));
}

}  // namespace
}  // namespace linformer
