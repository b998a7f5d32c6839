// SPDX-License-Identifier: MIT
// The Linformers of tests/oracle/linformers.py, as they are and changed.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "io/error_of.h"
#include "recorded_model.h"

namespace linformer {

inline std::vector<std::string> variants() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixture("linformers"))) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline std::string weights_of(const std::string& variant) {
  const std::string folder = fixture("linformers/" + variant);
  for (const char* name : {"/model.pt", "/model.safetensors", "/pytorch_model.bin"}) {
    if (std::filesystem::exists(folder + name)) return folder + name;
  }
  FAIL("no weights in " << folder);
  return "";
}

inline RecordedModel compare(const std::string& variant) {
  return {weights_of(variant), fixture("linformers/" + variant)};
}

inline ModelPlan plan_of(const std::string& variant) {
  return plan_model(Checkpoint::open(weights_of(variant), true));
}

/// A fixture's tensors in f32, to be changed and written as safetensors, with its config.json.
class Changed {
 public:
  explicit Changed(const std::string& variant) {
    const Checkpoint checkpoint = Checkpoint::open(weights_of(variant), true);
    config = checkpoint.known_config();
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      if (!is_float(tensor.dtype)) continue;
      std::vector<float> values(static_cast<size_t>(tensor.elements()));
      copy_as_f32(tensor, "fixture", values);
      tensors[tensor.name] = made_floats(tensor.name, tensor.shape, values);
    }
  }

  void put(const std::string& name, Shape shape) {
    const std::vector<float> values(static_cast<size_t>(element_count(shape).value()), 0.1f);
    tensors[name] = made_floats(name, std::move(shape), values);
  }
  std::string path() const {
    folder_.put("config.json", config.dump());
    std::vector<MadeTensor> list;
    for (const auto& [name, tensor] : tensors) list.push_back(tensor);
    return put_tensors(folder_, list, "model.safetensors");
  }
  std::optional<Error> refusal() const {
    const std::string file = path();
    return error_of([&] { plan_model(Checkpoint::open(file, true)); });
  }

  std::map<std::string, MadeTensor> tensors;
  nlohmann::json config;

 private:
  TemporaryFolder folder_;
};

/// What a model shows of one sequence.
inline std::vector<KeptLayer> layers_of(const Model& model, const std::vector<int32_t>& ids, Run& run) {
  const std::span<const int32_t> view(ids);
  Keeper kept;
  ForwardPass(model, make_mechanism("standard"), run)
      .run(TokenBatch{&view, 1}, {}, model.architecture().layers, &kept);
  return kept.layers;
}

}  // namespace linformer
