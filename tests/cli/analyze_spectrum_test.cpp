// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
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

ProgramResult analyze(const TemporaryFolder& folder, const Arguments& more, ProgramRun run = {}) {
  Arguments all = {"analyze-spectrum"};
  all.insert(all.end(), more.begin(), more.end());
  run.folder = folder.path();
  ProgramResult result = run_program(all, run);
  INFO("arguments: " << Catch::Detail::stringify(all));
  INFO("stderr: " << result.err);
  REQUIRE(result.code == 0);
  return result;
}

Arguments on_fixture(Arguments more) {
  Arguments all = {"--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("an analysis writes a report that its schema accepts, curves and spectra") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(5, 16));
  const ProgramResult result = analyze(
      folder, on_fixture({"--control", "matched,permuted", "--out", "r.json", "--spectra", "s.safetensors"}));
  CHECK(contains(result.out, "c_4"));
  CHECK(contains(result.err, "r.json"));
  CHECK(folder.entries() == 4);

  const Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report.at("complete") == true);
  CHECK(report.at("results").at("sequences") == 5);
  CHECK(report.at("results").at("equal_length") == true);
  CHECK(report.at("results").at("length") == 16);
  CHECK(report.at("checks").at("passed") == true);
  CHECK(report.at("checks").at("matrices") == 5 * 2 * 4);
  CHECK(report.at("curves_csv") == "r.curves.csv");

  // Series: probabilities, centred, matched, permuted. Layer rows have bands too.
  const std::vector<std::string> csv = lines_of(folder.content("r.curves.csv"));
  CHECK(csv.at(0) == "layer,head,series,statistic,m,value");
  int64_t heads = 0;
  for (const std::string& line : csv)
    heads += contains(line, ",probabilities,cumulative,") && !contains(line, ",,");
  CHECK(heads == 2 * 4 * 16);
  const auto last = std::find_if(csv.begin(), csv.end(), [](const std::string& line) {
    return line.starts_with("1,3,probabilities,cumulative,16,");
  });
  REQUIRE(last != csv.end());
  CHECK(std::abs(std::stod(last->substr(last->rfind(',') + 1)) - 1) < 1e-12);
  for (const char* series : {"centred", "matched", "permuted"}) {
    CHECK(std::any_of(csv.begin(), csv.end(), [&](const std::string& line) {
      return line.starts_with("0,0," + std::string(series) + ",energy,1,");
    }));
  }

  const TensorFile spectra = TensorFile::open(folder.path("s.safetensors"), false);
  REQUIRE(spectra.tensors().size() == 2);
  for (const TensorInfo& tensor : spectra.tensors()) {
    CHECK(tensor.shape == Shape{5, 4, 16});
    const std::vector<float> values = floats_of(spectra, tensor.name);
    for (size_t i = 0; i < values.size(); i += 16) {
      CHECK(std::is_sorted(values.begin() + static_cast<std::ptrdiff_t>(i),
                           values.begin() + static_cast<std::ptrdiff_t>(i + 16), std::greater<>()));
      CHECK(values[i] >= 1 - 1e-5f);  // P is row-stochastic
      CHECK(values[i + 15] >= 0);
    }
  }
}

TEST_CASE("the report says of the spectra what they say themselves") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(5, 16));
  analyze(folder, on_fixture({"--control", "none", "--at", "3,50%", "--out", "r.json", "--spectra",
                              "s.safetensors", "--quiet"}));
  const Json report = Json::parse(folder.content("r.json"));
  const TensorFile spectra = TensorFile::open(folder.path("s.safetensors"), false);
  const std::vector<float> values = floats_of(spectra, "layers.1.singular_values");
  double c3 = 0, rank = 0;
  for (size_t s = 0; s < 5; ++s) {
    const float* sigma = values.data() + (s * 4 + 2) * 16;  // head 2
    double sum = 0, entropy = 0;
    for (int i = 0; i < 16; ++i) sum += static_cast<double>(sigma[i]);
    for (int i = 0; i < 16; ++i) {
      const double p = static_cast<double>(sigma[i]) / sum;
      if (p > 0) entropy -= p * std::log(p);
    }
    c3 += static_cast<double>(sigma[0] + sigma[1] + sigma[2]) / sum / 5;
    rank += std::exp(entropy) / 5;
  }
  const Json& statistics =
      report.at("results").at("series").at(0).at("layers").at(1).at("heads").at(2).at("statistics");
  INFO(statistics.dump());
  CHECK(std::abs(statistics.at("cumulative_at_3").at("mean").get<double>() - c3) < 1e-6);
  CHECK(std::abs(statistics.at("effective_rank").at("mean").get<double>() - rank) < 1e-5);
}

