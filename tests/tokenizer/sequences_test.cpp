// SPDX-License-Identifier: MIT
#include "tokenizer/sequences.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "tokenizer/helpers.h"
#include "tokenizer/wordpiece.h"

using namespace linformer;
using test::contains;
using test::message_of;

namespace {

/// Ids: a b c d e are 3 to 7.
const WordPieceTokenizer& tokenizer() {
  static const WordPieceTokenizer made(read_vocabulary("[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\ne\n", "v"), {}, "v");
  return made;
}

PackedText pack_texts(const std::vector<std::string>& texts, const Packing& packing) {
  std::vector<Document> documents;
  for (const std::string& text : texts) documents.push_back({"d" + std::to_string(documents.size()), text});
  return pack(tokenizer(), documents, packing);
}

using Ids = std::vector<int32_t>;

}  // namespace

TEST_CASE("A document of exactly one body gives one sequence and one token less gives none", "[tokenizer]") {
  const PackedText exact = pack_texts({"a b c"}, {.length = 5});
  REQUIRE(exact.sequences.size() == 1);
  CHECK(exact.sequences[0].ids == Ids{1, 3, 4, 5, 2});
  CHECK(exact.dropped_tokens == 0);
  CHECK(exact.short_documents == 0);
  CHECK(exact.documents == std::vector<std::string>{"d0"});

  const PackedText less = pack_texts({"a b"}, {.length = 5});
  CHECK(less.sequences.empty());
  CHECK(less.documents.empty());
  CHECK(less.documents_read == 1);
  CHECK(less.tokens == 2);
  CHECK(less.dropped_tokens == 2);
  CHECK(less.short_documents == 1);
}

TEST_CASE("Sequences never cross documents and tails are dropped and counted", "[tokenizer]") {
  const PackedText packed = pack_texts({"a b c d e", "a", "", "c d"}, {.length = 4});
  REQUIRE(packed.sequences.size() == 3);
  CHECK(packed.sequences[0].ids == Ids{1, 3, 4, 2});
  CHECK(packed.sequences[1].ids == Ids{1, 5, 6, 2});
  CHECK(packed.sequences[2].ids == Ids{1, 5, 6, 2});
  CHECK(packed.sequences[1].document == 0);
  CHECK(packed.sequences[2].document == 1);
  CHECK(packed.documents == std::vector<std::string>{"d0", "d3"});
  CHECK(packed.documents_read == 4);
  CHECK(packed.tokens == 8);
  CHECK(packed.dropped_tokens == 2);
  CHECK(packed.short_documents == 2);
}

TEST_CASE("Joining puts short documents together and shares none between units", "[tokenizer]") {
  const PackedText packed =
      pack_texts({"a b", "a b c d", "c d", "e", "a", "b"}, {.length = 5, .join_documents = true});
  REQUIRE(packed.sequences.size() == 3);
  CHECK(packed.sequences[0].ids == Ids{1, 3, 4, 5, 2});  // d1 alone is long enough
  CHECK(packed.sequences[1].ids == Ids{1, 3, 4, 5, 2});  // d0 and d2; the rest of d2 is dropped
  CHECK(packed.sequences[2].ids == Ids{1, 7, 3, 4, 2});  // d3, d4, d5
  CHECK(packed.documents == std::vector<std::string>{"d1", "d0 and 1 more", "d3 and 2 more"});
  CHECK(packed.sequences[2].document == 2);
  CHECK(packed.dropped_tokens == 2);
  CHECK(pack_texts({"a", "b"}, {.length = 5, .join_documents = true}).dropped_tokens == 2);
}

TEST_CASE("One sequence a document takes short documents as they are", "[tokenizer]") {
  const PackedText packed = pack_texts({"a b c d e", "a", ""}, {.length = 5, .per_document = true});
  REQUIRE(packed.sequences.size() == 2);
  CHECK(packed.sequences[0].ids == Ids{1, 3, 4, 5, 2});
  CHECK(packed.sequences[1].ids == Ids{1, 3, 2});
  CHECK(packed.short_documents == 2);
  CHECK(packed.documents == std::vector<std::string>{"d0", "d1"});
}

TEST_CASE("A limit stops reading", "[tokenizer]") {
  const PackedText packed = pack_texts({"a b c d e a b c", "a b c d"}, {.length = 4, .limit = 3});
  CHECK(packed.sequences.size() == 3);
  CHECK(packed.limited);
  CHECK(packed.documents_read == 1);
  CHECK(packed.tokens == 6);
  CHECK(packed.dropped_tokens == 0);
  CHECK_FALSE(pack_texts({"a b c d"}, {.length = 4, .limit = 3}).limited);
  CHECK(pack_texts({"a b c d"}, {.length = 4, .limit = 0}).sequences.empty());
}

TEST_CASE("A length without room for a token and contradicting ways of packing are refused", "[tokenizer]") {
  CHECK(contains(message_of(ErrorCode::kUsage, [] { pack_texts({"a"}, {.length = 2}); }), "at least 3"));
  CHECK(contains(
      message_of(ErrorCode::kUsage,
                 [] { pack_texts({"a"}, {.length = 9, .join_documents = true, .per_document = true}); }),
      "--per-document"));
  CHECK(pack_texts({"a b"}, {.length = 3}).sequences.size() == 2);
}

TEST_CASE("Lists of ids are sequences as they are", "[tokenizer]") {
  const PackedText packed = sequences_of_ids("f", {{{9, 8}, {}}, {{}, {}}, {{7}, {}}, {{6}, {}}}, 2);
  REQUIRE(packed.sequences.size() == 2);
  CHECK(packed.sequences[1].ids == Ids{7});
  CHECK(packed.sequences[1].document == 1);
  CHECK(packed.documents == std::vector<std::string>{"f:1", "f:3"});
  CHECK(packed.short_documents == 1);
  CHECK(packed.limited);
  CHECK_FALSE(sequences_of_ids("f", {{{1}, {}}}, std::nullopt).limited);
}

TEST_CASE("Lists of ids of one document are sequences of one document", "[tokenizer]") {
  const PackedText packed = sequences_of_ids("f", {{{1}, 7}, {{2}, 3}, {{3}, 7}, {{4}, {}}}, std::nullopt);
  std::vector<int64_t> documents;
  for (const Sequence& sequence : packed.sequences) documents.push_back(sequence.document);
  CHECK(documents == std::vector<int64_t>{0, 1, 0, 2});
  CHECK(packed.documents == std::vector<std::string>{"f:1", "f:2", "f:4"});
}

TEST_CASE("What the template added to a sequence is known by its place, not by its ids", "[tokenizer]") {
  const SequenceTemplate around{{9, 1}, {2}};
  CHECK(template_positions(around, 6) == Ids{0, 1, 5});
  CHECK(template_positions(around, 3) == Ids{0, 1, 2});
  CHECK(template_positions({{}, {2, 2}}, 4) == Ids{2, 3});
  CHECK(template_positions({}, 4).empty());
}

TEST_CASE("In ids from elsewhere the template's ids and padding are found, other special ones not",
          "[tokenizer]") {
  const WordPieceTokenizer padded(read_vocabulary("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n", "v"), {}, "v");
  CHECK(template_id_positions(padded, {2, 5, 1, 3, 4, 5, 3, 0, 0}) == Ids{0, 3, 6, 7, 8});
  CHECK(template_id_positions(padded, {5, 1, 4}).empty());
  CHECK(template_id_positions(tokenizer(), {0, 1, 3, 2}) == Ids{1, 3});  // it has no padding token
}
