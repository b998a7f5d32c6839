// SPDX-License-Identifier: MIT
#include "tokenizer/wordpiece.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "tokenizer/helpers.h"

using namespace linformer;
using test::contains;
using test::message_of;

namespace {

const std::string kVocab =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\nhello\nun\n##aff\n##able\n,\n!\nA\ne\n##e\n\xC3\xA9\n"
    "\xE4\xB8\xAD\n[\nmask\n]\ni\n##i\n##\xCC\x87\n";

WordPieceTokenizer make(const WordPieceOptions& options = {}, const std::string& vocab = kVocab) {
  return WordPieceTokenizer(read_vocabulary(vocab, "vocab.txt"), options, "vocab.txt");
}

std::string tokens(const WordPieceTokenizer& tokenizer, std::string_view text) {
  std::string result;
  for (const int32_t id : tokenizer.encode(text)) {
    result += (result.empty() ? "" : " ") + std::string(tokenizer.token(id));
  }
  return result;
}

std::string refusal(const std::string& vocab, const WordPieceOptions& options = {}) {
  return message_of(ErrorCode::kInput, [&] { make(options, vocab); });
}

}  // namespace

TEST_CASE("Words are cut greedily into the longest pieces", "[tokenizer]") {
  const auto tokenizer = make();
  CHECK(tokens(tokenizer, "Hello, unaffable!") == "hello , un ##aff ##able !");
  CHECK(tokens(tokenizer, "unaffx hello") == "[UNK] hello");
  CHECK(tokens(tokenizer, "") == "");
  CHECK(tokens(tokenizer, " \t\n\r ") == "");
}

TEST_CASE("A word of 100 characters is cut and one of 101 is unknown", "[tokenizer]") {
  const auto tokenizer = make();
  CHECK(tokenizer.encode(std::string(100, 'a')).size() == 100);
  CHECK(tokens(tokenizer, std::string(101, 'a')) == "[UNK]");
  CHECK(tokens(tokenizer, std::string(300, 'a') + " a") == "[UNK] a");
  std::string accented;  // characters count after accents are stripped, and are not bytes
  for (int i = 0; i < 100; ++i) accented += "\xC3\xA9";
  CHECK(tokenizer.encode(accented).size() == 100);
}

TEST_CASE("Special tokens keep their ids wherever they stand in the raw text", "[tokenizer]") {
  const auto tokenizer = make();
  CHECK(tokens(tokenizer, "a[MASK]a[SEP]") == "a [MASK] a [SEP]");
  CHECK(tokens(tokenizer, "[[MASK]]") == "[ [MASK] ]");
  CHECK(tokens(tokenizer, "[mask]") == "[ mask ]");
  CHECK(tokens(tokenizer, "[MAS\xFFK]") == "[ mask ]");
}

TEST_CASE("Options choose case, accents and Chinese characters", "[tokenizer]") {
  CHECK(tokens(make(), "A\xC3\x89") == "a ##e");
  CHECK(tokens(make({.text = {.lowercase = false}}), "A \xC3\xA9 \xC3\x89") == "A \xC3\xA9 [UNK]");
  CHECK(tokens(make({.text = {.lowercase = false, .strip_accents = true}}), "A \xC3\xA9") == "A e");
  CHECK(tokens(make({.text = {.strip_accents = false}}), "\xC3\x89") == "\xC3\xA9");
  CHECK(tokens(make({.text = {.strip_accents = false}}), "\xC4\xB0") == "i ##\xCC\x87");  // U+0130
  CHECK(tokens(make(), "a\xE4\xB8\xADhello") == "a \xE4\xB8\xAD hello");
  CHECK(tokens(make({.text = {.split_chinese = false}}), "a\xE4\xB8\xADhello") == "[UNK]");
}

TEST_CASE("A limit gives the first ids of the whole", "[tokenizer]") {
  const auto tokenizer = make();
  const std::string text = "hello unaffable [MASK]!";
  const auto all = tokenizer.encode(text);
  for (int64_t limit = 0; limit <= 8; ++limit) {
    std::vector<int32_t> ids = {77};
    tokenizer.append_ids(text, limit, ids);
    const auto count = std::min<std::size_t>(all.size(), static_cast<std::size_t>(limit));
    REQUIRE(ids.size() == count + 1);
    CHECK(std::equal(ids.begin() + 1, ids.end(), all.begin()));
  }
}

TEST_CASE("The template, the special ids and the texts of ids come from the vocabulary", "[tokenizer]") {
  const auto tokenizer = make();
  CHECK(tokenizer.sequence_template().before == std::vector<int32_t>{2});
  CHECK(tokenizer.sequence_template().after == std::vector<int32_t>{3});
  CHECK(tokenizer.special_tokens().ids == std::vector<int32_t>{0, 1, 2, 3, 4});
  CHECK(tokenizer.special_tokens().mask == 4);
  CHECK(tokenizer.special_tokens().contains(3));
  CHECK_FALSE(tokenizer.special_tokens().contains(5));
  CHECK(tokenizer.vocabulary_size() == 24);
  CHECK_THROWS_AS(tokenizer.token(24), Error);
  CHECK_THROWS_AS(tokenizer.token(-1), Error);
  CHECK_FALSE(make({}, "[UNK]\n[CLS]\n[SEP]").special_tokens().mask.has_value());
}

TEST_CASE("Lines of a vocabulary keep their numbers, whatever ends them", "[tokenizer]") {
  CHECK(read_vocabulary("a\r\nb\n\n c \nd", "v") == std::vector<std::string>{"a", "b", "", " c ", "d"});
  CHECK(read_vocabulary("a\n", "v") == std::vector<std::string>{"a"});
  const auto tokenizer = make({}, "[UNK]\n[CLS]\n[SEP]\na\nb\na\n");
  CHECK(tokenizer.encode("a b") == std::vector<int32_t>{5, 4});
  CHECK(tokenizer.token(3) == "a");
}

TEST_CASE("A vocabulary that cannot be BERT's is refused with its name", "[tokenizer]") {
  CHECK(contains(refusal(""), "vocab.txt"));
  CHECK(contains(refusal("[CLS]\n[SEP]\n"), "[UNK]"));
  CHECK(contains(refusal("[CLS]\n[SEP]\n"), "--ids"));
  CHECK(contains(refusal("[UNK]\n[SEP]\n"), "[CLS]"));
  CHECK(contains(refusal("[UNK]\n[CLS]\n"), "[SEP]"));
  CHECK(contains(refusal("[UNK]\n\xFF\n"), "byte 6"));
}

TEST_CASE("An added token whose id is another's or leaves a gap is refused", "[tokenizer]") {
  const auto with = [](int32_t id) { return WordPieceOptions{.added = {{"<x>", id, false}}}; };
  CHECK(contains(refusal(kVocab, with(25)), "<x>"));
  CHECK(contains(refusal(kVocab, with(5)), "<x>"));
  CHECK(contains(refusal(kVocab, with(-1)), "<x>"));
  CHECK(refusal(kVocab, with(24)).empty());
}

TEST_CASE("Added tokens are found in the raw text, the longest first", "[tokenizer]") {
  const auto tokenizer = make({.added = {{"<x>", 24, true}, {"<x>y", 25, false}}});
  CHECK(tokenizer.encode("a<x>y<x>a") == std::vector<int32_t>{5, 25, 24, 5});
  CHECK(tokenizer.vocabulary_size() == 26);
  CHECK(tokenizer.special_tokens().contains(24));
  CHECK_FALSE(tokenizer.special_tokens().contains(25));
}
