// SPDX-License-Identifier: MIT
// Tokenizer files made to take memory or time without end.
#include <cstring>
#include <string>
#include <vector>

#include "allocations.h"
#include "io/json.h"
#include "tokenizer/files.h"
#include "tokenizer/sentencepiece_bytes.h"

using namespace linformer;
using nlohmann::json;
using test::Folder;

namespace {

const std::string kLong(5000, 'a');

json whole(const json& model) {
  return {{"model", model}, {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}}};
}

json bpe(const std::string& token) {
  return whole({{"type", "BPE"}, {"vocab", {{"a", 0}, {token, 1}}}, {"merges", json::array()}});
}

/// Rules of one kind: 'b' becomes `text`. A double array of the root, the node of 'b' and its leaf.
std::string rules(const std::string& text) {
  std::vector<uint32_t> units(128);
  const uint32_t node = 3 ^ 'b';
  const uint32_t leaf = 0x70;
  units[0] = 3u << 10;
  units[node] = 'b' | 1u << 8 | (node ^ leaf) << 10;
  units[leaf] = 0x80000000u;
  std::string bytes(4 + 4 * units.size(), '\0');
  const auto size = static_cast<uint32_t>(4 * units.size());
  std::memcpy(bytes.data(), &size, sizeof size);
  std::memcpy(bytes.data() + sizeof size, units.data(), size);
  return bytes + text + '\0';
}

std::string model_with_rules(const std::string& text) {
  return test::bpe_bytes(test::piece_bytes("c")) + test::bytes_field(3, test::bytes_field(2, rules(text)));
}

size_t bytes_of(const Folder& folder) {
  size_t size = 0;
  for (const auto& [name, content] : folder) size += content.size();
  return size;
}

/// Opens what is not refused, however odd: its tries and merges take a bounded number of bytes a byte.
std::unique_ptr<Tokenizer> open_odd(const Folder& folder) {
  const AllocationPeak peak;
  auto tokenizer = test::open(folder);
  CHECK(peak.bytes() < 64 * static_cast<int64_t>(bytes_of(folder)));
  return tokenizer;
}

/// The message that opening the folder and encoding the text are refused with; empty if they are not.
std::string refusal(const Folder& folder, const std::string& text = "") {
  const auto error = hostile_error(bytes_of(folder) + text.size(), [&] { test::open(folder)->encode(text); });
  if (!error) return "";
  CHECK(error->code() == ErrorCode::kInput);
  return error->what();
}

}  // namespace

TEST_CASE("Bytes as characters and bytes as tokens at once are refused: what neither has would vanish",
          "[tokenizer]") {
  json both = bpe("b");
  both["model"]["byte_fallback"] = true;
  const Folder folder = {{"tokenizer.json", both.dump()}};
  const auto error = error_of([&] { test::open(folder); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kUnsupported);
  CHECK(contains(error->what(), "byte_fallback"));
}

TEST_CASE("A token of thousands of bytes is refused, whatever file has it", "[tokenizer]") {
  const std::string pieces = test::bpe_bytes(test::piece_bytes(kLong));
  json added = bpe("b");
  added["added_tokens"] = {{{"id", 2}, {"content", kLong}}};
  for (const Folder& folder :
       {Folder{{"vocab.txt", "[UNK]\n[CLS]\n[SEP]\n" + kLong + "\n"}}, Folder{{"tokenizer.model", pieces}},
        Folder{{"tokenizer.json", bpe(kLong).dump()}}, Folder{{"tokenizer.json", added.dump()}},
        Folder{{"vocab.json", json{{kLong, 0}}.dump()}, {"merges.txt", ""}}}) {
    CHECK(contains(refusal(folder), "5000 bytes"));
  }
}

TEST_CASE("Pieces of a BPE with every cut a merge take time in proportion to their length", "[tokenizer]") {
  std::string pieces;
  for (std::size_t size = 1; size <= 2000; ++size)
    pieces += test::piece_bytes(std::string(size, 'a'), -static_cast<float>(size));
  const auto tokenizer =
      open_odd({{"tokenizer.model", test::bpe_bytes(pieces) + test::normalizer_bytes(3, 0)}});
  CHECK(tokenizer->encode(std::string(64, 'a')) == std::vector<int32_t>{3 + 63});
}

TEST_CASE("Thousands of control pieces and added tokens are looked up, not searched for", "[tokenizer]") {
  std::string pieces;
  for (int i = 0; i < 100'000; ++i) pieces += test::piece_bytes("<c" + std::to_string(i) + ">", 0, 3);
  const auto tokenizer = open_odd({{"tokenizer.model", test::bpe_bytes(pieces + test::piece_bytes("a"))}});
  CHECK(tokenizer->encode("<c99999>") == std::vector<int32_t>{3 + 99'999});
}

TEST_CASE("A piece at which the SentencePiece library throws is refused", "[tokenizer]") {
  std::string bytes = test::piece_bytes("<unk>", 0, 2) + test::piece_bytes("<s>", 0, 3);
  bytes += test::piece_bytes("</s>", 0, 3) + test::piece_bytes(std::string_view("\0", 1), -1);
  CHECK(contains(refusal({{"spiece.model", bytes}}), "spiece.model"));
}

TEST_CASE("Rules may make a text longer, but not without end", "[tokenizer]") {
  const auto with = [](const std::string& text) {
    return test::open({{"tokenizer.model", model_with_rules(text)}});
  };
  CHECK(with("cc")->encode("b") == with("")->encode("cc"));
  const Folder hostile = {{"tokenizer.model", model_with_rules(std::string(100'000, 'c'))}};
  CHECK(contains(refusal(hostile, std::string(1000, 'b')), "normalizer"));
}

TEST_CASE("Steps of normalisation may not multiply one another's results without end", "[tokenizer]") {
  json tokenizer = bpe("b");
  json steps = json::array();
  for (int i = 0; i < 30; ++i)
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}});
  tokenizer["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
  CHECK(contains(refusal({{"tokenizer.json", tokenizer.dump()}}, std::string(1000, 'a')), "normalizer"));
}
