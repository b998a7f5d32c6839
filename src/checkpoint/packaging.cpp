// SPDX-License-Identifier: MIT
#include "checkpoint/packaging.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kPreferred = {"model.safetensors", "model.safetensors.index.json",
                                                        "pytorch_model.bin", "pytorch_model.bin.index.json"};
constexpr std::string_view kExpected = "safetensors, or a state dict as torch.save writes it";
constexpr std::string_view kConvert =
    "Convert it: load it in transformers and model.save_pretrained(folder), which writes model.safetensors";

/// Packagings without code by the end of the file's name, most telling first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kByEnding = {
    {{".gguf", "a GGUF file"},
     {".h5", "a TensorFlow checkpoint"},
     {".ckpt.index", "a TensorFlow checkpoint"},
     {".ckpt.meta", "a TensorFlow checkpoint"},
     {".data-00000-of-00001", "a TensorFlow checkpoint"},
     {".pb", "a TensorFlow model"},
     {".msgpack", "a Flax checkpoint"},
     {".onnx", "an ONNX model"},
     {".npz", "a NumPy archive"}}};

struct Magic {
  size_t at;
  std::string_view bytes;
  std::string_view what;
};

constexpr std::array<Magic, 5> kByMagic = {
    {{0, "GGUF", "a GGUF file"},
     {0, "\x89HDF", "a TensorFlow checkpoint (HDF5)"},
     {0, "\x93NUMPY", "a NumPy array"},
     {257, "ustar", "a tar archive, such as PyTorch before 0.1.10 wrote"},
     {0, "\x80\x02", "a Python pickle that torch.save did not write"}}};

[[noreturn]] void fail_packaging(const std::string& path, std::string_view what) {
  throw Error(ErrorCode::kUnsupported, {.subject = path,
                                        .found = fmt::format("{}, which is not supported", what),
                                        .expected = std::string(kExpected),
                                        .remedy = std::string(kConvert)});
}

std::optional<std::string_view> packaging_of_name(std::string_view name) {
  for (const auto& [ending, what] : kByEnding) {
    if (name.ends_with(ending)) return what;
  }
  return std::nullopt;
}

/// A header's length of less than 4 GiB, and the first byte of the header.
bool begins_as_safetensors(std::string_view text) {
  constexpr std::string_view kStart("\0\0\0\0{", 5);
  return text.size() >= 9 && text.substr(4, 5) == kStart;
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
  for (const std::string_view preferred : kPreferred) {
    if (std::ranges::binary_search(names, preferred)) return (fs::path(folder) / preferred).string();
  }
  const auto one_ending = [&](std::initializer_list<std::string_view> endings) {
    return std::ranges::find_if(names, [&](const std::string& name) {
      return std::ranges::any_of(endings, [&](std::string_view e) { return name.ends_with(e); });
    });
  };
  auto other = one_ending({".safetensors", ".index.json", ".pt", ".pth"});
  if (other == names.end()) {
    for (const std::string& name : names) {
      if (const auto what = packaging_of_name(name))
        fail_packaging((fs::path(folder) / name).string(), *what);
    }
    other = one_ending({".bin", ".ckpt"});
  }
  throw Error(ErrorCode::kInput,
              {.subject = folder,
               .found = "no model.safetensors or pytorch_model.bin in this folder",
               .expected = "config.json and one of these, or an index of several files",
               .remedy = other == names.end() ? "Check the path"
                                              : fmt::format("Give the file itself, such as {}",
                                                            (fs::path(folder) / *other).string())});
}

}  // namespace

std::string locate_weights(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    throw Error(ErrorCode::kInput,
                {.subject = path,
                 .found = error ? error.message() : "not found",
                 .expected = "a folder with config.json and the weights, a file, or a name of the hub",
                 .remedy = "Check the path"});
  }
  if (fs::is_directory(status)) return locate_in_folder(path);
  const bool beside = path.ends_with(".txt") || (path.ends_with(".json") && !path.ends_with(".index.json"));
  if (!beside) return path;
  throw Error(ErrorCode::kInput, {.subject = path,
                                  .found = "a file beside the weights",
                                  .expected = "a folder, the weights, or their index",
                                  .remedy = "Give its folder"});
}

bool is_shard_index(const FileBytes& file) {
  const std::string_view text = file.text();
  const size_t first = text.substr(0, 64).find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{' && !begins_as_safetensors(text);
}

void refuse_other_packagings(const FileBytes& file) {
  const std::string_view text = file.text();
  if (begins_as_safetensors(text)) return;
  if (text.starts_with("version https://git-lfs")) {
    throw Error(ErrorCode::kInput, {.subject = file.name(),
                                    .found = "a pointer of Git LFS in place of the file",
                                    .expected = std::string(kExpected),
                                    .remedy = "Fetch the file: git lfs pull"});
  }
  for (const Magic& magic : kByMagic) {
    if (text.substr(std::min(magic.at, text.size())).starts_with(magic.bytes)) {
      fail_packaging(file.name(), magic.what);
    }
  }
  if (const auto what = packaging_of_name(file.name())) fail_packaging(file.name(), *what);
}

}  // namespace linformer
