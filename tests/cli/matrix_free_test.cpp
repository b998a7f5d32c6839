// SPDX-License-Identifier: MIT
// analyze-spectrum --method matrix-free.
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"
#include "report/schema_validator.h"
#include "tensors.h"

namespace linformer {
namespace {

using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

const std::string kSchema = schemas() + "/spectrum-1.schema.json";

constexpr const char* kIds = "[7, 21, 3, 40, 12, 33, 5, 18, 44, 9, 27, 14, 38, 6, 30, 11]\n";

ProgramResult analyze(const TemporaryFolder& folder, const Arguments& more, ProgramRun run = {}) {
  Arguments all = {"analyze-spectrum", "--out", "r.json"};
  all.insert(all.end(), more.begin(), more.end());
  run.folder = folder.path();
  return run_program(all, run);
}

Json report_of(const TemporaryFolder& folder, const Arguments& more) {
  const ProgramResult result = analyze(folder, more);
  INFO("stderr: " << result.err);
  REQUIRE(result.code == 0);
  Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  return report;
}

// Whether the intervals of the last m hold c_m and e_m of the analysis of P, for each head.
void check_against_dense(const TemporaryFolder& folder, Arguments input) {
  Arguments free = input;
  free.insert(free.end(), {"--method", "matrix-free", "--values", "12"});
  const Json certified = report_of(folder, free).at("results").at("certified");
  input.insert(input.end(), {"--method", "gram", "--at", "12", "--control", "none"});
  const Json dense = report_of(folder, input).at("results").at("series").at(0).at("layers");
  REQUIRE_FALSE(certified.empty());
  for (const Json& head : certified) {
    const Json& statistics = dense.at(head.at("layer").get<size_t>())
                                 .at("heads")
                                 .at(head.at("head").get<size_t>())
                                 .at("statistics");
    const Json& last = head.at("at").back();
    CHECK(last.at("m") == 12);
    const auto within = [&](const char* interval, const char* statistic) {
      const auto value = statistics.at(statistic).at("mean").get<double>();
      const Json& ends = last.at(interval);
      CAPTURE(head.dump(), statistic, value);
      CHECK(value >= ends.at(0).get<double>() - 1e-5);
      CHECK(value <= ends.at(1).get<double>() + 1e-5);
    };
    within("energy_sure_interval", "energy_at_12");
    within("energy_interval", "energy_at_12");
    within("cumulative_interval", "cumulative_at_12");
    const auto entropy = statistics.at("row_entropy").at("mean").get<double>();
    CHECK(std::abs(head.at("row_entropy").get<double>() - entropy) <= 1e-4);
  }
}

}  // namespace

TEST_CASE("spectra without P agree with those of P, for bidirectional and causal models and shared keys") {
  for (const char* name : {"bert/masked-lm", "models/gpt2", "models/llama"}) {
    const std::string folder_name = fixtures() + "/" + name;
    CAPTURE(folder_name);
    const TemporaryFolder folder;
    folder.put("ids.jsonl", kIds);
    check_against_dense(folder, {"--checkpoint", folder_name, "--ids", "ids.jsonl"});
  }
}

TEST_CASE("spectra without P agree with those of P where special tokens are cut out") {
  const TemporaryFolder folder;
  check_against_dense(folder, {"--length", "64", "--sequences", "1", "--drop-special-tokens"});
}

TEST_CASE("spectra without P agree with those of P for queries and keys from a file") {
  const TemporaryFolder folder;
  REQUIRE(run_program(
              {"attention", "--length", "64", "--sequences", "1", "--save", "q,k", "--out", "qk.safetensors"},
              {.folder = folder.path()})
              .code == 0);
  check_against_dense(folder, {"--qk", "qk.safetensors"});
  const ProgramResult dry =
      analyze(folder, {"--qk", "qk.safetensors", "--method", "matrix-free", "--dry-run", "--force"});
  CHECK(contains(dry.out, "lengths 64\n"));
}

TEST_CASE("a report without P has curves of every value and the table a row a layer") {
  const TemporaryFolder folder;
  const ProgramResult result = analyze(
      folder, {"--length", "64", "--sequences", "2", "--layers", "0,1", "--heads", "0", "--values", "10"});
  INFO("stderr: " << result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.out, "e_m surely"));
  CHECK(contains(result.out, "The first 10 singular values at n = 64"));
  const Json results = Json::parse(folder.content("r.json")).at("results");
  CHECK(results.at("certified").size() == 4);
  CHECK(results.at("series").empty());
  CHECK(results.at("length") == 64);
  std::istringstream csv(folder.content("r.curves.csv"));
  std::string line;
  int64_t lines = 0, commas = 0;
  while (std::getline(csv, line)) {
    const auto count = std::count(line.begin(), line.end(), ',');
    if (lines++ == 0) commas = count;
    CHECK(count == commas);
  }
  CHECK(lines == 1 + 4 * 10);
}

TEST_CASE("spectra of several lengths are in one report") {
  const TemporaryFolder folder;
  const Json report = report_of(folder, {"--lengths", "128,32..64*2", "--sequences", "1", "--layers", "0",
                                         "--heads", "0", "--values", "8", "--probes", "0"});
  std::vector<int64_t> rows;
  for (const Json& head : report.at("results").at("certified")) {
    rows.push_back(head.at("rows").get<int64_t>());
    CHECK(head.at("nuclear_norm_interval").is_null());
  }
  CHECK(rows == std::vector<int64_t>{32, 64, 128});
  CHECK(report.at("results").at("length").is_null());
  CHECK(report.at("method").at("lengths") == Json{32, 64, 128});
}

