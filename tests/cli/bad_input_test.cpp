// SPDX-License-Identifier: MIT
// Exit codes 3, 4 and 5: what is read is wrong, not supported, or does not fit.
#include <cmath>
#include <limits>

#include "catch.h"
#include "checkpoint_copy.h"
#include "io/error_of.h"
#include "places.h"
#include "program.h"
#include "tensors.h"

namespace linformer {
namespace {

using Arguments = std::vector<std::string>;

// Runs in `folder`, expects this code and these parts of the message, and that nothing was written.
void check_fails(const TemporaryFolder& folder, const Arguments& arguments, int code,
                 const std::vector<std::string>& parts, const std::string& input = "") {
  const auto entries = folder.entries();
  const ProgramResult result = run_program(arguments, {.folder = folder.path(), .input = input});
  INFO("arguments: " << Catch::Detail::stringify(arguments));
  INFO("stderr: " << result.err);
  CHECK(result.code == code);
  for (const std::string& part : parts) CHECK(contains(result.err, part));
  CHECK(folder.entries() == entries);
}

Arguments analyze(const std::string& checkpoint, Arguments more = {"--length", "16", "--sequences", "1"}) {
  Arguments all = {"analyze-spectrum", "--checkpoint", checkpoint, "--out", "r.json", "--control", "none"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("a checkpoint that cannot be read is exit 3 and named") {
  const TemporaryFolder folder;
  check_fails(folder, {"info", "missing"}, 3, {"missing", "not found as a path"});
  check_fails(folder, analyze("missing"), 3, {"missing", "not found as a path"});
  check_fails(folder, analyze(folder.path()), 3, {folder.path()});

  const CheckpointCopy truncated("masked-lm");
  const std::string bytes = truncated.folder().content("model.safetensors");
  truncated.folder().put("model.safetensors", bytes.substr(0, bytes.size() - 100));
  check_fails(folder, {"info", truncated.path()}, 3, {"model.safetensors"});
  truncated.folder().put("model.safetensors", bytes.substr(0, 5));
  check_fails(folder, {"info", truncated.path()}, 3, {"model.safetensors"});
  truncated.folder().put("model.safetensors",
                         safetensors_bytes("{" + tensor_json("w", "F32", "[1000]", 0, 4) + "}", "abcd"));
  check_fails(folder, {"info", truncated.path()}, 3, {"model.safetensors", "w"});
  truncated.folder().put("model.safetensors", little_endian(uint64_t{1} << 62) + "{}");
  check_fails(folder, {"info", truncated.path()}, 3, {"model.safetensors"});

  const CheckpointCopy bare("masked-lm");
  std::filesystem::remove(bare.folder().path("config.json"));
  check_fails(folder, {"info", bare.path()}, 3, {"config.json"});
}

TEST_CASE("a weight that is not a number is exit 3 and names the tensor") {
  const TemporaryFolder folder;
  const std::string tensor = "bert.encoder.layer.1.attention.self.key.weight";
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const CheckpointCopy copy("masked-lm");
    copy.set_first(tensor, value);
    check_fails(folder, analyze(copy.path()), 3, {"model.safetensors", tensor});
  }
}

TEST_CASE("a config that does not fit its tensors is exit 3 and names key or tensor") {
  const TemporaryFolder folder;
  const CheckpointCopy heads("masked-lm");
  heads.configure("num_attention_heads", 5);
  check_fails(folder, {"info", heads.path()}, 3, {"config.json", "num_attention_heads", "48"});
  const CheckpointCopy layers("masked-lm");
  layers.configure("num_hidden_layers", 3);
  check_fails(folder, {"info", layers.path()}, 3, {"layer.2"});
  const CheckpointCopy width("masked-lm");
  width.configure("hidden_size", 64);
  check_fails(folder, {"info", width.path()}, 3, {"48", "64"});
  const CheckpointCopy negative("masked-lm");
  negative.configure("num_hidden_layers", -1);
  check_fails(folder, {"info", negative.path()}, 3, {"config.json", "num_hidden_layers", "-1"});
  const CheckpointCopy broken("masked-lm");
  broken.folder().put("config.json", "{\"model_type\": \"bert\",");
  check_fails(folder, {"info", broken.path()}, 3, {"config.json"});
}

TEST_CASE("a token in the text that the model has no embedding of is exit 3, with its name") {
  const TemporaryFolder folder;
  const CheckpointCopy copy("masked-lm");
  copy.folder().put("vocab.txt", copy.folder().content("vocab.txt") + "one\ntwo\nthree\n");
  folder.put("one.txt", "a b c d e f g one h i j k l m n o p q r s t u v w x y z");
  check_fails(folder, analyze(copy.path(), {"--text", "one.txt", "--length", "16"}), 3,
              {"token \"one\"", "id 100", "ids below 100"});
  std::filesystem::remove(copy.folder().path("vocab.txt"));
  check_fails(folder, analyze(copy.path()), 3, {copy.path(), "vocab.txt"});
}

TEST_CASE("a text that is missing, no UTF-8 or too short is exit 3, with both numbers") {
  const TemporaryFolder folder;
  folder.put("short.txt", "the end.");
  folder.put("empty.txt", "");
  folder.put("bad.jsonl", "{\"text\": \"good\"}\n{\"no-text\": 1}\n");
  const std::string model = bert_fixture("masked-lm");
  check_fails(folder, analyze(model, {"--text", "missing.txt"}), 3, {"missing.txt", "No such file"});
  check_fails(folder, analyze(model, {"--text", "short.txt", "--length", "64"}), 3,
              {"0 sequences", "1 of 64"});
  check_fails(folder, analyze(model, {"--text", "empty.txt"}), 3, {"empty.txt", "no text"});
  check_fails(folder, analyze(model, {"--text", "short.txt", "--length", "3", "--sequences", "500"}), 3,
              {"500"});
  check_fails(folder, analyze(model, {"--text", "short.txt", "--sequences", "2", "--per-document"}), 3,
              {"which give 1 sequence;", "Give more documents, or fewer --sequences"});
  check_fails(folder, analyze(model, {"--text", "-", "--length", "64"}), 3, {"0 sequences"}, "a b c");
  check_fails(folder, analyze(model, {"--text", "bad.jsonl"}), 3, {"bad.jsonl", "2"});
  check_fails(folder, {"tokenize", "--checkpoint", model, "--text", "missing.txt"}, 3, {"missing.txt"});
  check_fails(folder, {"attention", "--checkpoint", model, "--sequences", "99999999", "--out", "a"}, 3,
              {"99999999"});
}

TEST_CASE("ids that are malformed or out of range are exit 3 and name the line") {
  const TemporaryFolder folder;
  const std::string model = bert_fixture("masked-lm");
  const auto ids = [&](const std::string& text, const std::vector<std::string>& parts) {
    folder.put("ids.jsonl", text);
    check_fails(folder, analyze(model, {"--ids", "ids.jsonl"}), 3, parts);
  };
  ids("[2, 5, 3]\n[2, 5,\n", {"ids.jsonl", "2"});
  ids("[2, 5, 3]\n{\"tokens\": [2]}\n", {"ids.jsonl", "2", "ids"});
  ids("[2, 5, 3]\n\n[2, \"x\", 3]\n", {"ids.jsonl", "3"});
  ids("[2, 5, 3]\n[2, 100, 3]\n", {"ids.jsonl:2", "id 100", "below 100"});
  ids("[2, -1, 3]\n", {"ids.jsonl", "-1"});
  ids("[2, 1.5, 3]\n", {"ids.jsonl", "1"});
  ids("[2, 4294967301, 3]\n", {"ids.jsonl", "4294967301"});
  ids(ids_jsonl(1, 65), {"ids.jsonl:1", "65 ids", "64 positions"});
  ids("", {"ids.jsonl"});
  ids("[]\n", {"ids.jsonl", "0 sequences", "Give more lines with ids"});
  ids("{\"ids\": [2, 3], \"document\": 1.5}\n", {"line 1: 1.5", "whole number"});
  ids("{\"ids\": [2, 3], \"document\": -1}\n", {"line 1: -1", "whole number from 0"});
  ids("{\"ids\": [2, 3], \"document\": 18446744073709551615}\n", {"18446744073709551615", "2^40"});
  check_fails(folder, analyze(model, {"--ids", "missing.jsonl"}), 3, {"missing.jsonl"});
  folder.put("two.jsonl", ids_jsonl(2, 8));
  check_fails(folder, analyze(model, {"--ids", "two.jsonl", "--sequences", "3"}), 3, {"2 sequences", "3"});
}

TEST_CASE("probabilities that are none are exit 3 and name file and tensor") {
  const TemporaryFolder folder;
  const Shape shape = {1, 2, 8, 8};
  const std::string name = "layers.0.probabilities", file = "p.safetensors";
  const auto check = [&](const std::string& tensor, const Shape& as, const std::vector<float>& values,
                         Arguments more, const std::vector<std::string>& parts) {
    write_tensor(folder.path(file), tensor, as, values);
    Arguments all = {"analyze-spectrum", "--probabilities", file, "--control", "none", "--out", "r.json"};
    all.insert(all.end(), more.begin(), more.end());
    check_fails(folder, all, 3, parts);
  };
  std::vector<float> values = distributions(shape, false);
  values[70] = std::nanf("");
  check(name, shape, values, {}, {file, name});
  values = distributions(shape, false);
  for (size_t i = 72; i < 80; ++i) values[i] *= 2;
  check(name, shape, values, {}, {file, name, "2"});
  values = distributions(shape, false);
  values[3] -= 1, values[4] += 1;
  check(name, shape, values, {}, {file, name});
  values = distributions(shape, false);
  check(name, {2, 8, 8}, values, {}, {file, name, "[2, 8, 8]"});
  check("weights", shape, values, {}, {file, name});
  folder.put(file, "no safetensors at all");
  check_fails(folder, {"analyze-spectrum", "--probabilities", file, "--out", "r.json"}, 3, {file});
  check_fails(folder, {"analyze-spectrum", "--qk", "missing", "--out", "r.json"}, 3, {"missing"});
  write_tensor(folder.path(file), "layers.0.q", shape, values);
  check_fails(folder, {"analyze-spectrum", "--qk", file, "--out", "r.json"}, 3, {file, "layers.0.k"});
}

TEST_CASE("probabilities that see the future are no causal ones") {
  const TemporaryFolder folder;
  write_tensor(folder.path("p.safetensors"), "layers.0.probabilities", {1, 2, 8, 8},
               distributions({1, 2, 8, 8}, false));
  check_fails(folder, {"analyze-spectrum", "--probabilities", "p.safetensors", "--causal", "--out", "r.json"},
              3, {"p.safetensors", "layers.0.probabilities"});
}

TEST_CASE("what is recognised but not supported is exit 4 by name, with the way out") {
  const TemporaryFolder folder;
  check_fails(folder, {"info", bert_fixture("relative")}, 4,
              {"config.json", "relative_key", "absolute", "--probabilities"});
  const CheckpointCopy family("masked-lm");
  family.configure("model_type", "mamba9");
  check_fails(folder, {"info", family.path()}, 4, {"config.json", "mamba9", "bert"});
  check_fails(folder, analyze(family.path()), 4, {"mamba9"});
  const CheckpointCopy activation("masked-lm");
  activation.configure("hidden_act", "mish");
  check_fails(folder, {"info", activation.path()}, 4, {"hidden_act", "mish", "gelu"});
  const CheckpointCopy onnx("masked-lm");
  std::filesystem::rename(onnx.folder().path("model.safetensors"), onnx.folder().path("model.onnx"));
  check_fails(folder, {"info", onnx.path()}, 4, {"model.onnx", "ONNX", "safetensors"});
}

TEST_CASE("what does not fit the memory allowed is exit 5 with both numbers") {
  const TemporaryFolder folder;
  for (const Arguments& arguments :
       {Arguments{"analyze-spectrum", "--sequences", "1", "--memory", "1MB", "--out", "r.json"},
        Arguments{"attention", "--sequences", "1", "--memory", "1MB", "--out", "a.safetensors"},
        Arguments{"info", "--check", "--sequences", "1", "--memory", "1MB"}}) {
    check_fails(folder, arguments, 5, {"--memory", "needs", "976.6 KiB"});
  }
  // The model fits, the analysis does not.
  const CheckpointCopy copy("masked-lm");
  folder.put("ids.jsonl", ids_jsonl(400, 64));
  check_fails(folder,
              {"analyze-spectrum", "--checkpoint", copy.path(), "--ids", "ids.jsonl", "--memory", "500kB",
               "--out", "r.json"},
              5, {"--memory: the analysis", "needs", "488.3 KiB"});
}

TEST_CASE("weights that overflow inside the model are exit 3, and no NaN is written") {
  const TemporaryFolder folder;
  const CheckpointCopy copy("masked-lm");
  copy.set_first("bert.encoder.layer.1.attention.self.query.weight", std::numeric_limits<float>::max());
  copy.set_first("bert.encoder.layer.1.attention.self.key.weight", std::numeric_limits<float>::max());
  folder.put("ids.jsonl", ids_jsonl(2, 8));
  for (const std::string part : {"probabilities", "logits", "hidden"}) {
    check_fails(
        folder,
        {"attention", "--checkpoint", copy.path(), "--ids", "ids.jsonl", "--save", part, "--out", "a"}, 3,
        {"layers.1." + part + ", sequence 0: NaN or infinity"});
  }
  check_fails(folder, {"info", copy.path(), "--check", "--ids", "ids.jsonl"}, 3,
              {copy.path(), "loss that is not finite"});
}

TEST_CASE("a head size beyond all models is exit 3 before anything is made of it") {
  const TemporaryFolder folder;
  const std::string model = fixtures() + "/models/llama";
  std::filesystem::copy(model, folder.path("llama"), std::filesystem::copy_options::recursive);
  nlohmann::json config = nlohmann::json::parse(folder.content("llama/config.json"));
  for (const int64_t size : {int64_t{1} << 17, int64_t{1} << 26, int64_t{1} << 31}) {
    config["head_dim"] = size;
    folder.put("llama/config.json", config.dump());
    const ProgramResult result = run_program({"info", "llama"}, {.folder = folder.path()});
    INFO("stderr: " << result.err);
    CHECK(result.code == 3);
    CHECK(contains(result.err, "head size: " + std::to_string(size)));
    CHECK(result.peak_bytes < 1'000'000'000);  // sanitizers take some
  }
}

TEST_CASE("weights of layers that config.json does not count are told, unless --quiet") {
  const TemporaryFolder folder;
  const auto messages = [&](const std::string& checkpoint, const Arguments& more) {
    Arguments all = {"info", checkpoint};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run_program(all, {.folder = folder.path()});
    CHECK(result.code == 0);
    return result.err;
  };
  const CheckpointCopy copy("masked-lm");
  CHECK(messages(copy.path(), {}).empty());
  copy.configure("num_hidden_layers", 1);
  CHECK(
      contains(messages(copy.path(), {}), "16 tensors of layers are not used, e.g. 'bert.encoder.layer.1."));
  CHECK(messages(copy.path(), {"--quiet"}).empty());
  folder.put("ids.jsonl", ids_jsonl(1, 8));
  const ProgramResult run =
      run_program(analyze(copy.path(), {"--ids", "ids.jsonl"}), {.folder = folder.path()});
  CHECK(run.code == 0);
  CHECK(contains(run.err, "16 tensors of layers are not used"));
}

TEST_CASE("a weight of integers is refused as such") {
  const TemporaryFolder folder;
  const CheckpointCopy copy("masked-lm");
  std::string bytes = copy.folder().content("model.safetensors");
  const std::string name = "\"bert.embeddings.word_embeddings.weight\":";
  const size_t type = bytes.find("F32", bytes.find(name));
  bytes.replace(type, 3, "I32");
  copy.folder().put("model.safetensors", bytes);
  check_fails(folder, {"info", copy.path()}, 3, {"word_embeddings", "type I32; expected floating point"});
}

}  // namespace
}  // namespace linformer