TEST_CASE("the option --out - prints the report alone and writes no file") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  const ProgramResult result = analyze(folder, on_fixture({"--out", "-", "--control", "none"}));
  CHECK(schema_errors(Json::parse(result.out), kSchema).empty());
  CHECK(folder.entries() == 1);
}

TEST_CASE("without --out the report is a new file here") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  analyze(folder, on_fixture({"--control", "none"}));
  CHECK(folder.entries() == 3);
  bool found = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    const std::string name = entry.path().filename().string();
    found = found || (name.starts_with("linformer-analyze-spectrum-20") && name.ends_with("Z.json"));
  }
  CHECK(found);
}

TEST_CASE("every format of stdout can be read back") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  const auto output = [&](const char* format) {
    return analyze(folder,
                   on_fixture({"--out", "r.json", "--control", "none", "--format", format, "--quiet"}))
        .out;
  };
  const std::string json = output("json");
  CHECK(json == folder.content("r.json"));
  const std::string jsonl = output("jsonl");
  CHECK(lines_of(jsonl).size() == 1);
  CHECK(Json::parse(jsonl) == Json::parse(folder.content("r.json")));
  const std::vector<std::string> csv = lines_of(output("csv"));
  REQUIRE(csv.size() > 8);
  CHECK(csv[0].starts_with("series,layer,head,"));
  for (const std::string& line : csv)
    CHECK(std::count(line.begin(), line.end(), ',') == std::count(csv[0].begin(), csv[0].end(), ','));
  const std::vector<std::string> markdown = lines_of(output("markdown"));
  CHECK(std::count_if(markdown.begin(), markdown.end(),
                      [](const std::string& line) { return line.starts_with("|"); }) >= 4);
}

TEST_CASE("colour comes only when it is asked for, and --quiet keeps stderr empty") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  const Arguments base = on_fixture({"--out", "r.json", "--control", "none"});
  const auto colours = [&](const Arguments& more, const std::map<std::string, std::string>& environment) {
    Arguments all = base;
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = analyze(folder, all, {.folder = "", .environment = environment});
    CHECK_FALSE(contains(result.err, "\x1b"));
    return contains(result.out, "\x1b[");
  };
  CHECK_FALSE(colours({}, {}));
  CHECK(colours({"--color", "always"}, {}));
  CHECK(colours({"--color", "always"}, {{"NO_COLOR", "1"}}));
  CHECK_FALSE(colours({"--color", "never"}, {{"FORCE_COLOR", "1"}}));
  CHECK(colours({}, {{"FORCE_COLOR", "1"}}));
  CHECK_FALSE(colours({}, {{"FORCE_COLOR", "1"}, {"NO_COLOR", "1"}}));
  Arguments quiet = base;
  quiet.emplace_back("--quiet");
  CHECK(analyze(folder, quiet).err.empty());
}

