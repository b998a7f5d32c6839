// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/weights.h"
#include "io/file_bytes.h"

namespace linformer {

/// A model as it is published: tensors, config.json, and the tokenizer's files beside them. Copies share the
/// files. Immutable and thread-safe.
class Checkpoint {
 public:
  /// `path` is a folder, weights whose folder may hold the rest, an index of several files of weights, or a
  /// name of the hub that is looked up in the folder `hub_cache`. Reads headers and small files only; `map`
  /// as in FileBytes. Throws Error(kInput) for what is missing or malformed, Error(kUnsupported) for
  /// packagings that are not read, by name.
  static Checkpoint open(const std::string& path, bool map, const std::string& hub_cache = {});

  /// The files that open(path) reads: the weights, then the side files that are there. Opens an index of
  /// weights only. Throws as open() where there are no weights.
  static std::vector<std::string> files_of(const std::string& path, const std::string& hub_cache = {});

  /// A checkpoint built into the program: file names (model.safetensors among them) with bytes that outlive
  /// it. `name` is its path in messages and reports.
  static Checkpoint embedded(std::string name,
                             const std::vector<std::pair<std::string, std::span<const std::byte>>>& files);

  /// As it was opened.
  const std::string& path() const { return path_; }
  /// The file of the tensors, or the index of the files, for messages about them ...
  const std::string& weights_path() const { return weights_->tensors.name(); }
  /// ... and the file that this tensor of it is in.
  const std::string& weights_path(const TensorInfo& tensor) const { return tensor.file->name(); }
  /// How the weights are packed, e.g. "safetensors".
  std::string_view packaging() const { return weights_->packaging; }
  /// Tensors in files of an index that the index does not name; they count as not there.
  const std::vector<std::string>& unmapped_tensors() const { return weights_->unmapped; }
  /// Where the side file of this name is or would be, for messages about it.
  std::string path_of(std::string_view file_name) const;

  /// The object in config.json, and what the weights say of the model themselves, which comes first. Throws
  /// Error(kInput) if there is no such file and the weights tell no model_type.
  const nlohmann::json& config() const;
  /// The same, however much there is.
  const nlohmann::json& known_config() const { return config_; }
  /// Text of config.json, vocab.txt, tokenizer.json ... as it is; nothing if there is no such file.
  std::optional<std::string_view> file(std::string_view file_name) const;

  /// As TensorSet's.
  const TensorInfo* find(std::string_view tensor) const { return weights_->tensors.find(tensor); }
  const TensorInfo& get(std::string_view tensor) const { return weights_->tensors.get(tensor); }
  const std::vector<TensorInfo>& tensors() const { return weights_->tensors.tensors(); }

  /// Bytes of all files.
  int64_t total_bytes() const;

  /// SHA-256 of config.json, of names, dtypes and shapes of all tensors, and of the bytes of those named: 64
  /// digits that depend on neither the order of `tensors` nor on how the files hold them. Throws as get().
  std::string fingerprint(const std::vector<std::string>& tensors) const;

 private:
  Checkpoint() = default;
  void parse_config();
  void parse_config_file(std::string_view text);

  std::string path_;
  std::string folder_;  ///< of the side files, with a final '/' unless empty
  std::shared_ptr<const Weights> weights_;
  std::map<std::string, std::shared_ptr<const FileBytes>, std::less<>> files_;
  nlohmann::json config_ = nlohmann::json::object();
};

}  // namespace linformer
