// SPDX-License-Identifier: MIT
#include "checkpoint/safetensors_writer.h"

#include <numeric>

#include "catch.h"
#include "checkpoint/tensor_file.h"
#include "checkpoint/tensor_values.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

using Floats = std::vector<float>;

Floats values_of(const TensorFile& file, const std::string& name) {
  const TensorInfo& tensor = file.get(name);
  Floats out(tensor.bytes.size() / static_cast<size_t>(size_of(tensor.dtype)));
  copy_as_f32(tensor, file.name(), out);
  return out;
}

std::span<const float> span_of(const Floats& values) { return values; }

TEST_CASE("what is written in pieces and out of order reads back") {
  const TemporaryFolder folder;
  const std::string path = folder.path("out.safetensors");
  SafetensorsWriter writer(path,
                           {{"odd", DType::kU8, {3}},
                            {"x", DType::kF32, {2, 2}},
                            {"lengths", DType::kI64, {2}},
                            {"scalar", DType::kF32, {}},
                            {"empty", DType::kF32, {0, 4}}},
                           {{"layers", "0,1"}});
  writer.write(1, 2, span_of({3, 4}));
  writer.write(1, 0, span_of({1, 2}));
  const std::vector<int64_t> lengths = {7, 9};
  writer.write(2, 0, std::span<const int64_t>(lengths));
  writer.write(3, 0, span_of({5}));
  CHECK_FALSE(std::filesystem::exists(path));
  writer.commit();
  const TensorFile file = TensorFile::open(path, true);
  CHECK(values_of(file, "x") == Floats{1, 2, 3, 4});
  CHECK(values_of(file, "lengths") == Floats{7, 9});
  CHECK(values_of(file, "scalar") == Floats{5});
  CHECK(values_of(file, "odd") == Floats{0, 0, 0});
  CHECK(file.get("x").shape == Shape{2, 2});
  CHECK(file.get("scalar").shape.empty());
  CHECK(file.metadata().at("layers") == "0,1");
  CHECK(folder.entries() == 1);
}

TEST_CASE("every tensor lies at a multiple of its element's size") {
  const TemporaryFolder folder;
  const std::string path = folder.path("out.safetensors");
  SafetensorsWriter(
      path,
      {{"a", DType::kU8, {3}}, {"b", DType::kF16, {3}}, {"c", DType::kF64, {1}}, {"d", DType::kF32, {3}}})
      .commit();
  const TensorFile file = TensorFile::open(path, true);
  for (const TensorInfo& tensor : file.tensors()) {
    CHECK(reinterpret_cast<uintptr_t>(tensor.bytes.data()) % static_cast<uintptr_t>(size_of(tensor.dtype)) ==
          0);
  }
}

TEST_CASE("a writer without commit leaves nothing") {
  const TemporaryFolder folder;
  { SafetensorsWriter(folder.path("out"), {{"x", DType::kF32, {2}}}).write(0, 0, span_of({1, 2})); }
  CHECK(folder.entries() == 0);
}

/// Three tensors of `rows` rows in which element i of tensor t is 1000 t + i.
std::string write_rows(const TemporaryFolder& folder, int64_t rows, int64_t keep,
                       const SafetensorsWriter::Metadata& extra) {
  const std::string path = folder.path("rows.safetensors");
  const std::vector<TensorSpec> specs = {
      {"a", DType::kF32, {rows, 2, 3}}, {"b", DType::kF32, {rows}}, {"c", DType::kF32, {rows, 5}}};
  SafetensorsWriter writer(path, specs, {{"kind", "test"}, {"complete", "true"}});
  for (size_t t = 0; t < specs.size(); ++t) {
    Floats values(static_cast<size_t>(*element_count(specs[t].shape)));
    std::iota(values.begin(), values.end(), 1000.0f * static_cast<float>(t));
    writer.write(t, 0, span_of(values));
  }
  writer.commit_rows(keep, extra);
  return path;
}

