// SPDX-License-Identifier: MIT
// The same results however the work is cut: threads, interruption, --resume.
#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "io/error_of.h"
#include "io/sha256.h"
#include "io/temporary_folder.h"
#include "program.h"
#include "spectrum/records.h"

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
  return [&folder](int = 0) {
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

  for (const Arguments& spectra : {Arguments{}, Arguments{"--spectra", "t.safetensors"}}) {
    Arguments orphaning = options;
    orphaning.insert(orphaning.end(), {"--batch", "1", "--resume"});
    orphaning.insert(orphaning.end(), spectra.begin(), spectra.end());
    const ProgramResult orphans = run_program(analyze("r.json", orphaning), {.folder = folder.path()});
    INFO("stderr: " << orphans.err);
    CHECK(orphans.code == 2);
    CHECK(contains(orphans.err, "--resume with its --spectra, a file named s.safetensors"));
    CHECK(folder.content("r.json.partial") == journal);
    CHECK(std::filesystem::exists(folder.path("s.safetensors.partial")));
  }

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

TEST_CASE(
    "a run is refused while another is at work on its report or spectra, and not once that was killed") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(20 * kSequences, kLength));  // it must outlast the others
  const Arguments options = {"--control", "none", "--batch", "1"};
  const auto with = [&](const std::string& out, const Arguments& more) {
    Arguments all = analyze(out, options);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  std::filesystem::create_symlink("r.json", folder.path("link.json"));
  std::filesystem::copy_file(folder.path("ids.jsonl"), folder.path("r.json"));  // the link leads somewhere
  const auto started = third_sequence_done(folder);
  const auto others_are_refused = [&](int) {
    if (!started()) return false;
    for (const auto& [arguments, named] : std::vector<std::pair<Arguments, std::string>>{
             {with("r.json", {}), "r.json"},
             {with("r.json", {"--force"}), "r.json"},
             {with("./r.json", {"--resume"}), "r.json"},
             {with("link.json", {}), "link.json"},
             {with("other.json", {"--spectra", "s.safetensors"}), "s.safetensors"}}) {
      const ProgramResult refused = run_program(arguments, {.folder = folder.path()});
      INFO("arguments: " << Catch::Detail::stringify(arguments));
      INFO("stderr: " << refused.err);
      CHECK(refused.code == 2);
      CHECK(contains(refused.err, named + ": another run is at work"));
    }
    CHECK_FALSE(std::filesystem::exists(folder.path("other.json.partial.lock")));
    return true;
  };
  const Arguments first = with("r.json", {"--spectra", "s.safetensors"});
  REQUIRE(run_program(first, {.folder = folder.path(), .signal = SIGKILL, .when = others_are_refused}).code ==
          128 + SIGKILL);
  CHECK(std::filesystem::exists(folder.path("r.json.partial.lock")));
  CHECK(std::filesystem::exists(folder.path("s.safetensors.partial.lock")));
  folder.put("ids.jsonl", ids_jsonl(2, kLength));
  const ProgramResult next =
      run_program(with("r.json", {"--spectra", "s.safetensors", "--force"}), {.folder = folder.path()});
  INFO("stderr: " << next.err);
  CHECK(next.code == 0);
  CHECK(folder.entries() == 5);  // ids, report, its link, curves, spectra
}

// A finished analysis without --spectra whose report found no room.
void leave_journal(const TemporaryFolder& folder, const Arguments& options) {
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  CHECK(run_program(analyze("r.json", options), {.folder = folder.path(), .file_limit = 30'000}).code == 6);
  REQUIRE(std::filesystem::exists(folder.path("r.json.partial")));
}

TEST_CASE("an analysis without --spectra is not resumed with them") {
  const TemporaryFolder folder;
  const Arguments options = {"--control", "none", "--quiet", "--resume"};
  leave_journal(folder, options);
  Arguments with_spectra = options;
  with_spectra.insert(with_spectra.end(), {"--spectra", "s.safetensors"});
  folder.put("s.safetensors.partial", "of another run");
  const ProgramResult refused = run_program(analyze("r.json", with_spectra), {.folder = folder.path()});
  INFO("stderr: " << refused.err);
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "--resume without --spectra"));
  CHECK(folder.content("s.safetensors.partial") == "of another run");
  CHECK(run_program(analyze("r.json", options), {.folder = folder.path()}).code == 0);
}

TEST_CASE("a failed check is exit 1 and named in spite of --quiet, and the report is written") {
  const TemporaryFolder folder;
  const Arguments options = {"--control", "none", "--quiet", "--resume"};
  leave_journal(folder, options);
  // The journal as a run with a wrong sum would have left it.
  std::string journal = folder.content("r.json.partial");
  uint64_t header = 0;
  std::memcpy(&header, journal.data() + 8, sizeof header);
  RecordChecks checks;
  std::memcpy(&checks, journal.data() + 16 + header, sizeof checks);
  REQUIRE(checks.matrices == 2 * 2 * 4);
  checks.largest_norm_error = 0.25;
  std::memcpy(journal.data() + 16 + header, &checks, sizeof checks);
  journal.resize(journal.size() - 64);
  Sha256 digest;
  digest.update(journal);
  folder.put("r.json.partial", journal + digest.hex_digest());
  const ProgramResult result = run_program(analyze("r.json", options), {.folder = folder.path()});
  CHECK(result.code == 1);
  CHECK(contains(result.err, "1 of 3 checks failed: sum sigma^2"));
  CHECK(contains(result.err, "2.5e-01"));
  CHECK(Json::parse(folder.content("r.json")).at("checks").at("passed") == false);
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

TEST_CASE("the option --resume without a journal says that it begins anew, unless --quiet") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  Arguments arguments = analyze("r.json", {"--control", "none", "--resume"});
  const ProgramResult first = run_program(arguments, {.folder = folder.path()});
  CHECK(first.code == 0);
  CHECK(contains(first.err, "--resume: no journal r.json.partial; beginning anew\n"));
  arguments.emplace_back("--quiet");
  CHECK(run_program(arguments, {.folder = folder.path()}).err.empty());
  const Arguments device = analyze("/dev/null", {"--control", "none", "--resume"});
  CHECK(contains(run_program(device, {.folder = folder.path()}).err, "no journal is kept beside a pipe"));
}

}  // namespace
}  // namespace linformer