TEST_CASE("the option --dry-run says what would run and writes nothing") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  const ProgramResult result = analyze(folder, on_fixture({"--out", "r.json", "--dry-run"}));
  CHECK(contains(result.out, "2 sequences"));
  CHECK(contains(result.out, "16 matrices"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("the option --model analyses an encoder with random weights on random ids, by the seed") {
  const TemporaryFolder folder;
  const auto results_of = [&](const Arguments& more) {
    Arguments all = {
        "--model", "layers=2,width=48,heads=3,ffn=96", "--length", "40", "--sequences", "6", "--out",
        "r.json"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = analyze(folder, all);
    CHECK(contains(result.out, "random weights"));
    const Json report = Json::parse(folder.content("r.json"));
    CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
    CHECK(report.at("input").at("architecture").at("heads") == 3);
    CHECK(report.at("results").at("unit") == "document");
    CHECK(report.at("results").at("sequences") == 6);
    return report.at("results").dump();
  };
  const std::string first = results_of({"--threads", "1"});
  CHECK(results_of({"--threads", "2"}) == first);
  CHECK(results_of({"--seed", "2"}) != first);
  for (const Arguments& wrong :
       std::vector<Arguments>{{"--model", "no-such-model"},
                              {"--model", "roberta-base", "--checkpoint", "x"},
                              {"--model", "roberta-base", "--ids", "ids.jsonl"},
                              {"--model", "roberta-base", "--drop-special-tokens"},
                              {"--model", "roberta-base", "--qk", "qk.safetensors"}}) {
    Arguments all = {"analyze-spectrum"};
    all.insert(all.end(), wrong.begin(), wrong.end());
    CAPTURE(Catch::Detail::stringify(wrong));
    CHECK(run_program(all, {.folder = folder.path()}).code == 2);
  }
}

TEST_CASE("a dry run projects the time of more sequences than are run, phase by phase") {
  const TemporaryFolder folder;
  const ProgramResult result =
      analyze(folder, {"--model", "layers=1,width=32,heads=2,ffn=64", "--length", "64", "--sequences",
                       "20000", "--control", "none", "--dry-run"});
  CHECK(contains(result.out, "20000 sequences"));
  for (const char* phase : {"forward pass but softmax", "softmax", "singular values", "statistics"}) {
    CHECK(contains(result.out, phase));
  }
  CHECK(folder.entries() == 0);
}

TEST_CASE("fast keeps its promise on every head of a trained model, special tokens cut out or not") {
  for (const Arguments& more : std::vector<Arguments>{{}, {"--drop-special-tokens"}}) {
    const TemporaryFolder folder;
    Arguments all = {"--length", "200",      "--sequences", "2",     "--control",
                     "none",     "--verify", "1",           "--out", "r.json"};
    all.insert(all.end(), more.begin(), more.end());
    analyze(folder, all);
    const Json checks = Json::parse(folder.content("r.json")).at("checks");
    CHECK(checks.at("verified") == 24);
    CHECK(checks.at("largest_verified_error").get<double>() <= 2e-6);
  }
}

TEST_CASE("a report says what the softmax took of the forward pass, and how long threads waited") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(3, 64));
  analyze(folder, on_fixture({"--out", "r.json", "--threads", "2"}));
  const Json phases = Json::parse(folder.content("r.json")).at("phases");
  const auto softmax = phases.at("softmax_seconds").get<double>();
  CHECK(softmax > 0);
  CHECK(softmax < phases.at("forward_seconds").get<double>());
  const auto idle = phases.at("singular_values_idle_share").get<double>();
  CHECK(idle >= 0);
  CHECK(idle < 1);
}

TEST_CASE("rectangular probabilities are analysed") {
  const TemporaryFolder folder;
  const Shape shape = {3, 2, 12, 5};
  write_tensor(folder.path("p.safetensors"), "layers.0.probabilities", shape, distributions(shape, false));
  analyze(folder, {"--probabilities", "p.safetensors", "--control", "matched,permuted", "--out", "r.json",
                   "--spectra", "s.safetensors"});
  const Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report.at("results").at("length") == 5);
  CHECK(report.at("checks").at("passed") == true);
  CHECK(TensorFile::open(folder.path("s.safetensors"), false).get("layers.0.singular_values").shape ==
        Shape{3, 2, 5});
}