TEST_CASE("results without P are the same to the byte for one thread and two") {
  const TemporaryFolder folder;
  std::vector<std::string> results;
  for (const char* threads : {"1", "2"}) {
    results.push_back(report_of(folder, {"--length", "96", "--sequences", "1", "--method", "matrix-free",
                                         "--values", "16", "--threads", threads})
                          .at("results")
                          .dump());
  }
  CHECK(results[0] == results[1]);
}

TEST_CASE("options that need P are refused without it, and those of matrix-free with another method") {
  const TemporaryFolder folder;
  folder.put("p.safetensors", "");
  const auto refused = [&](const Arguments& more) {
    const ProgramResult result = analyze(folder, more);
    CAPTURE(Catch::Detail::stringify(more), result.err);
    CHECK(result.code == 2);
    CHECK_FALSE(std::filesystem::exists(folder.path("r.json")));
    return result.err;
  };
  for (const Arguments& of_p : std::vector<Arguments>{{"--at", "4"},
                                                      {"--control", "matched"},
                                                      {"--init-seeds", "2"},
                                                      {"--head-size", "64"},
                                                      {"--no-centred"},
                                                      {"--logits"},
                                                      {"--verify", "0.1"},
                                                      {"--until-width", "0.1"},
                                                      {"--batch", "2"},
                                                      {"--spectra", "s.safetensors"},
                                                      {"--probabilities", "p.safetensors"}}) {
    Arguments all = of_p;
    all.insert(all.end(), {"--method", "matrix-free"});
    CHECK(contains(refused(all), of_p[0]));
    all = of_p;
    all.insert(all.end(), {"--values", "8"});
    CHECK(contains(refused(all), of_p[0]));
  }
  for (const Arguments& alone : std::vector<Arguments>{{"--values", "8"},
                                                       {"--tolerance", "0.1"},
                                                       {"--basis", "200"},
                                                       {"--probes", "4"},
                                                       {"--lengths", "32,64"}}) {
    Arguments all = alone;
    all.insert(all.end(), {"--method", "fast"});
    CHECK(contains(refused(all), alone[0]));
  }
  refused({"--values", "0"});
  refused({"--tolerance", "0"});
  refused({"--probes", "-1"});
  CHECK(contains(refused({"--values", "40", "--basis", "39"}), "--basis"));
  refused({"--lengths", "0..4"});
  refused({"--lengths", "32", "--length", "64"});
  refused({"--lengths", "64,100000"});
}

TEST_CASE("spectra without P agree with those of P for models with biases by distance") {
  for (const char* name : {"models/t5", "models/umt5"}) {
    for (const char* stack : {"encoder", "decoder", "cross"}) {
      CAPTURE(name, stack);
      const TemporaryFolder folder;
      folder.put("ids.jsonl", kIds);
      check_against_dense(folder,
                          {"--checkpoint", fixtures() + "/" + name, "--ids", "ids.jsonl", "--stack", stack});
    }
  }
}

TEST_CASE("the method auto does without P where it does not fit, unless an option needs it") {
  const TemporaryFolder folder;
  const Arguments base = {"--length", "512", "--sequences", "1", "--layers", "0"};
  const auto with = [&](Arguments more) {
    more.insert(more.begin(), base.begin(), base.end());
    return more;
  };
  const ProgramResult small = analyze(folder, with({"--memory", "26MiB"}));
  INFO(small.err);
  CHECK(small.code == 0);
  CHECK(contains(small.err, "matrix-free"));
  CHECK(Json::parse(folder.content("r.json")).at("method").at("singular_values") == "matrix-free");
  CHECK(analyze(folder, with({"--memory", "26MiB", "--no-centred"})).code == 5);
  CHECK(analyze(folder, with({"--memory", "2GiB"})).code == 0);
  CHECK(Json::parse(folder.content("r.json")).at("method").at("singular_values") == "fast");
}

TEST_CASE("a dry run without P writes nothing") {
  const TemporaryFolder folder;
  const ProgramResult result = analyze(folder, {"--length", "64", "--sequences", "2", "--layers", "0",
                                                "--method", "matrix-free", "--dry-run"});
  CHECK(result.code == 0);
  CHECK(contains(result.out, "by matrix-free, lengths 64\n"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("a signal keeps the heads that are finished without P, and the run can be resumed") {
  const TemporaryFolder folder;
  const auto locked = [&](int) { return std::filesystem::exists(folder.path("r.json.partial.lock")); };
  const Arguments options = {"--lengths", "384,512", "--sequences", "1", "--values", "64"};
  const ProgramResult result = analyze(folder, options, {.folder = "", .signal = SIGTERM, .when = locked});
  INFO("stderr: " << result.err);
  REQUIRE(result.signalled);
  CHECK(result.code == 128 + SIGTERM);
  const Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  CHECK(report.at("complete") == false);
  CHECK(report.at("stopped_because") == "interrupted");
  CHECK(contains(result.err, "stopped after"));
  CHECK(contains(result.err, "--resume"));
  REQUIRE(std::filesystem::exists(folder.path("r.json.partial")));
  CHECK(analyze(folder, options).code == 2);  // neither --resume nor --force
  Arguments other = options;
  other.insert(other.end(), {"--probes", "4", "--resume"});
  CHECK(analyze(folder, other).code == 2);

  Arguments resume = options;
  resume.emplace_back("--resume");
  const std::string resumed = report_of(folder, resume).at("results").dump();
  CHECK_FALSE(std::filesystem::exists(folder.path("r.json.partial")));
  CHECK(resumed == report_of(folder, options).at("results").dump());
}

}  // namespace linformer
