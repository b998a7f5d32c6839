// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "checkpoint/safetensors_bytes.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"
#include "tensors.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

// The recorded sequences as --ids.
void put_ids(const TemporaryFolder& folder, const TensorFile& expected, const std::vector<int>& sequences) {
  std::string text;
  for (const int s : sequences)
    text += Json(integers_of(expected, "sequence." + std::to_string(s) + ".ids")).dump() + "\n";
  folder.put("ids.jsonl", text);
}

TensorFile expected_of(const std::string& fixture) {
  return TensorFile::open(bert_fixture(fixture) + "/expected.safetensors", false);
}

void check_runs(const TemporaryFolder& folder, const std::vector<std::string>& arguments) {
  const ProgramResult result = run_program(arguments, {.folder = folder.path()});
  INFO("arguments: " << Catch::Detail::stringify(arguments));
  INFO("stderr: " << result.err);
  REQUIRE(result.code == 0);
}

// mean c_M of each layer's heads of the series `probabilities`.
std::vector<double> cumulative_values(const TemporaryFolder& folder, std::vector<std::string> source) {
  source.insert(source.begin(), "analyze-spectrum");
  source.insert(source.end(), {"--control", "none", "--at", "2", "--out", "c.json", "--quiet"});
  check_runs(folder, source);
  const Json report = Json::parse(folder.content("c.json"));
  std::vector<double> values;
  for (const Json& layer : report.at("results").at("series").at(0).at("layers")) {
    for (const Json& head : layer.at("heads")) {
      const Json& statistics = head.at("statistics");
      values.push_back(statistics.at("cumulative_at_2").at("mean"));
    }
  }
  return values;
}

TEST_CASE("attention writes what the reference computes, shorter sequences padded with zeros") {
  for (const char* fixture : {"masked-lm", "gamma-beta"}) {
    INFO(fixture);
    const TemporaryFolder folder;
    const TensorFile expected = expected_of(fixture);
    put_ids(folder, expected, {0, 1, 2});
    check_runs(folder, {"attention", "--checkpoint", bert_fixture(fixture), "--ids", "ids.jsonl", "--batch",
                        "2", "--save", "probabilities,q,k,v,logits,hidden", "--out", "a.safetensors"});
    const TensorFile file = TensorFile::open(folder.path("a.safetensors"), false);
    CHECK(integers_of(file, "lengths") == std::vector<int64_t>{7, 16, 33});
    CHECK(file.metadata().at("complete") == "true");
    size_t compared = 0;
    for (const TensorInfo& tensor : file.tensors()) {
      if (tensor.dtype == DType::kI64 || tensor.name == "final.hidden") continue;
      const std::vector<float> values = floats_of(file, tensor.name);
      const bool square = tensor.name.ends_with("probabilities") || tensor.name.ends_with("logits");
      const size_t rank = tensor.shape.size();
      const int64_t n = tensor.shape[rank - 2], columns = tensor.shape[rank - 1];
      const int64_t heads = rank == 4 ? tensor.shape[1] : 1;
      REQUIRE(n == 33);
      double worst = 0;
      float padding = 0;
      for (int64_t s = 0; s < 3; ++s) {
        const std::vector<float> wanted =
            floats_of(expected, "sequence." + std::to_string(s) + "." + tensor.name);
        const int64_t length = std::vector<int64_t>{7, 16, 33}[static_cast<size_t>(s)];
        const int64_t used = square ? length : columns;
        REQUIRE(static_cast<int64_t>(wanted.size()) == heads * length * used);
        for (int64_t h = 0; h < heads; ++h) {
          for (int64_t i = 0; i < n; ++i) {
            for (int64_t j = 0; j < columns; ++j) {
              const float value = values[static_cast<size_t>(((s * heads + h) * n + i) * columns + j)];
              if (i < length && j < used) {
                const float want = wanted[static_cast<size_t>((h * length + i) * used + j)];
                worst = std::max(worst, static_cast<double>(std::abs(value - want)));
              } else {
                padding = std::max(padding, std::abs(value));
              }
            }
          }
        }
      }
      INFO(tensor.name);
      CHECK(worst <= (tensor.name.ends_with("logits") ? 2e-5 : 1e-5));
      CHECK(padding == 0);
      ++compared;
    }
    CHECK(compared == (std::string(fixture) == "masked-lm" ? 2 : 3) * 6 + 1);
  }
}

