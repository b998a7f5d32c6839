// SPDX-License-Identifier: MIT
// --inputs: models of images.
#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "model/images.h"
#include "program.h"

namespace linformer {
namespace {

using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

constexpr ImageShape kShape{.channels = 3, .height = 12, .width = 12, .patch_height = 4, .patch_width = 4};

std::string model(const char* variant) { return fixture(std::string("models/") + variant); }

ProgramResult run_in(const TemporaryFolder& folder, const Arguments& arguments) {
  return run_program(arguments, {.folder = folder.path()});
}

Json report_of(const TemporaryFolder& folder, const Arguments& more) {
  Arguments arguments = {"analyze-spectrum", "--control", "none", "--out", "-", "--quiet"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProgramResult result = run_in(folder, arguments);
  INFO(result.err);
  REQUIRE(result.code == 0);
  return Json::parse(result.out);
}

void check_refused(const TemporaryFolder& folder, int code, const Arguments& arguments,
                   const std::vector<std::string>& named) {
  const ProgramResult result = run_in(folder, arguments);
  INFO("arguments: " << Catch::Detail::stringify(arguments));
  INFO("stderr: " << result.err);
  CHECK(result.code == code);
  CHECK(result.out.empty());
  for (const std::string& part : named) CHECK(contains(result.err, part));
}

TEST_CASE("analyze-spectrum of images takes each as a document and says what it read") {
  const TemporaryFolder folder;
  put_images(folder, 6, kShape);
  const Json report =
      report_of(folder, {"--checkpoint", model("deit"), "--inputs", "images.safetensors", "--batch", "4"});
  CHECK(report.at("results").at("unit") == "document");
  CHECK(report.at("results").at("units") == 6);
  CHECK(report.at("results").at("length") == 11);
  const Json& input = report.at("input");
  CHECK(input.at("inputs") == "images.safetensors");
  CHECK(input.at("sequences") == 6);
  CHECK(input.at("architecture").at("patch_size") == Json({4, 4}));
  CHECK(input.at("architecture").at("prefix_tokens") == 2);
  CHECK_FALSE(input.contains("tokens"));
  const ProgramResult shown = run_in(folder, {"analyze-spectrum", "--checkpoint", model("deit"), "--inputs",
                                              "images.safetensors", "--control", "matched,permuted,init"});
  CHECK(shown.code == 0);
  CHECK(contains(shown.out, "6 images of 11 tokens: images.safetensors"));
  CHECK(contains(shown.out, "over 6 images"));
  CHECK(contains(shown.out, "vs init"));
}

TEST_CASE("Of images the tokens that are no patch can be dropped, and --length may say what there is") {
  const TemporaryFolder folder;
  put_images(folder, 2, kShape);
  const auto length = [&](const char* variant, const Arguments& more) {
    Arguments arguments = {"--checkpoint", model(variant), "--inputs", "images.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return report_of(folder, arguments).at("results").at("length").get<int64_t>();
  };
  CHECK(length("vit", {"--drop-special-tokens"}) == 9);
  CHECK(length("deit", {"--drop-special-tokens"}) == 9);
  CHECK(length("vit", {"--length", "10"}) == 10);
}

TEST_CASE("The identity of a run depends on the pixels that are used") {
  const TemporaryFolder folder;
  put_images(folder, 5, kShape);
  put_images(folder, 3, kShape, "three");
  std::vector<float> other = made_pixels(3, kShape);
  other.back() += 1;
  put_tensors(folder, {made_floats("pixel_values", {3, 3, 12, 12}, other)}, "other");
  const auto report = [&](const Arguments& more) {
    Arguments arguments = {"--checkpoint", model("vit")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return report_of(folder, arguments);
  };
  const Json three = report({"--inputs", "three"});
  const Json part = report({"--inputs", "images.safetensors", "--sequences", "3"});
  CHECK(part.at("identity") == three.at("identity"));
  CHECK(part.at("results") == three.at("results"));
  CHECK(report({"--inputs", "images.safetensors"}).at("identity") != three.at("identity"));
  CHECK(report({"--inputs", "other"}).at("identity") != three.at("identity"));
}

TEST_CASE("Images may come through a pipe") {
  const TemporaryFolder folder;
  const std::string file = put_images(folder, 3, kShape);
  REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  std::thread writer([&] {
    std::ofstream out(folder.path("pipe"), std::ios::binary);
    out << std::ifstream(file, std::ios::binary).rdbuf();
  });
  const Json piped = report_of(folder, {"--checkpoint", model("vit"), "--inputs", "pipe"});
  writer.join();
  CHECK(piped.at("results") ==
        report_of(folder, {"--checkpoint", model("vit"), "--inputs", file, "--no-mmap"}).at("results"));
}

TEST_CASE("attention writes what transformers computes for an image") {
  const TemporaryFolder folder;
  const TensorFile expected = TensorFile::open(model("deit") + "/expected.safetensors", true);
  put_tensors(folder, {made_floats("pixel_values", {1, 3, 12, 12},
                                   recorded_floats(expected, "sequence.1.pixel_values"))});
  const ProgramResult result =
      run_in(folder, {"attention", "--checkpoint", model("deit"), "--inputs", "made.safetensors", "--save",
                      "hidden,probabilities", "--out", "a.safetensors"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const TensorFile file = TensorFile::open(folder.path("a.safetensors"), true);
  CHECK(file.get("layers.1.probabilities").shape == Shape{1, 4, 11, 11});
  for (const char* name : {"embeddings.hidden", "layers.1.probabilities", "final.hidden"}) {
    INFO(name);
    CHECK(agrees(recorded_floats(file, name), recorded_floats(expected, std::string("sequence.1.") + name)));
  }
}

TEST_CASE("Options that do not fit the kind of model are refused, and the message says what does") {
  const TemporaryFolder folder;
  put_images(folder, 2, kShape);
  const std::string vit = model("vit"), file = "images.safetensors",
                    wanted = "pixel_values [images, 3, 12, 12]";
  const std::string analyse = "analyze-spectrum";
  check_refused(folder, 2, {analyse, "--checkpoint", vit}, {"--inputs", "vit", wanted, "FORMATS.md"});
  for (const Arguments& text :
       {Arguments{"--text", "a"}, {"--ids", "a"}, {"--join-documents"}, {"--per-document"}}) {
    Arguments arguments = {analyse, "--checkpoint", vit};
    arguments.insert(arguments.end(), text.begin(), text.end());
    check_refused(folder, 2, arguments, {text[0] + ": given with a vit model", wanted});
    arguments.insert(arguments.end(), {"--inputs", file});
    check_refused(folder, 2, arguments, {text[0], "excludes", "--inputs"});
  }
  check_refused(folder, 2, {"attention", "--checkpoint", vit, "--out", "o"}, {"--inputs", wanted});
  check_refused(folder, 2, {"tokenize", "--checkpoint", vit, "--length", "9", "--text", "a"},
                {"--text", "vit"});
  check_refused(folder, 2, {analyse, "--inputs", file}, {"bert", "token ids", "--checkpoint"});
  check_refused(folder, 2, {analyse, "--checkpoint", model("gpt2"), "--inputs", file}, {"gpt2", "--text"});
  check_refused(folder, 2, {analyse, "--qk", file, "--inputs", file}, {"--qk", "--inputs"});
  check_refused(folder, 2, {analyse, "--probabilities", file, "--inputs", file}, {"--inputs"});
  check_refused(folder, 2, {analyse, "--checkpoint", vit, "--inputs", file, "--length", "9"},
                {"--length: 9", "10", "9 patches"});
  check_refused(folder, 2, {"attention", "--checkpoint", vit, "--inputs", file, "--out", file},
                {file, "what is read"});
  check_refused(folder, 2, {"info", vit, "--inputs", file}, {"--inputs"});
  check_refused(folder, 2, {"tokenize", "--inputs", file}, {"--inputs"});
}

TEST_CASE("A file that does not have the model's images is bad input, found before anything is written") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::vector<MadeTensor>& tensors, const std::vector<std::string>& named,
                           const Arguments& more = {}) {
    put_tensors(folder, tensors);
    Arguments arguments = {"attention",        "--checkpoint", model("vit"), "--inputs",
                           "made.safetensors", "--out",        "o"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    check_refused(folder, 3, arguments, named);
    CHECK(folder.entries() == 1);
  };
  const auto zeros = [](Shape shape) {
    const auto count = static_cast<size_t>(element_count(shape).value());
    return std::vector{made_floats("pixel_values", std::move(shape), std::vector<float>(count))};
  };
  refused({made_floats("pixels", {1}, {0})}, {"made.safetensors", "'pixel_values'", "'pixels'"});
  refused(zeros({1, 3, 24, 24}), {"24 x 24", "12 x 12", "interpolate_pos_encoding"});
  refused(zeros({3, 12, 12}), {"[3, 12, 12]", "[images, 3, 12, 12]"});
  refused(zeros({2, 3, 12, 12}), {"2 images", "at least 3"}, {"--sequences", "3"});
  std::vector<float> bad = made_pixels(2, kShape);
  bad[600] = NAN;
  refused({made_floats("pixel_values", {2, 3, 12, 12}, bad)}, {"'pixel_values', element 600: NaN"});
  check_refused(folder, 3, {"attention", "--checkpoint", model("vit"), "--inputs", "none", "--out", "o"},
                {"none", "cannot be read"});
}

TEST_CASE("info tells how images are cut, and that --check claims nothing of them") {
  const TemporaryFolder folder;
  const ProgramResult shown = run_in(folder, {"info", model("vit-rectangular"), "--format", "json"});
  REQUIRE(shown.code == 0);
  const Json facts = Json::parse(shown.out).at("architecture");
  CHECK(facts.at("image_size") == Json({14, 21}));
  CHECK(facts.at("patch_size") == Json({4, 5}));
  CHECK(facts.at("image_channels") == 2);
  CHECK(facts.at("prefix_tokens") == 1);
  CHECK(facts.at("positions") == 13);
  CHECK_FALSE(facts.contains("vocabulary"));
  check_refused(folder, 2, {"info", model("vit-classifier"), "--check"},
                {"--check", "vit", "classifier", "attention --inputs"});
}

}  // namespace
}  // namespace linformer
