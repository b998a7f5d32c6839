// SPDX-License-Identifier: MIT
#include "tokenizer/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "base/error.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "io/printable.h"

namespace linformer {
namespace {

using nlohmann::json;

constexpr std::string_view kStandardInput = "-";
constexpr const char* kStandardInputName = "standard input";

std::string read_stream(std::istream& stream) {
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) throw Error(ErrorCode::kInput, {kStandardInputName, "", "reading failed", "", ""});
  return text;
}

/// Calls f(line number from 1, parsed line) for each line that is not blank.
template <class F>
void for_each_json_line(const std::string& name, std::string_view text, F&& f) {
  int64_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    f(number, parse_json(line, fmt::format("{}: line {}", name, number)));
  }
}

[[noreturn]] void reject_line(const std::string& name, int64_t line, std::string found,
                              std::string expected) {
  throw Error(ErrorCode::kInput,
              {name, fmt::format("line {}", line), std::move(found), std::move(expected), ""});
}

std::vector<int32_t> ids_of(const std::string& name, int64_t line, const json& value) {
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  const bool wrapped = value.is_object() && value.contains("ids");
  const json& array = wrapped ? value["ids"] : value;
  if (!array.is_array())
    reject_line(name, line, array.type_name(), "an array of ids, or an object with \"ids\"");
  std::vector<int32_t> ids;
  ids.reserve(array.size());
  for (const json& id : array) {
    if (!id.is_number_integer() || id < 0 || id > kMax) {
      reject_line(name, line, fmt::format("{} at position {}", printable(id.dump()), ids.size()),
                  fmt::format("integers from 0 to {}", kMax));
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

std::optional<int64_t> document_of(const std::string& name, int64_t line, const json& value) {
  if (!value.is_object() || !value.contains("document")) return std::nullopt;
  const json& document = value["document"];
  constexpr int64_t kMost = int64_t{1} << 40;  // as in files of tensors
  if (!document.is_number_integer() || document < 0 || document > kMost) {
    reject_line(name, line, printable(document.dump()), "a whole number from 0 to 2^40 as \"document\"");
  }
  return document.get<int64_t>();
}

// As tools that search text tell it: by a zero byte near the beginning.
void refuse_binary(const std::string& name, std::string_view text) {
  constexpr size_t kLooked = 8192;
  if (text.substr(0, kLooked).find('\0') == std::string_view::npos) return;
  throw Error(ErrorCode::kInput, {name, "", "a zero byte, so not text", "plain text in UTF-8, or .jsonl",
                                  "Give the text, not a model or an archive"});
}

/// Whether the first line that is not blank is an object with "text".
bool begins_with_json_line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (!text.starts_with('{')) return false;
  try {
    const json line = parse_json(text.substr(0, text.find('\n')), kStandardInputName);
    return line.is_object() && line.contains("text");
  } catch (const Error&) {
    return false;
  }
}

void require_text(const std::vector<Document>& documents, const std::vector<std::string>& paths) {
  const bool none =
      std::all_of(documents.begin(), documents.end(), [](const Document& d) { return d.text.empty(); });
  if (!none) return;
  const std::string subject = paths.empty() ? "--text" : fmt::format("{}", fmt::join(paths, ", "));
  throw Error(ErrorCode::kInput, {subject, "", "no text", "plain text, or .jsonl lines with \"text\"",
                                  "Give a file with text, or leave --text out for the sample"});
}

}  // namespace

std::vector<Document> documents_from_jsonl(const std::string& name, std::string_view text) {
  std::vector<Document> documents;
  for_each_json_line(name, text, [&](int64_t line, const json& value) {
    if (!value.is_object()) reject_line(name, line, value.type_name(), "an object with \"text\"");
    const auto found = value.find("text");
    if (found == value.end()) reject_line(name, line, "no \"text\"", "an object with \"text\"");
    if (!found->is_string())
      reject_line(name, line, fmt::format("\"text\" is {}", found->type_name()), "a string");
    documents.push_back({fmt::format("{}:{}", name, line), found->get<std::string>()});
  });
  return documents;
}

std::vector<Document> read_documents(const std::vector<std::string>& paths, std::istream& standard_input) {
  if (std::count(paths.begin(), paths.end(), kStandardInput) > 1) {
    throw Error(ErrorCode::kUsage, {"--text", "-", "given twice", "standard input at most once", ""});
  }
  std::vector<Document> documents;
  for (const std::string& path : paths) {
    const bool from_stream = path == kStandardInput;
    const std::string name = from_stream ? kStandardInputName : path;
    std::string text = from_stream ? read_stream(standard_input) : read_text(path);
    if (from_stream ? begins_with_json_line(text) : path.ends_with(".jsonl")) {
      std::vector<Document> lines = documents_from_jsonl(name, text);
      std::move(lines.begin(), lines.end(), std::back_inserter(documents));
    } else {
      documents.push_back({name, std::move(text)});
    }
  }
  for (const Document& document : documents) refuse_binary(document.name, document.text);
  require_text(documents, paths);
  return documents;
}

std::vector<IdList> read_ids(const std::string& path, std::istream& standard_input) {
  const bool from_stream = path == kStandardInput;
  const std::string name = from_stream ? kStandardInputName : path;
  std::vector<IdList> lists;
  for_each_json_line(name, from_stream ? read_stream(standard_input) : read_text(path),
                     [&](int64_t line, const json& value) {
                       lists.push_back({ids_of(name, line, value), document_of(name, line, value)});
                     });
  if (lists.empty()) {
    throw Error(ErrorCode::kInput,
                {name, "", "no ids", "an array of ids a line", "linformer tokenize writes such lines"});
  }
  return lists;
}

}  // namespace linformer