TEST_CASE("attention writes only the layers and heads that are chosen") {
  const TemporaryFolder folder;
  const TensorFile expected = expected_of("masked-lm");
  put_ids(folder, expected, {1});
  check_runs(folder, {"attention", "--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl",
                      "--layers", "1", "--heads", "0,3", "--out", "a.safetensors"});
  const TensorFile file = TensorFile::open(folder.path("a.safetensors"), false);
  REQUIRE(file.tensors().size() == 2);  // no lengths: they are equal
  CHECK(file.get("layers.1.probabilities").shape == Shape{1, 2, 16, 16});
  CHECK(integers_of(file, "documents") == std::vector<int64_t>{0});
  const std::vector<float> values = floats_of(file, "layers.1.probabilities");
  const std::vector<float> all = floats_of(expected, "sequence.1.layers.1.probabilities");
  for (size_t i = 0; i < 256; ++i) {
    CHECK(std::abs(values[i] - all[i]) < 1e-5f);
    CHECK(std::abs(values[256 + i] - all[3 * 256 + i]) < 1e-5f);
  }
  CHECK(file.metadata().at("layers") == "1");
  CHECK(file.metadata().at("heads") == "0,3");
}

TEST_CASE("probabilities and q, k in files give the same spectra as the checkpoint") {
  const TemporaryFolder folder;
  const std::string model = bert_fixture("masked-lm");
  folder.put("ids.jsonl", ids_jsonl(4, 24));
  check_runs(folder, {"attention", "--checkpoint", model, "--ids", "ids.jsonl", "--save", "probabilities,q,k",
                      "--out", "a.safetensors"});
  const std::vector<double> direct = cumulative_values(folder, {"--checkpoint", model, "--ids", "ids.jsonl"});
  REQUIRE(direct.size() == 8);
  for (const char* option : {"--probabilities", "--qk"}) {
    const std::vector<double> other = cumulative_values(folder, {option, "a.safetensors"});
    REQUIRE(other.size() == direct.size());
    for (size_t i = 0; i < direct.size(); ++i) CHECK(std::abs(other[i] - direct[i]) < 1e-6);
  }
  // One layer as .npy: the second.
  const TensorFile file = TensorFile::open(folder.path("a.safetensors"), false);
  const TensorInfo& layer = file.get("layers.1.probabilities");
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4, 24, 24), }";
  header.resize(117, ' ');
  header += "\n";
  std::string npy("\x93NUMPY\x01\x00\x76\x00", 10);
  npy += header;
  npy.append(reinterpret_cast<const char*>(layer.bytes.data()), layer.bytes.size());
  folder.put("layer.npy", npy);
  const std::vector<double> one = cumulative_values(folder, {"--probabilities", "layer.npy"});
  REQUIRE(one.size() == 4);
  for (size_t i = 0; i < 4; ++i) CHECK(std::abs(one[i] - direct[4 + i]) < 1e-6);
}

TEST_CASE("probabilities can come through a pipe, as .npy or safetensors") {
  const TemporaryFolder folder;
  const std::vector<float> uniform(2 * 8 * 8, 0.125f);
  const std::string data(reinterpret_cast<const char*>(uniform.data()), uniform.size() * sizeof(float));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 8, 8), }";
  header.resize(117, ' ');
  const std::string npy = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n" + data;
  const std::string safetensors =
      safetensors_bytes("{" + tensor_json("layers.0.probabilities", "F32", "[1,2,8,8]", 0, 512) + "}", data);
  for (const std::string& input : {npy, safetensors}) {
    const ProgramResult result =
        run_program({"analyze-spectrum", "--probabilities", "/dev/stdin", "--control", "none", "--out", "-"},
                    {.folder = folder.path(), .input = input});
    CHECK(result.err == "");
    REQUIRE(result.code == 0);
    CHECK(Json::parse(result.out).at("input").at("heads") == 2);
  }
}

TEST_CASE("a tensor file keeps the documents, and with them the sampling units and their intervals") {
  const TemporaryFolder folder;
  std::string ids;
  for (const char* document : {"7", "7", "1", "9", "3", "1", "5"}) {
    ids += std::string("{\"document\": ") + document + ", \"ids\": [2, 1" + document + ", 20, 30, 3]}\n";
  }
  folder.put("ids.jsonl", ids);
  check_runs(folder, {"attention", "--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl", "--save",
                      "probabilities,q,k", "--out", "a.safetensors"});
  CHECK(integers_of(TensorFile::open(folder.path("a.safetensors"), false), "documents") ==
        std::vector<int64_t>{0, 0, 1, 2, 3, 1, 4});
  for (const char* option : {"--probabilities", "--qk"}) {
    check_runs(folder, {"analyze-spectrum", option, "a.safetensors", "--control", "none", "--out", "r.json",
                        "--quiet"});
    const Json results = Json::parse(folder.content("r.json")).at("results");
    CHECK(results.at("unit") == "document");
    CHECK(results.at("units") == 5);
  }
}

