// SPDX-License-Identifier: MIT
// Exit code 6: what cannot be written; and readers that go away.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "catch.h"
#include "io/error_of.h"
#include "io/file_descriptor.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"

namespace linformer {
namespace {

using Arguments = std::vector<std::string>;

// With the model that is built in: who has no privileges may not read the fixtures' folder.
Arguments analyze(Arguments more) {
  Arguments all = {"analyze-spectrum", "--ids", "ids.jsonl", "--control", "none", "--quiet"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Arguments attention(Arguments more) {
  Arguments all = {"attention", "--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("a place that cannot be written is exit 6, named, and left as it was") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  std::filesystem::create_directory(folder.path("directory"));
  const std::pair<Arguments, std::vector<std::string>> rows[] = {
      {analyze({"--out", "nowhere/r.json"}), {"nowhere/r.json"}},
      {analyze({"--out", "directory"}), {"directory"}},
      {analyze({"--out", "r.json", "--spectra", "nowhere/s"}), {"nowhere/s"}},
      {analyze({"--out", "r.json", "--spectra", "directory"}), {"directory"}},
      {attention({"--out", "nowhere/a"}), {"nowhere/a", "No such file"}},
      {attention({"--out", "directory"}), {"directory", "Is a directory"}},
      {attention({"--out", "/dev/full"}), {"/dev/full", "No space left"}}};
  for (const auto& [arguments, parts] : rows) {
    const ProgramResult result = run_program(arguments, {.folder = folder.path()});
    INFO("arguments: " << Catch::Detail::stringify(arguments));
    INFO("stderr: " << result.err);
    CHECK(result.code == 6);
    for (const std::string& part : parts) CHECK(contains(result.err, part));
    CHECK(folder.entries() == 2);
    CHECK(std::filesystem::is_empty(folder.path("directory")));
  }
}

// Everybody may write in the folder, so that one who is not root may.
void open_to_all(const TemporaryFolder& folder) {
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
}

TEST_CASE("a file in the way that may not be replaced is exit 6 before anything is read") {
  for (const std::string name :
       {"r.json", "r.curves.csv", "r.json.partial", "s.safetensors", "s.safetensors.partial"}) {
    for (const bool directory : {false, true}) {
      const TemporaryFolder folder;
      open_to_all(folder);
      if (directory) std::filesystem::create_directory(folder.path(name));
      if (!directory)
        std::filesystem::permissions(folder.put(name, "old"), std::filesystem::perms::owner_read);
      const ProgramResult result =
          run_program(analyze({"--out", "r.json", "--spectra", "s.safetensors", "--force"}),  // no ids.jsonl
                      {.folder = folder.path(), .unprivileged = true});
      INFO(name << " " << result.err);
      CHECK(result.code == 6);
      CHECK(contains(result.err, name + ": " + (directory ? "a directory" : "Permission denied")));
      CHECK(folder.entries() == 1);
    }
  }
}

TEST_CASE("a pipe is written also where nothing else may be") {
  const TemporaryFolder folder;
  open_to_all(folder);
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  std::filesystem::create_directory(folder.path("closed"));
  REQUIRE(::mkfifo(folder.path("closed/pipe").c_str(), 0600) == 0);
  std::filesystem::permissions(folder.path("closed/pipe"), std::filesystem::perms(0666));
  std::filesystem::permissions(folder.path("closed"), std::filesystem::perms(0555));
  const FileDescriptor reader(::open(folder.path("closed/pipe").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::fcntl(reader.get(), F_SETPIPE_SZ, 1 << 20) >= 1 << 19);
  const ProgramResult result =
      run_program(analyze({"--out", "closed/pipe"}), {.folder = folder.path(), .unprivileged = true});
  INFO("stderr: " << result.err);
  CHECK(result.code == 0);
  std::filesystem::permissions(folder.path("closed"), std::filesystem::perms::all);  // to be removed
}

TEST_CASE("nothing is written beside a descriptor, though it may be that of a file") {
  for (const bool by_link : {false, true}) {
    const TemporaryFolder folder;
    folder.put("ids.jsonl", ids_jsonl(2, 16));
    folder.put("report", "");
    const FileDescriptor inherited(::open(folder.path("report").c_str(), O_RDWR));
    const std::string name = "/dev/fd/" + std::to_string(inherited.get());
    std::filesystem::create_symlink(name, folder.path("link.json"));
    const ProgramResult result =
        run_program(analyze({"--out", by_link ? "link.json" : name}), {.folder = folder.path()});
    INFO("stderr: " << result.err);
    CHECK(result.code == 0);
    CHECK(folder.entries() == 3);
    CHECK(contains(folder.content("report"), "\"curves_csv\": null"));
  }
}

TEST_CASE("a report to /dev/stdout is the report and nothing else, as with -") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  const ProgramResult result = run_program(analyze({"--out", "/dev/stdout"}), {.folder = folder.path()});
  CHECK(result.code == 0);
  CHECK(result.out.starts_with("{\n"));
  CHECK(result.out.ends_with("}\n"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file that would grow over the limit is exit 6 and leaves nothing half-written") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  for (const Arguments& arguments : {attention({"--out", "a.safetensors"}), analyze({"--out", "r.json"})}) {
    const ProgramResult result = run_program(arguments, {.folder = folder.path(), .file_limit = 1024});
    INFO("arguments: " << Catch::Detail::stringify(arguments));
    INFO("stderr: " << result.err);
    CHECK(result.code == 6);
    CHECK(contains(result.err, "File too large"));
    std::filesystem::remove(folder.path("r.json.partial"));  // may stay for --resume
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("an analysis whose results could not be written is not lost: --resume writes them") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  const Arguments arguments = analyze({"--out", "r.json", "--spectra", "s.safetensors"});
  // Large enough for spectra and journal, not for the report.
  CHECK(run_program(arguments, {.folder = folder.path(), .file_limit = 30'000}).code == 6);
  CHECK_FALSE(std::filesystem::exists(folder.path("r.json")));
  CHECK(std::filesystem::exists(folder.path("r.json.partial")));
  Arguments resume = arguments;
  resume.emplace_back("--resume");
  const ProgramResult result = run_program(resume, {.folder = folder.path()});
  INFO("stderr: " << result.err);
  CHECK(result.code == 0);
  CHECK(std::filesystem::exists(folder.path("r.json")));
  CHECK(std::filesystem::exists(folder.path("s.safetensors")));
  CHECK_FALSE(std::filesystem::exists(folder.path("r.json.partial")));
  CHECK_FALSE(std::filesystem::exists(folder.path("s.safetensors.partial")));
}

TEST_CASE("what is read is never overwritten, and spectra and report are two files") {
  const TemporaryFolder folder;
  const std::string ids = ids_jsonl(2, 16);
  folder.put("ids.jsonl", ids);
  REQUIRE(run_program(attention({"--out", "a.safetensors"}), {.folder = folder.path()}).code == 0);
  const std::string tensors = folder.content("a.safetensors");
  const std::pair<Arguments, std::string> rows[] = {
      {analyze({"--out", "ids.jsonl"}), "ids.jsonl"},
      {analyze({"--out", "r.json", "--spectra", "./ids.jsonl"}), "ids.jsonl"},
      {attention({"--out", "./ids.jsonl"}), "ids.jsonl"},
      {{"analyze-spectrum", "--probabilities", "a.safetensors", "--out", "a.safetensors"}, "a.safetensors"},
      {analyze({"--out", "r.json", "--spectra", "r.json"}), "--spectra"},
      {analyze({"--out", "r.json", "--spectra", "./r.curves.csv"}), "--spectra"},
      {analyze({"--out", "r.json", "--spectra", "r.json.partial"}), "--spectra"},
      {analyze({"--out", "s.partial", "--spectra", "s"}), "--spectra"},
      {analyze({"--out", "r.json", "--spectra", "/dev/null"}), "--spectra"},
      {attention({"--out", "-"}), "--out"}};
  for (const auto& [arguments, named] : rows) {
    const ProgramResult result = run_program(arguments, {.folder = folder.path()});
    INFO("arguments: " << Catch::Detail::stringify(arguments));
    INFO("stderr: " << result.err);
    CHECK(result.code == 2);
    CHECK(contains(result.err, named));
  }
  CHECK(folder.entries() == 2);
  CHECK(folder.content("ids.jsonl") == ids);
  CHECK(folder.content("a.safetensors") == tensors);
}

TEST_CASE("a report to a device has no files beside it") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  const FileDescriptor reader(::open(folder.path("pipe").c_str(), O_RDWR | O_CLOEXEC));
  // Nobody empties it, so the report must not be larger than a pipe's buffer.
  REQUIRE(::fcntl(reader.get(), F_SETPIPE_SZ, 1 << 20) >= 1 << 19);
  CHECK(run_program(analyze({"--out", "pipe"}), {.folder = folder.path()}).code == 0);
  CHECK(folder.entries() == 2);
  CHECK(std::filesystem::is_fifo(folder.path("pipe")));
}

TEST_CASE("a report that cannot be replaced stays as it was") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  folder.put("r.json", "old report");
  folder.put("a.safetensors", "old tensors");
  CHECK(run_program(analyze({"--out", "r.json"}), {.folder = folder.path(), .file_limit = 1024}).code == 6);
  CHECK(run_program(attention({"--out", "a.safetensors"}), {.folder = folder.path(), .file_limit = 1024})
            .code == 6);
  CHECK(folder.content("r.json") == "old report");
  CHECK(folder.content("a.safetensors") == "old tensors");
}

TEST_CASE("a reader that goes away ends the program without a message or a mess") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  for (const Arguments& arguments :
       {Arguments{"info"}, Arguments{"tokenize"}, analyze({"--out", "-"}), analyze({"--out", "r.json"})}) {
    const ProgramResult result = run_program(arguments, {.folder = folder.path(), .read_output = false});
    INFO("arguments: " << Catch::Detail::stringify(arguments));
    CHECK(result.code == 128 + SIGPIPE);
    CHECK(result.err.empty());
  }
  // The report was written before the table.
  CHECK(folder.entries() == 3);
  CHECK(contains(folder.content("r.json"), "\"complete\": true"));
}

TEST_CASE("help and version that cannot be written are exit 6") {
  const TemporaryFolder folder;
  for (const Arguments& arguments : {Arguments{"--help"}, {"--version"}, {"info", "--help"}}) {
    std::string command = "exec '" + program_path() + "'";
    for (const std::string& argument : arguments) command += " " + argument;
    for (const char* output : {" > /dev/full", " >&-"}) {
      INFO(command << output);
      const int status = std::system((command + output + " 2> " + folder.path("err")).c_str());
      CHECK(WEXITSTATUS(status) == 6);
      CHECK(contains(folder.content("err"), "standard output"));
    }
  }
}

TEST_CASE("the first signal ends a program that waits for the reader of its report") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  int looks = 0;
  const auto waiting =
      [&](int) {  // a second, in steps of a millisecond or more, behind the last file before it
        return std::filesystem::exists(folder.path("s.safetensors")) && ++looks > 1000;
      };
  const ProgramResult result = run_program(analyze({"--out", "pipe", "--spectra", "s.safetensors"}),
                                           {.folder = folder.path(), .signal = SIGTERM, .when = waiting});
  CHECK(result.signalled);
  CHECK(result.code == 128 + SIGTERM);
}

TEST_CASE("a pipe is no place for tensors, and nobody waits for its reader") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  const ProgramResult result = run_program(attention({"--out", "pipe"}), {.folder = folder.path()});
  CHECK(result.code == 2);
  CHECK(contains(result.err, "--out: 'pipe'"));
}

}  // namespace
TEST_CASE("the files beside the weights are never overwritten, also where the weights were named") {
  const TemporaryFolder folder;
  std::filesystem::copy(bert_fixture("base-prefixless"), folder.path("model"));
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  folder.put("model/merges.txt", "old");
  for (const std::string name : {"config.json", "model.safetensors", "vocab.txt", "merges.txt"}) {
    const std::string content = folder.content("model/" + name);
    const ProgramResult result = run_program({"analyze-spectrum", "--checkpoint", "model/model.safetensors",
                                              "--ids", "ids.jsonl", "--out", "model/" + name},
                                             {.folder = folder.path()});
    CHECK(result.code == 2);
    CHECK(contains(result.err, name));
    CHECK(folder.content("model/" + name) == content);
  }
}

TEST_CASE("the files of a checkpoint are never overwritten") {
  const TemporaryFolder folder;
  std::filesystem::copy(bert_fixture("base-prefixless"), folder.path("model"));
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  for (const std::string name : {"config.json", "model.safetensors", "vocab.txt"}) {
    const std::string content = folder.content("model/" + name);
    const ProgramResult result = run_program(
        {"analyze-spectrum", "--checkpoint", "model", "--ids", "ids.jsonl", "--out", "model/" + name},
        {.folder = folder.path()});
    CHECK(result.code == 2);
    CHECK(contains(result.err, name));
    CHECK(folder.content("model/" + name) == content);
  }
}

TEST_CASE("options that contradict what is known, or mean nothing, are refused") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{
           {"--head-size", "3"}, {"--until-width", "inf"}, {"--control", "none,matched"}}) {
    const ProgramResult result =
        run_program(analyze({"--out", "r.json", option, value}), {.folder = folder.path()});
    INFO(option << " " << result.err);
    CHECK(result.code == 2);
    CHECK(contains(result.err, option));
  }
}

}  // namespace linformer
