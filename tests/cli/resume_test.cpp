// SPDX-License-Identifier: MIT
// The same results however the work is cut: threads, interruption, --resume.
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "program.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

constexpr int kSequences = 160;
constexpr int kLength = 64;

Arguments analyze(const std::string& out, const Arguments& more) {
  Arguments all = {
      "analyze-spectrum", "--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl", "--out", out};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string results_of(const TemporaryFolder& folder, const std::string& report) {
  return Json::parse(folder.content(report)).at("results").dump();
}

// True once singular values of the third sequence wait in the file.
auto third_sequence_done(const TemporaryFolder& folder) {
  return [&folder] {
    std::ifstream file(folder.path("s.safetensors.partial"), std::ios::binary);
    constexpr int64_t kSequence = 2 * 4 * kLength * 4;  // layers, heads, values, bytes
    file.seekg(2 * kSequence);
    float value = 0;
    file.read(reinterpret_cast<char*>(&value), sizeof value);
    return file && value != 0;
  };
}

TEST_CASE("results are the same to the byte for one thread and two") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(7, 20) + ids_jsonl(3, 33));
  const Arguments options = {"--control",    "matched,permuted,init",
                             "--init-seeds", "3",
                             "--verify",     "0.5",
                             "--logits",     "--quiet",
                             "--batch",      "4"};
  for (const char* threads : {"1", "2"}) {
    Arguments arguments = analyze(std::string(threads) + ".json", options);
    arguments.insert(arguments.end(), {"--threads", threads});
    REQUIRE(run_program(arguments, {.folder = folder.path()}).code == 0);
  }
  CHECK(results_of(folder, "1.json") == results_of(folder, "2.json"));
  CHECK(folder.content("1.curves.csv") == folder.content("2.curves.csv"));
}

void check_interrupted(int signal, const Arguments& options) {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(kSequences, kLength));
  Arguments with_spectra = options;
  with_spectra.insert(with_spectra.end(), {"--batch", "1", "--spectra", "s.safetensors"});

  const ProgramResult stopped =
      run_program(analyze("r.json", with_spectra),
                  {.folder = folder.path(), .signal = signal, .when = third_sequence_done(folder)});
  INFO("stderr: " << stopped.err);
  REQUIRE(stopped.code == 128 + signal);
  CHECK(contains(stopped.err, "--resume"));
  const Json partial = Json::parse(folder.content("r.json"));
  CHECK(partial.at("complete") == false);
  CHECK(partial.at("stopped_because") == "interrupted");
  CHECK(partial.at("planned_sequences") == kSequences);
  const int64_t done = partial.at("results").at("sequences");
  CHECK(done >= 3);
  CHECK(done < kSequences);
  REQUIRE(std::filesystem::exists(folder.path("r.json.partial")));

  // Without --resume or --force it is left alone, and it belongs to the same options only.
  const std::string journal = folder.content("r.json.partial");
  const ProgramResult refused = run_program(analyze("r.json", with_spectra), {.folder = folder.path()});
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "r.json.partial"));
  CHECK(contains(refused.err, "--resume"));
  CHECK(contains(refused.err, "--force"));
  Arguments other = with_spectra;
  other.insert(other.end(), {"--resume", "--seed", "2"});
  const ProgramResult mismatch = run_program(analyze("r.json", other), {.folder = folder.path()});
  CHECK(mismatch.code == 2);
  CHECK(contains(mismatch.err, "r.json.partial"));
  CHECK(folder.content("r.json.partial") == journal);

  Arguments again = with_spectra;
  again.emplace_back("--resume");
  const ProgramResult resumed = run_program(analyze("r.json", again), {.folder = folder.path()});
  INFO("stderr: " << resumed.err);
  REQUIRE(resumed.code == 0);
  CHECK_FALSE(std::filesystem::exists(folder.path("r.json.partial")));
  CHECK_FALSE(std::filesystem::exists(folder.path("s.safetensors.partial")));
  CHECK(Json::parse(folder.content("r.json")).at("complete") == true);

  Arguments whole = options;
  whole.insert(whole.end(), {"--batch", "1", "--spectra", "w.safetensors"});
  REQUIRE(run_program(analyze("w.json", whole), {.folder = folder.path()}).code == 0);
  CHECK(results_of(folder, "r.json") == results_of(folder, "w.json"));
  CHECK(folder.content("r.curves.csv") == folder.content("w.curves.csv"));
  CHECK(folder.content("s.safetensors") == folder.content("w.safetensors"));
}

TEST_CASE("an analysis interrupted by SIGINT and resumed gives the results of one that was not") {
  check_interrupted(SIGINT, {"--control", "matched"});
}

TEST_CASE("an analysis ended by SIGTERM and resumed gives the results of one that was not") {
  check_interrupted(SIGTERM, {"--control", "permuted", "--no-centred"});
}

TEST_CASE("the option --force begins anew where an interrupted analysis stopped") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(3, 16));
  folder.put("r.json.partial", "whatever was here");
  const Arguments options = {"--control", "none", "--quiet"};
  CHECK(run_program(analyze("r.json", options), {.folder = folder.path()}).code == 2);
  Arguments resume = options, force = options;
  resume.emplace_back("--resume");
  force.emplace_back("--force");
  const ProgramResult damaged = run_program(analyze("r.json", resume), {.folder = folder.path()});
  CHECK(damaged.code == 3);
  CHECK(contains(damaged.err, "r.json.partial"));
  CHECK(folder.content("r.json.partial") == "whatever was here");
  CHECK(run_program(analyze("r.json", force), {.folder = folder.path()}).code == 0);
  CHECK_FALSE(std::filesystem::exists(folder.path("r.json.partial")));
  CHECK(Json::parse(folder.content("r.json")).at("complete") == true);
}

}  // namespace
}  // namespace linformer
