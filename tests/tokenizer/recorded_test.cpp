// SPDX-License-Identifier: MIT
// Against what transformers' fast tokenizer gave (tests/oracle/tokens.py).
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "places.h"
#include "tokenizer/open_tokenizer.h"
#include "tokenizer/sequences.h"
#include "tokenizer/unicode.h"
#include "tokenizer/wordpiece.h"

using namespace linformer;
using nlohmann::json;

namespace {

const std::string kFolder = fixtures() + "/tokens/";

const std::map<std::string, BertTextOptions> kOptions = {
    {"lower", {}},
    {"minilm", {}},
    {"cased", {.lowercase = false}},
    {"lower-keep-accents", {.strip_accents = false}},
    {"lower-no-chinese", {.split_chinese = false}},
    {"cased-strip", {.lowercase = false, .strip_accents = true}},
};

WordPieceTokenizer make(const std::string& options) {
  const std::string path = kFolder + "vocab.txt";
  return {read_vocabulary(read_text(path), path), {.text = kOptions.at(options)}, path};
}

std::vector<json> read_lines(const std::string& file) {
  std::vector<json> lines;
  const std::string text = read_text(kFolder + file);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(parse_json(std::string_view(text).substr(at, end - at), file));
    at = end + 1;
  }
  return lines;
}

/// Ranges of codepoints.json as one flag a code point.
std::vector<bool> read_class(const json& classes, const char* name) {
  std::vector<bool> flags(0x110000);
  for (const json& range : classes.at(name)) {
    for (auto c = range[0].get<std::size_t>(); c <= range[1].get<std::size_t>(); ++c) flags[c] = true;
  }
  return flags;
}

/// Code points that the recorded class has and `test` has not.
template <class F>
std::vector<char32_t> missing(const std::vector<bool>& recorded, F&& test) {
  std::vector<char32_t> codes;
  for (char32_t c = 0; c < recorded.size(); ++c) {
    if (recorded[c] && !test(c)) codes.push_back(c);
  }
  return codes;
}

/// The same with the parts exchanged, surrogates apart.
template <class F>
std::size_t count_extra(const std::vector<bool>& recorded, F&& test) {
  std::size_t count = 0;
  for (char32_t c = 0; c < recorded.size(); ++c) {
    if (!recorded[c] && (c < 0xD800 || c > 0xDFFF) && test(c)) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("Awkward texts get the ids of the fast tokenizer under every option", "[tokenizer]") {
  std::map<std::string, WordPieceTokenizer> tokenizers;
  std::size_t compared = 0;
  for (const json& line : read_lines("wordpiece.jsonl")) {
    const auto name = line.at("options").get<std::string>();
    if (!tokenizers.contains(name)) tokenizers.emplace(name, make(name));
    INFO(name << " " << line.at("text").dump(-1, ' ', true));
    CHECK(tokenizers.at(name).encode(line.at("text").get<std::string>()) ==
          line.at("ids").get<std::vector<int32_t>>());
    ++compared;
  }
  CHECK(compared > 500);
}

TEST_CASE("MiniLM's vocabulary gives the ids of its fast tokenizer", "[tokenizer]") {
  const char* const folder = std::getenv("LINFORMER_TEST_MINILM");
  if (folder == nullptr) {
    WARN("skipped: LINFORMER_TEST_MINILM is not set");
    return;
  }
  const auto lines = read_lines("wordpiece_minilm.jsonl");
  for (const bool with_vocabulary : {true, false}) {
    std::map<std::string, std::string, std::less<>> contents;
    for (const char* file : {"vocab.txt", "tokenizer_config.json", "tokenizer.json"}) {
      if (with_vocabulary || std::string_view(file) != "vocab.txt") {
        contents[file] = read_text(std::string(folder) + "/" + file);
      }
    }
    const auto tokenizer = open_tokenizer({folder, [&](std::string_view name) {
                                             const auto found = contents.find(name);
                                             return found == contents.end()
                                                        ? std::nullopt
                                                        : std::optional<std::string_view>(found->second);
                                           }});
    CHECK(tokenizer->sequence_template().before == std::vector<int32_t>{101});
    CHECK(tokenizer->sequence_template().after == std::vector<int32_t>{102});
    CHECK(tokenizer->special_tokens().mask == 103);
    CHECK(tokenizer->vocabulary_size() == 30522);
    for (const json& line : lines) {
      INFO(line.at("text").dump(-1, ' ', true));
      CHECK(tokenizer->encode(line.at("text").get<std::string>()) ==
            line.at("ids").get<std::vector<int32_t>>());
    }
  }
}

TEST_CASE("Documents are cut into the recorded sequences", "[tokenizer]") {
  const json recorded = parse_json(read_text(kFolder + "sequences.json"), "sequences.json");
  const auto tokenizer = make("lower");
  std::vector<Document> documents;
  for (const json& text : recorded.at("documents")) documents.push_back({"d", text.get<std::string>()});
  for (const json& cut : recorded.at("cut")) {
    const PackedText packed = pack(tokenizer, documents, {.length = cut.at("length").get<int64_t>()});
    std::vector<std::vector<int32_t>> sequences;
    for (const Sequence& sequence : packed.sequences) sequences.push_back(sequence.ids);
    CHECK(sequences == cut.at("sequences").get<std::vector<std::vector<int32_t>>>());
    CHECK(packed.dropped_tokens == cut.at("dropped_tokens").get<int64_t>());
  }
}

TEST_CASE("Code points have the classes of the fast tokenizer, but for what Unicode changed since its tables",
          "[tokenizer]") {
  using Codes = std::vector<char32_t>;
  const json classes = parse_json(read_text(kFolder + "codepoints.json"), "codepoints.json");
  const auto control = [](char32_t c) {
    const bool kept = c == '\t' || c == '\n' || c == '\r';
    return c == kReplacement || (is_control(c) && !kept);
  };
  const auto space = [](char32_t c) { return is_separator(c) || c == '\t' || c == '\n' || c == '\r'; };
  const auto punctuation = [](char32_t c) {
    const bool symbol = c == '$' || c == '+' || c == '<' || c == '=' || c == '>' || c == '^' || c == '`' ||
                        c == '|' || c == '~';
    return symbol || is_punctuation(c);
  };
  CHECK(missing(read_class(classes, "control"), control).empty());
  CHECK(missing(read_class(classes, "space"), space).empty());
  CHECK(count_extra(read_class(classes, "space"), space) == 0);
  CHECK(missing(read_class(classes, "punctuation"), punctuation) == Codes{0x166D, 0x111C9});  // reclassified
  // Assigned or reclassified later; utf8proc 2.8 has Unicode 15.0, later versions a few more.
  CHECK(count_extra(read_class(classes, "control"), control) < 30);
  CHECK(count_extra(read_class(classes, "punctuation"), punctuation) < 200);
}