TEST_CASE("what attention wrote of a causal model reads back as causal, with its head size and scales") {
  const TemporaryFolder folder;
  const std::string model = fixtures() + "/models/gpt2";  // s differs from layer to layer
  folder.put("ids.jsonl", "[5,6,7,8,9,10,11,12,13,14,15,16]\n[20,21,22,23,24,25,26,27,28,29,30,31]\n");
  check_runs(folder, {"attention", "--checkpoint", model, "--ids", "ids.jsonl", "--save", "probabilities,q,k",
                      "--out", "a.safetensors"});
  const auto results = [&](std::vector<std::string> source) {
    source.insert(source.begin(), "analyze-spectrum");
    source.insert(source.end(), {"--out", "r.json", "--quiet"});
    check_runs(folder, source);
    return Json::parse(folder.content("r.json"));
  };
  const Json direct = results({"--checkpoint", model, "--ids", "ids.jsonl"});
  for (const char* option : {"--probabilities", "--qk"}) {
    CAPTURE(option);
    const Json read = results({option, "a.safetensors"});
    CHECK(read.at("input").at("causal") == true);
    CHECK(read.at("method").at("matched_head_size") == 8);
    const auto mean = [](const Json& report, size_t series) {
      return report.at("results")
          .at("series")
          .at(series)
          .at("model")
          .at("statistics")
          .begin()
          ->at("mean")
          .get<double>();
    };
    for (size_t series = 0; series < direct.at("results").at("series").size(); ++series) {
      CHECK(std::abs(mean(read, series) - mean(direct, series)) < 1e-6);
    }
  }
  check_runs(folder, {"attention", "--checkpoint", model, "--ids", "ids.jsonl", "--layers", "0", "--save",
                      "q,k", "--out", "first.safetensors"});
  const auto first_layer = [](const Json& report) {
    return report.at("results")
        .at("series")
        .at(0)
        .at("layers")
        .at(0)
        .at("heads")
        .at(0)
        .at("statistics")
        .dump();
  };
  CHECK(first_layer(results({"--qk", "first.safetensors"})) ==
        first_layer(results({"--qk", "a.safetensors"})));
}

TEST_CASE("a padded tensor file gives the same spectra as the checkpoint on sequences of different length") {
  const TemporaryFolder folder;
  const std::string model = bert_fixture("masked-lm");
  folder.put("ids.jsonl", ids_jsonl(2, 12) + ids_jsonl(2, 20));
  check_runs(folder, {"attention", "--checkpoint", model, "--ids", "ids.jsonl", "--save", "probabilities,q,k",
                      "--out", "a.safetensors"});
  const auto effective_rank = [&](std::vector<std::string> source) {
    source.insert(source.begin(), "analyze-spectrum");
    source.insert(source.end(), {"--control", "none", "--out", "e.json", "--quiet"});
    check_runs(folder, source);
    const Json report = Json::parse(folder.content("e.json"));
    CHECK(report.at("results").at("equal_length") == false);
    return report.at("results")
        .at("series")
        .at(0)
        .at("model")
        .at("statistics")
        .at("effective_rank")
        .at("mean")
        .get<double>();
  };
  const double direct = effective_rank({"--checkpoint", model, "--ids", "ids.jsonl"});
  CHECK(std::abs(effective_rank({"--probabilities", "a.safetensors"}) - direct) < 1e-5);
  CHECK(std::abs(effective_rank({"--qk", "a.safetensors"}) - direct) < 1e-5);
}

TEST_CASE("attention interrupted keeps the sequences that are done, marked incomplete") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(100, 64) + ids_jsonl(60, 64));
  // The file being written is there under another name; its second sequence is done once its bytes are not 0.
  const auto second_done = [&](int) {
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      if (!entry.path().string().ends_with(".tmp")) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      char length[8] = {};
      file.read(length, 8);
      uint64_t header = 0;
      std::memcpy(&header, length, 8);
      constexpr int64_t kSequence = 4 * 64 * 64 * 4;
      file.seekg(static_cast<std::streamoff>(8 + header + kSequence));
      float value = 0;
      file.read(reinterpret_cast<char*>(&value), sizeof value);
      if (file && value != 0) return true;
    }
    return false;
  };
  const ProgramResult result =
      run_program({"attention", "--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl", "--threads",
                   "1", "--save", "probabilities,logits,q,k,v,hidden", "--out", "a.safetensors"},
                  {.folder = folder.path(), .signal = SIGTERM, .when = second_done});
  INFO("stderr: " << result.err);
  CHECK(result.code == 128 + SIGTERM);
  CHECK(folder.entries() == 2);
  const TensorFile file = TensorFile::open(folder.path("a.safetensors"), false);
  CHECK(file.metadata().at("complete") == "false");
  const Shape& shape = file.get("layers.1.probabilities").shape;
  CHECK(shape[0] >= 1);
  CHECK(shape[0] < 160);
}

TEST_CASE("a file whose first sequence is one token is read back as what its metadata says") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", "[5]\n[2, 5, 6, 7, 3]\n[2, 15, 16, 3]\n");
  check_runs(folder, {"attention", "--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl", "--out",
                      "a.safetensors"});
  check_runs(folder, {"analyze-spectrum", "--probabilities", "a.safetensors", "--control", "none", "--out",
                      "r.json", "--quiet"});
  CHECK(Json::parse(folder.content("r.json")).at("input").at("causal") == false);
}

}  // namespace
}  // namespace linformer
