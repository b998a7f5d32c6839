// SPDX-License-Identifier: MIT
// A fixture checkpoint that a test may spoil.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/safetensors_bytes.h"
#include "io/temporary_folder.h"
#include "program.h"

namespace linformer {

class CheckpointCopy {
 public:
  explicit CheckpointCopy(const std::string& fixture) {
    std::filesystem::copy(bert_fixture(fixture), folder_.path(), std::filesystem::copy_options::recursive);
    std::filesystem::remove(folder_.path("expected.safetensors"));
  }

  const TemporaryFolder& folder() const { return folder_; }
  const std::string& path() const { return folder_.path(); }

  /// Sets a member of config.json.
  void configure(const std::string& key, const nlohmann::json& value) const {
    nlohmann::json config = nlohmann::json::parse(folder_.content("config.json"));
    config[key] = value;
    folder_.put("config.json", config.dump());
  }

  /// Overwrites the first element of an f32 tensor.
  void set_first(const std::string& tensor, float value) const {
    std::string bytes = folder_.content("model.safetensors");
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    const nlohmann::json header = nlohmann::json::parse(bytes.substr(8, length));
    const uint64_t begin = header.at(tensor).at("data_offsets").at(0);
    std::memcpy(bytes.data() + 8 + length + begin, &value, sizeof value);
    folder_.put("model.safetensors", bytes);
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace linformer
