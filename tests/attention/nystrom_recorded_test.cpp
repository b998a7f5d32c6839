// SPDX-License-Identifier: MIT
// A Nyströmformer's attention beside what the package nystrom-attention computes.
#include <nlohmann/json.hpp>

#include "attention/naive_attention.h"
#include "checkpoint/tensor_file.h"
#include "io/json.h"
#include "model/recorded.h"
#include "places.h"

namespace linformer {
namespace {

struct RecordedHead {
  Heads storage;

  RecordedHead(const TensorFile& file, const std::string& name)
      : storage(1, 1, file.get(name).shape[0], file.get(name).shape[1]) {
    storage.storage = recorded_floats(file, name);
    storage.view.data = storage.storage.data();
  }
};

}  // namespace

TEST_CASE("nystrom attention is what its package computes") {
  const TensorFile file = TensorFile::open(fixtures() + "/nystrom/expected.safetensors", true);
  const nlohmann::json cases = parse_json(file.metadata().at("cases"), "cases");
  CHECK(cases.size() == 6);
  for (const auto& [name, options] : cases.items()) {
    INFO(name);
    const RecordedHead q(file, name + ".q"), k(file, name + ".k"), v(file, name + ".v"), o(file, name + ".o");
    const int64_t n = q.storage.view.rows, d = q.storage.view.cols;
    const AttentionShape s{.batch = 1,
                           .heads = 1,
                           .queries = n,
                           .keys = n,
                           .head_size = d,
                           .value_size = d,
                           .scale = 1 / std::sqrt(static_cast<float>(d))};
    const Heads out(1, 1, n, d);
    run_mechanism(
        "nystrom:landmarks=" + options["landmarks"].dump() + ",iterations=" + options["iterations"].dump(), s,
        {.q = q.storage.view, .k = k.storage.view, .v = v.storage.view}, out.view, {}, 2);
    double most = 0, error = 0;
    for (size_t i = 0; i < out.storage.size(); ++i) {
      const auto truth = static_cast<double>(o.storage.storage[i]);
      most = std::max(most, std::abs(truth));
      error = std::max(error, std::abs(static_cast<double>(out.storage[i]) - truth));
    }
    CHECK(error <= 1e-5 * most);
    CHECK(most > 0.1);
  }
}

}  // namespace linformer
