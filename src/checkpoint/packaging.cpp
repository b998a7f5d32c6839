// SPDX-License-Identifier: MIT
#include "checkpoint/packaging.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kConvert =
    "Convert it to one model.safetensors: model.save_pretrained(folder, safe_serialization=True, "
    "max_shard_size='1TB') in transformers";

/// Packagings by the end of the file's name, most telling first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kByEnding = {
    {{".safetensors.index.json", "a sharded checkpoint"},
     {".bin.index.json", "a sharded PyTorch checkpoint"},
     {".gguf", "a GGUF file"},
     {".bin", "a PyTorch checkpoint"},
     {".pt", "a PyTorch checkpoint"},
     {".pth", "a PyTorch checkpoint"},
     {".ckpt", "a PyTorch checkpoint"},
     {".h5", "a TensorFlow checkpoint"},
     {".ckpt.index", "a TensorFlow checkpoint"},
     {".pb", "a TensorFlow model"},
     {".msgpack", "a Flax checkpoint"},
     {".onnx", "an ONNX model"},
     {".npz", "a NumPy archive"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kByMagic = {
    {{"GGUF", "a GGUF file"},
     {"PK\x03\x04", "a PyTorch checkpoint or another zip file"},
     {"\x80\x02", "a PyTorch checkpoint (pickle)"},
     {"\x89HDF", "a TensorFlow checkpoint (HDF5)"}}};

[[noreturn]] void fail_packaging(const std::string& path, std::string_view what) {
  throw Error(ErrorCode::kUnsupported, {.subject = path,
                                        .found = fmt::format("{}, which is not read yet", what),
                                        .expected = std::string(kWeights),
                                        .remedy = std::string(kConvert)});
}

std::optional<std::string_view> packaging_of_name(std::string_view name) {
  for (const auto& [ending, what] : kByEnding) {
    if (name.ends_with(ending)) return what;
  }
  return std::nullopt;
}

std::optional<std::string_view> packaging_of_content(const std::string& path) {
  constexpr std::string_view kSafetensors("\0\0\0\0{", 5);  // end of the header's length, its first byte
  std::string start(9, '\0');
  std::ifstream(path, std::ios::binary).read(start.data(), static_cast<std::streamsize>(start.size()));
  if (start.ends_with(kSafetensors)) return std::nullopt;
  for (const auto& [magic, what] : kByMagic) {
    if (start.starts_with(magic)) return what;
  }
  return std::nullopt;
}

[[noreturn]] void fail_missing(const std::string& path, const std::error_code& error) {
  const bool hub_name = std::ranges::count(path, '/') == 1 && path.front() != '/' && path.front() != '.' &&
                        path.back() != '/' && !path.ends_with(".safetensors");
  if (!hub_name) {
    throw Error(ErrorCode::kInput, {.subject = path,
                                    .found = error ? error.message() : "not found",
                                    .expected = "a folder with config.json and model.safetensors, or a file",
                                    .remedy = "Check the path"});
  }
  throw Error(ErrorCode::kInput, {.subject = path,
                                  .found = "not found as a folder or file here",
                                  .expected = "a path; names of the hub are not looked up yet",
                                  .remedy = "Give the folder that the model was downloaded to, such as "
                                            "~/.cache/huggingface/hub/models--ORG--NAME/snapshots/COMMIT"});
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) {
    throw Error(ErrorCode::kInput,
                {.subject = folder, .found = error.message(), .remedy = "Ask for read permission"});
  }
  std::ranges::sort(names);
  return names;
}

std::string locate_in_folder(const std::string& folder) {
  const std::vector<std::string> names = names_in(folder);
  if (std::ranges::find(names, kWeights) != names.end()) return (fs::path(folder) / kWeights).string();
  for (const auto& ending : kByEnding) {
    for (const std::string& name : names) {
      if (name.ends_with(ending.first) && name != "training_args.bin") {
        fail_packaging((fs::path(folder) / name).string(), ending.second);
      }
    }
  }
  const auto other =
      std::ranges::find_if(names, [](const std::string& name) { return name.ends_with(".safetensors"); });
  throw Error(ErrorCode::kInput,
              {.subject = folder,
               .found = "no model.safetensors in this folder",
               .expected = "config.json and model.safetensors",
               .remedy = other == names.end() ? "Check the path"
                                              : fmt::format("Give the file itself, such as {}",
                                                            (fs::path(folder) / *other).string())});
}

}  // namespace

std::string locate_weights(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail_missing(path, error);
  if (fs::is_directory(status)) return locate_in_folder(path);
  const std::string name = fs::path(path).filename().string();
  if (name.ends_with(".safetensors")) return path;
  if (const auto what = packaging_of_name(name)) fail_packaging(path, *what);
  if (name.ends_with(".json") || name.ends_with(".txt")) {
    throw Error(ErrorCode::kInput, {.subject = path,
                                    .found = "a file beside the weights",
                                    .expected = "a folder, or a .safetensors file",
                                    .remedy = "Give its folder"});
  }
  if (fs::is_regular_file(status)) {
    if (const auto what = packaging_of_content(path)) fail_packaging(path, *what);
  }
  return path;
}

}  // namespace linformer
