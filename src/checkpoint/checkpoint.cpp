// SPDX-License-Identifier: MIT
#include "checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <span>
#include <system_error>

#include "base/error.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/packaging.h"
#include "io/json.h"
#include "io/sha256.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kWeights = "model.safetensors";
constexpr std::array<std::string_view, 12> kSideFiles = {kConfig,
                                                         "vocab.txt",
                                                         "tokenizer.json",
                                                         "tokenizer_config.json",
                                                         "special_tokens_map.json",
                                                         "added_tokens.json",
                                                         "vocab.json",
                                                         "merges.txt",
                                                         "spiece.model",
                                                         "sentencepiece.bpe.model",
                                                         "tokenizer.model",
                                                         "bpe.codes"};
/// A model's description is a few kB; what is larger is none.
constexpr size_t kMaxConfigBytes = size_t{16} << 20;

template <class Tensor>
std::string describe(const Tensor& tensor, std::string_view dtype) {
  return fmt::format("{} {} ", dtype, to_string(tensor.shape)) + tensor.name;
}

/// The bytes of a row-major copy.
void hash_values(const TensorInfo& tensor, Sha256& hash) {
  if (tensor.strides.empty()) return hash.update(tensor.bytes);
  std::array<std::byte, kPartBytes> room;
  const int64_t count = tensor.elements();
  for (int64_t done = 0; done < count; done += kPartElements) {
    hash.update(row_major_part(tensor, done, std::min(kPartElements, count - done), room));
  }
}

/// The files beside these weights that a model may have.
std::vector<fs::path> side_files_of(const fs::path& weights) {
  std::vector<fs::path> files;
  for (const std::string_view name : kSideFiles) {
    const fs::path file = weights.parent_path() / name;
    std::error_code error;
    if (fs::exists(file, error)) files.push_back(file);
  }
  return files;
}

}  // namespace

std::vector<std::string> Checkpoint::files_of(const std::string& path, const std::string& hub_cache) {
  const std::string weights = locate_weights(resolve_hub_name(path, hub_cache));
  std::vector<std::string> files = weight_files(weights);
  for (const fs::path& file : side_files_of(weights)) files.push_back(file.string());
  return files;
}

Checkpoint Checkpoint::open(const std::string& path, bool map, const std::string& hub_cache) {
  Checkpoint checkpoint;
  checkpoint.path_ = path;
  const std::string weights = locate_weights(resolve_hub_name(path, hub_cache));
  const fs::path folder = fs::path(weights).parent_path();
  checkpoint.folder_ = folder.empty() ? "" : (folder / "").string();
  checkpoint.weights_ = std::make_shared<Weights>(open_weights(weights, map));
  for (const fs::path& file : side_files_of(weights)) {
    checkpoint.files_.emplace(file.filename().string(), FileBytes::open(file.string(), map));
  }
  checkpoint.parse_config();
  return checkpoint;
}

Checkpoint Checkpoint::embedded(
    std::string name, const std::vector<std::pair<std::string, std::span<const std::byte>>>& files) {
  Checkpoint checkpoint;
  checkpoint.path_ = std::move(name);
  checkpoint.folder_ = checkpoint.path_ + "/";
  for (const auto& [file_name, bytes] : files) {
    auto file = FileBytes::embedded(checkpoint.folder_ + file_name, bytes);
    if (file_name == kWeights) {
      checkpoint.weights_ = std::make_shared<Weights>(open_weights(std::move(file)));
    } else {
      checkpoint.files_.emplace(file_name, std::move(file));
    }
  }
  if (checkpoint.weights_ == nullptr) {
    throw Error(ErrorCode::kInternal, {.subject = checkpoint.path_, .found = "no model.safetensors in it"});
  }
  checkpoint.parse_config();
  return checkpoint;
}

void Checkpoint::parse_config() {
  if (const std::optional<std::string_view> text = file(kConfig)) parse_config_file(*text);
  const std::string& description = weights_->tensors.description();
  if (description.empty()) return;
  const nlohmann::json own = parse_json(description, weights_path());
  if (!own.is_object()) {
    throw Error(ErrorCode::kInput, {.subject = weights_path(),
                                    .item = "description of the model",
                                    .found = fmt::format("JSON {}", own.type_name()),
                                    .expected = "an object"});
  }
  config_.update(own);
}

void Checkpoint::parse_config_file(std::string_view text) {
  const std::string path = path_of(kConfig);
  if (text.size() > kMaxConfigBytes) {
    throw Error(ErrorCode::kInput, {.subject = path,
                                    .found = fmt::format("{} bytes", text.size()),
                                    .expected = "a model's config.json, at most 16 MiB"});
  }
  config_ = parse_json(text, path);
  if (config_.is_object()) return;
  throw Error(ErrorCode::kInput, {.subject = path,
                                  .found = fmt::format("JSON {}", config_.type_name()),
                                  .expected = "an object",
                                  .remedy = "Take the config.json that belongs to the model"});
}

std::string Checkpoint::path_of(std::string_view file_name) const { return folder_ + std::string(file_name); }

const nlohmann::json& Checkpoint::config() const {
  if (files_.contains(kConfig) || config_.contains("model_type")) return config_;
  throw Error(ErrorCode::kInput,
              {.subject = path_of(kConfig),
               .found = "missing; the weights alone do not tell the model's heads and layers",
               .expected = "config.json beside the weights",
               .remedy = "Copy it from where the checkpoint came from"});
}

std::optional<std::string_view> Checkpoint::file(std::string_view file_name) const {
  const auto entry = files_.find(file_name);
  return entry == files_.end() ? std::nullopt : std::optional(entry->second->text());
}

int64_t Checkpoint::total_bytes() const {
  int64_t bytes = weights_->tensors.file_bytes();
  for (const auto& [name, file] : files_) bytes += static_cast<int64_t>(file->bytes().size());
  return bytes;
}

std::string Checkpoint::fingerprint(const std::vector<std::string>& tensors) const {
  Sha256 hash;
  hash.update_part(file(kConfig).value_or(""));
  for (const TensorInfo& tensor : weights_->tensors.tensors()) {
    hash.update_part(describe(tensor, name_of(tensor.dtype)));
  }
  for (const UnreadableTensor& tensor : weights_->tensors.unreadable()) {
    hash.update_part(describe(tensor, tensor.dtype));
  }
  for (const std::string& name : std::set(tensors.begin(), tensors.end())) {
    hash.update_part(name);
    hash_values(get(name), hash);
  }
  return hash.hex_digest();
}

}  // namespace linformer