TEST_CASE("an interrupted run keeps its rows, and says that it is not complete") {
  const TemporaryFolder folder;
  for (const int64_t keep : {0, 1, 4, 11}) {
    CAPTURE(keep);
    const TensorFile file = TensorFile::open(write_rows(folder, 11, keep, {{"complete", "false"}}), false);
    CHECK(file.metadata().at("complete") == "false");
    CHECK(file.metadata().at("kind") == "test");
    CHECK(file.get("a").shape == Shape{keep, 2, 3});
    float t = 0;
    for (const TensorInfo& tensor : file.tensors()) {
      Floats expected(static_cast<size_t>(*element_count(tensor.shape)));
      std::iota(expected.begin(), expected.end(), 1000.0f * t++);
      CHECK(values_of(file, tensor.name) == expected);
    }
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("rows of several megabytes are moved whole") {
  const TemporaryFolder folder;
  const std::string path = folder.path("out.safetensors");
  constexpr int64_t kRow = 1'500'000;
  SafetensorsWriter writer(path, {{"a", DType::kF32, {2, 8}}, {"b", DType::kF32, {2, kRow}}});
  Floats row(kRow);
  std::iota(row.begin(), row.end(), 0.0f);
  writer.write(1, 0, span_of(row));
  writer.commit_rows(1);
  CHECK(values_of(TensorFile::open(path, true), "b") == row);
}

TEST_CASE("rows that cannot be kept are internal errors and leave nothing") {
  const TemporaryFolder folder;
  CHECK(code_of([&] { write_rows(folder, 3, 4, {}); }) == 7);
  CHECK(code_of([&] { write_rows(folder, 3, -1, {}); }) == 7);
  CHECK(code_of([&] { write_rows(folder, 3, 2, {{"long", std::string(2000, 'x')}}); }) == 7);
  CHECK(code_of([&] {
          SafetensorsWriter(folder.path("o"), {{"a", DType::kF32, {2}}, {"b", DType::kF32, {3}}})
              .commit_rows(1);
        }) == 7);
  CHECK(code_of([&] { SafetensorsWriter(folder.path("o"), {{"a", DType::kF32, {}}}).commit_rows(1); }) == 7);
  CHECK(folder.entries() == 0);
}

TEST_CASE("specs and places that make no sense are internal errors") {
  const TemporaryFolder folder;
  const auto make = [&](std::vector<TensorSpec> specs) {
    SafetensorsWriter(folder.path("o"), std::move(specs));
  };
  CHECK(code_of([&] { make({{"a", DType::kF32, {1}}, {"a", DType::kF32, {1}}}); }) == 7);
  CHECK(code_of([&] { make({{"__metadata__", DType::kF32, {1}}}); }) == 7);
  CHECK(code_of([&] { make({{"a", DType::kF32, {-1}}}); }) == 7);
  CHECK(code_of([&] { make({{"a", DType::kF32, {int64_t{1} << 62}}}); }) == 7);
  SafetensorsWriter writer(folder.path("o"), {{"a", DType::kF32, {2}}});
  CHECK(code_of([&] { writer.write(0, 1, span_of({1, 2})); }) == 7);
  CHECK(code_of([&] { writer.write(0, -1, span_of({1})); }) == 7);
  CHECK(code_of([&] { writer.write(0, 0, std::as_bytes(std::span("abc", 3))); }) == 7);
  CHECK(code_of([&] { writer.write(0, 2, span_of({})); }) == 0);
}

TEST_CASE("a full disk is found before anything is computed") {
  const TemporaryFolder folder;
  const auto too_many = static_cast<int64_t>(std::filesystem::space(folder.path()).capacity);
  const auto error = error_of([&] { SafetensorsWriter(folder.path("o"), {{"a", DType::kF32, {too_many}}}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kWrite);
  CHECK(contains(error->what(), "are free"));
  CHECK(folder.entries() == 0);
  CHECK(code_of([&] { SafetensorsWriter("/dev/full", {{"a", DType::kF32, {1}}}); }) == 6);
  CHECK(code_of([&] { SafetensorsWriter(folder.path(), {{"a", DType::kF32, {1}}}); }) == 6);
  CHECK(code_of([&] { SafetensorsWriter("/dev/null", {{"a", DType::kF32, {1}}}).commit_rows(0); }) == 6);
}

}  // namespace
}  // namespace linformer
