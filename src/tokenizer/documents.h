// SPDX-License-Identifier: MIT
// The --text and --ids inputs.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// A text that is tokenised alone. It may be empty.
struct Document {
  std::string name;  ///< the file, with ":LINE" for one line of it
  std::string text;  ///< as it was in the file; see Tokenizer::append_ids for bytes that are not UTF-8
};

/// One document a line of JSON, {"text": "..."}; lines of white space only are passed over. Throws
/// Error(kInput) naming `name` and the line.
std::vector<Document> documents_from_jsonl(const std::string& name, std::string_view text);

/// A document per plain file, one per line of a file named *.jsonl; "-" reads `standard_input` to its end,
/// which is JSON lines if its first line that is not blank is an object with "text", else one document.
/// Throws Error(kInput) if a file cannot be read or is malformed, or if all of it has no text; Error(kUsage)
/// if "-" is given twice.
std::vector<Document> read_documents(const std::vector<std::string>& paths, std::istream& standard_input);

/// One line of --ids.
struct IdList {
  std::vector<int32_t> ids;
  std::optional<int64_t> document;  ///< which document they are from, if the line says so
};

/// Token ids, a sequence a line: an array of integers, or an object with such an array as "ids" and
/// optionally the number of its "document"; "-" reads `standard_input`. Throws Error(kInput) naming the line
/// for anything else, an id outside 0 to 2^31 - 1 included, and if there is no sequence.
std::vector<IdList> read_ids(const std::string& path, std::istream& standard_input);

}  // namespace linformer
