// SPDX-License-Identifier: MIT
// Linformers in the layouts of other packages.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include "linformer_fixtures.h"

namespace linformer {
namespace {

void check_refused(const Changed& changed, ErrorCode code, const char* named) {
  INFO(named);
  const auto error = changed.refusal();
  REQUIRE(error);
  CHECK(error->code() == code);
  CHECK(contains(error->what(), named));
}

}  // namespace

TEST_CASE(
    "Every Linformer layout agrees with its package in hidden states, q, k, v, logits, P, predictions") {
  REQUIRE(variants().size() >= 14);
  for (const std::string& variant : variants()) {
    INFO(variant);
    CHECK(compare(variant).disagreements() == std::vector<std::string>{});
  }
}

TEST_CASE("What shares E and F, its order, its slots and its biases are read off the tensors") {
  const auto facts = [](const std::string& variant) {
    const Projection p = plan_of(variant).architecture.projection.value();
    return fmt::format("{} {} {} {}{}", name_of(p.sharing), fmt::join(p.k, ","),
                       p.order == Projection::Order::kAfterWeights ? "W,E" : "E,W", p.bias ? "bias" : "plain",
                       p.whole_length ? " whole" : "");
  };
  CHECK(facts("lucidrains") == "headwise 6,6 W,E plain");
  CHECK(facts("lucidrains-share-kv") == "key-value 6,6 W,E plain");
  CHECK(facts("lucidrains-one-kv-head") == "headwise 6,6 W,E plain");
  CHECK(facts("tatp22-layerwise") == "layerwise 6,6 W,E bias whole");
  CHECK(facts("tatp22-kv") == "key-value 6,4 W,E bias whole");
  CHECK(facts("tatp22-headwise") == "headwise 6,6 W,E bias whole");
  CHECK(facts("tatp22-none") == "none 6,6 W,E bias whole");
  CHECK(facts("tatp22-convolution") == "none 8,8 W,E bias whole");
  CHECK(facts("fairseq") == "headwise 5,5 E,W plain");
  CHECK(facts("fairseq-key-value") == "key-value 5,5 E,W plain");
  CHECK(facts("fairseq-layerwise") == "layerwise 5,5 E,W plain");
  CHECK(facts("fairseq-old") == "key-value 5,5 E,W plain");
  CHECK(facts("jargon") == "layerwise 5,5 E,W plain");
}

TEST_CASE("A Linformer's plan uses every tensor but what its package does not apply either") {
  for (const std::string& variant : variants()) {
    const Checkpoint checkpoint = Checkpoint::open(weights_of(variant), true);
    for (const std::string& name : unused_tensors(checkpoint, plan_model(checkpoint))) {
      INFO(variant << ": " << name);
      CHECK((name.ends_with("version") || contains(name, "LayerNorm") || contains(name, "compress")));
    }
  }
  const ModelPlan plan = plan_of("fairseq-layerwise");
  REQUIRE(plan.notes.size() == 1);
  CHECK(contains(plan.notes[0], "not applied"));
}

TEST_CASE("Repeated tensors that safetensors left out are found under the first name") {
  Changed layerwise("tatp22-layerwise"), headwise("tatp22-headwise");
  std::erase_if(layerwise.tensors, [](const auto& entry) {
    return contains(entry.first, ".heads.") && !contains(entry.first, "seq.0.fn.heads.0.E");
  });
  std::erase_if(headwise.tensors, [](const auto& entry) {
    return contains(entry.first, ".heads.") && !contains(entry.first, ".heads.0.");
  });
  CHECK(RecordedModel(layerwise.path(), fixture("linformers/tatp22-layerwise")).disagreements().empty());
  CHECK(RecordedModel(headwise.path(), fixture("linformers/tatp22-headwise")).disagreements().empty());
  CHECK(name_of(plan_model(Checkpoint::open(layerwise.path(), true)).architecture.projection->sharing) ==
        "layerwise");
}

TEST_CASE("Swapped E and F, dropped biases and rolled slots of E are found out") {
  const auto disagrees = [](const std::string& variant, const std::function<void(Changed&)>& change) {
    Changed changed(variant);
    change(changed);
    return !RecordedModel(changed.path(), fixture("linformers/" + variant)).disagreements().empty();
  };
  CHECK_FALSE(disagrees("lucidrains-dim-head", [](Changed&) {}));
  CHECK(disagrees("lucidrains-dim-head", [](Changed& c) {
    const std::string layer = "linformer.net.layers.1.0.fn.";
    std::swap(c.tensors[layer + "proj_k"].bytes, c.tensors[layer + "proj_v"].bytes);
  }));
  CHECK(disagrees("tatp22-none", [](Changed& c) {
    std::string& bias = c.tensors["linformer.fn.seq.2.fn.heads.1.F.bias"].bytes;
    std::fill(bias.begin(), bias.end(), '\0');
  }));
  CHECK(disagrees("fairseq-key-value", [](Changed& c) {
    std::string& e = c.tensors["decoder.sentence_encoder.layers.1.self_attn.compress_k.weight"].bytes;
    std::rotate(e.begin(), e.begin() + 4, e.end());
  }));
}

TEST_CASE("What the weights do not tell is asked for by its key") {
  for (const auto& [variant, key] : {std::pair("lucidrains", "heads"),
                                     {"fairseq-key-value", "encoder_attention_heads"},
                                     {"tatp22-convolution", "input_size"}}) {
    Changed changed(variant);
    changed.config = nlohmann::json::object();
    check_refused(changed, ErrorCode::kInput, key);
  }
}

TEST_CASE("Sizes that contradict each other are refused, naming what is wrong") {
  Changed heads("lucidrains");
  heads.config["heads"] = 7;
  check_refused(heads, ErrorCode::kInput, "heads");
  Changed kv_heads("lucidrains-one-kv-head");
  kv_heads.config["heads"] = 2;
  check_refused(kv_heads, ErrorCode::kInput, "heads");
  Changed length("lucidrains");
  length.put("linformer.net.layers.1.0.fn.proj_k", {19, 6});
  check_refused(length, ErrorCode::kInput, "layers.1.0.fn.proj_k");
  Changed values("lucidrains");
  values.put("linformer.net.layers.0.0.fn.proj_v", {20, 7});
  check_refused(values, ErrorCode::kInput, "proj_v");
  Changed rank("lucidrains");
  rank.put("linformer.net.layers.0.0.fn.proj_k", {20, 6, 1});
  check_refused(rank, ErrorCode::kInput, "proj_k");
  Changed empty("lucidrains");
  empty.put("linformer.net.layers.0.0.fn.proj_k", {20, 0});
  check_refused(empty, ErrorCode::kInput, "proj_k");
  Changed positions("fairseq-key-value");
  positions.put("decoder.sentence_encoder.embed_positions.weight", {21, 24});
  check_refused(positions, ErrorCode::kInput, "pad");
  Changed head("tatp22-none");
  head.put("linformer.fn.seq.0.fn.heads.1.E.weight", {5, 16});
  check_refused(head, ErrorCode::kInput, "heads.1.E.weight");
  Changed kernel("tatp22-convolution");
  kernel.config["input_size"] = 1;
  check_refused(kernel, ErrorCode::kInput, "input_size");
  Changed frequencies("tatp22-kv");
  frequencies.put("pos_emb.inv_freq", {5});
  check_refused(frequencies, ErrorCode::kInput, "inv_freq");
}

TEST_CASE("Variants of Linformers without code are refused by name") {
  const auto only = [](const std::string& name, Shape shape) {
    Changed changed("lucidrains");
    changed.tensors.clear();
    changed.put(name, std::move(shape));
    return changed.refusal();
  };
  for (const auto& [name, named] : {std::pair("linformer.net.blocks.0.f.net.fn.proj_k", "reversible"),
                                    {"net.layers.0.0.fn.proj_k", "LinformerLM"},
                                    {"seq.0.fn.to_q.0.weight", "LinformerLM"},
                                    {"encoder.linformer.seq.0.fn.to_q.0.weight", "decoder"}}) {
    INFO(name);
    const auto error = only(name, {4, 4});
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUnsupported);
    CHECK(contains(error->what(), named));
  }
  Changed random("tatp22-kv");
  std::erase_if(random.tensors, [](const auto& entry) { return contains(entry.first, ".heads."); });
  check_refused(random, ErrorCode::kUnsupported, "no_params");
  Changed causal("tatp22-kv");
  causal.config["causal"] = true;
  check_refused(causal, ErrorCode::kUnsupported, "causal");
}

TEST_CASE("A Linformer without a first layer is refused by the name of what is missing") {
  for (const char* variant : {"fairseq", "fairseq-layerwise", "jargon"}) {
    INFO(variant);
    Changed changed(variant);
    REQUIRE(std::erase_if(changed.tensors, [](const auto& entry) {
              return contains(entry.first, ".0.") && entry.first.ends_with("q_proj.weight");
            }) == 1);
    const auto error = changed.refusal();
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kInput);
    CHECK(contains(error->what(), "q_proj"));
  }
}

}  // namespace linformer