TEST_CASE("causal probabilities have the causal-uniform control") {
  const TemporaryFolder folder;
  const Shape shape = {3, 2, 12, 12};
  write_tensor(folder.path("p.safetensors"), "layers.0.probabilities", shape, distributions(shape, true));
  analyze(folder, {"--probabilities", "p.safetensors", "--causal", "--control",
                   "causal-uniform,matched,permuted", "--out", "r.json"});
  const Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, kSchema).empty());
  bool found = false;
  for (const Json& series : report.at("results").at("series")) {
    if (series.at("name") != "causal-uniform") continue;
    found = true;
    // Row i of the control is 1/(i+1) on i + 1 places: the mean row entropy is the mean of ln(i+1).
    double entropy = 0;
    for (int i = 1; i <= 12; ++i) entropy += std::log(i) / 12;
    CHECK(std::abs(series.at("model").at("statistics").at("row_entropy").at("mean").get<double>() - entropy) <
          1e-5);
  }
  CHECK(found);
}

TEST_CASE("the option --drop-special-tokens cuts both special tokens out of P") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(3, 16));
  analyze(folder, on_fixture({"--control", "none", "--drop-special-tokens", "--out", "r.json", "--spectra",
                              "s.safetensors"}));
  CHECK(Json::parse(folder.content("r.json")).at("results").at("length") == 14);
  CHECK(TensorFile::open(folder.path("s.safetensors"), false).get("layers.0.singular_values").shape ==
        Shape{3, 4, 14});
}

TEST_CASE("the option --drop-special-tokens leaves special tokens of the text in P") {
  const TemporaryFolder folder;
  folder.put("a.txt", "a [UNK] b [MASK] c [SEP] d");
  analyze(folder, {"--checkpoint", bert_fixture("masked-lm"), "--text", "a.txt", "--per-document",
                   "--control", "none", "--drop-special-tokens", "--out", "r.json"});
  CHECK(Json::parse(folder.content("r.json")).at("results").at("length") == 7);
}

TEST_CASE("the option --drop-special-tokens with --ids cuts the ids of the template out wherever they are") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", "[2, 5, 1, 3, 4, 6, 3, 0, 0]\n");
  analyze(folder, on_fixture({"--control", "none", "--drop-special-tokens", "--out", "r.json"}));
  CHECK(Json::parse(folder.content("r.json")).at("results").at("length") == 4);
}

TEST_CASE("documents of different lengths have curves over shares of n") {
  const TemporaryFolder folder;
  folder.put("a.txt", "the quick brown fox");
  folder.put("b.txt", "a b c");
  folder.put("c.txt", "to be or not to be that was it");
  analyze(folder, {"--checkpoint", bert_fixture("masked-lm"), "--text", "a.txt", "b.txt", "c.txt",
                   "--per-document", "--out", "r.json", "--spectra", "s.safetensors"});
  const Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report.at("results").at("equal_length") == false);
  CHECK(report.at("results").at("sequences") == 3);
  const std::vector<std::string> csv = lines_of(folder.content("r.curves.csv"));
  CHECK(csv.at(0) == "layer,head,series,statistic,m_over_n,value");
  CHECK(std::count_if(csv.begin(), csv.end(), [](const std::string& line) {
          return line.starts_with("0,0,probabilities,cumulative,");
        }) == 128);
  const TensorFile spectra = TensorFile::open(folder.path("s.safetensors"), false);
  const std::vector<int64_t> lengths = integers_of(spectra, "lengths");
  REQUIRE(lengths.size() == 3);
  CHECK(lengths[1] == 5);  // [CLS] a b c [SEP]
  CHECK(spectra.get("layers.0.singular_values").shape ==
        Shape{3, 4, *std::max_element(lengths.begin(), lengths.end())});
  const std::vector<float> values = floats_of(spectra, "layers.0.singular_values");
  const size_t size = values.size() / 12;
  CHECK(values[4 * size + 4] > 0);
  CHECK(values[4 * size + 5] == 0);
}

TEST_CASE("the default needs no arguments but a shorter length here") {
  const TemporaryFolder folder;
  const ProgramResult result =
      analyze(folder, {"--length", "64", "--sequences", "6", "--layers", "0", "--out", "r.json"});
  CHECK(contains(result.out, "matched"));
  const Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report.at("results").at("sequences") == 6);
  CHECK_FALSE(report.at("summary").get<std::string>().empty());
}

}  // namespace
}  // namespace linformer
