// SPDX-License-Identifier: MIT
#include "tokenizer/documents.h"

#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "tokenizer/helpers.h"

using namespace linformer;
using test::contains;
using test::message_of;
using test::TemporaryFile;

namespace {

std::vector<IdList> lines_from(const std::string& text) {
  std::istringstream stream(text);
  return read_ids("-", stream);
}

std::vector<std::vector<int32_t>> ids_from(const std::string& text) {
  std::vector<std::vector<int32_t>> lists;
  for (const IdList& line : lines_from(text)) lists.push_back(line.ids);
  return lists;
}

std::string refused_ids(const std::string& text) {
  return message_of(ErrorCode::kInput, [&] { ids_from(text); });
}

}  // namespace

TEST_CASE("A plain file is one document and a jsonl file one a line", "[tokenizer]") {
  const TemporaryFile plain("plain.txt", "one\ntwo\n");
  const TemporaryFile lines("lines.jsonl", "{\"text\": \"first\"}\n\n{\"id\": 7, \"text\": \"\"}\r\n");
  std::istringstream stream("from a pipe");
  const auto documents = read_documents({plain.path(), lines.path(), "-"}, stream);
  REQUIRE(documents.size() == 4);
  CHECK(documents[0].text == "one\ntwo\n");
  CHECK(documents[0].name == plain.path());
  CHECK(documents[1].text == "first");
  CHECK(documents[2].text.empty());
  CHECK(documents[2].name == lines.path() + ":3");
  CHECK(documents[3].text == "from a pipe");
}

TEST_CASE("Standard input is JSON lines if its first line is an object with text", "[tokenizer]") {
  const auto texts = [](const std::string& input) {
    std::istringstream stream(input);
    std::vector<std::string> result;
    for (const Document& document : read_documents({"-"}, stream)) result.push_back(document.text);
    return result;
  };
  using Texts = std::vector<std::string>;
  CHECK(texts("\n {\"text\": \"a\"}\n\n{\"text\": \"b\"}") == Texts{"a", "b"});
  for (const std::string plain :
       {"{\"id\": 1}\n{\"text\": \"b\"}", "{ a b\n", "[\"text\"]", "{", "x\n{\"text\": \"b\"}"})
    CHECK(texts(plain) == Texts{plain});
  CHECK(contains(message_of(ErrorCode::kInput, [&] { texts("{\"text\": \"a\"}\nplain"); }),
                 "standard input: line 2"));
}

TEST_CASE("A wrong line of text is named", "[tokenizer]") {
  const auto refusal = [](const std::string& text) {
    return message_of(ErrorCode::kInput, [&] { documents_from_jsonl("f.jsonl", text); });
  };
  const std::string good = "{\"text\": \"a\"}\n";
  for (const std::string bad :
       {"{\"txt\": \"a\"}", "{\"text\": 3}", "[1]", "{\"text\": \"a\"", "plain text"}) {
    CHECK(contains(refusal(good + bad + "\n" + good), "f.jsonl: line 2"));
  }
  CHECK(documents_from_jsonl("f.jsonl", good + good).size() == 2);
}

TEST_CASE("Text that is missing or empty altogether is refused", "[tokenizer]") {
  std::istringstream stream;
  const TemporaryFile empty("empty.txt", "");
  const auto refusal = [&](const std::vector<std::string>& paths) {
    return message_of(ErrorCode::kInput, [&] { read_documents(paths, stream); });
  };
  CHECK(contains(refusal({"/nonexistent/text"}), "/nonexistent/text"));
  CHECK(contains(refusal({"/tmp"}), "/tmp"));
  CHECK(contains(refusal({empty.path()}), empty.path()));
  CHECK(contains(refusal({"-"}), "no text"));
  CHECK_FALSE(message_of(ErrorCode::kUsage, [&] { read_documents({"-", "-"}, stream); }).empty());
}

TEST_CASE("Ids are arrays or objects with ids, a line each", "[tokenizer]") {
  using Lists = std::vector<std::vector<int32_t>>;
  CHECK(ids_from("[1, 2, 2147483647]\n{\"ids\": [0]}\n\n[]") == Lists{{1, 2, 2147483647}, {0}, {}});
  const TemporaryFile file("ids.jsonl", "[5]\n");
  std::istringstream unused;
  CHECK(read_ids(file.path(), unused).at(0).ids == std::vector<int32_t>{5});
}

TEST_CASE("A line of ids may name its document", "[tokenizer]") {
  const auto lines = lines_from("{\"document\": 4, \"ids\": [1]}\n[2]\n");
  CHECK(lines.at(0).document == 4);
  CHECK_FALSE(lines.at(1).document);
  CHECK(contains(refused_ids("{\"document\": \"x\", \"ids\": [1]}"), "document"));
}

TEST_CASE("a text with a zero byte near its beginning is refused") {
  std::istringstream stream(std::string("PK\0\0", 4));
  CHECK(contains(message_of(ErrorCode::kInput, [&] { read_documents({"-"}, stream); }), "zero byte"));
  std::istringstream late(std::string(9000, 'x') + '\0');
  CHECK(read_documents({"-"}, late).size() == 1);
}

TEST_CASE("Ids that are not ids are refused with their line", "[tokenizer]") {
  for (const std::string bad : {"[1, -1]", "[2147483648]", "[18446744073709551615]", "[1.0]", "[\"a\"]", "{}",
                                "3", "{\"ids\": 3}", "[1", "[null]"}) {
    CHECK(contains(refused_ids("[1]\n" + bad), "line 2"));
  }
  CHECK(contains(refused_ids("\n"), "no ids"));
}
