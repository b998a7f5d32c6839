// SPDX-License-Identifier: MIT
#include "tokenizer/word_splitter.h"

#include <algorithm>

#include "tokenizer/unicode.h"

namespace linformer {
namespace {

using Sink = WordSplitter::Sink;

/// Words that begin at space marks: at each of them, or only at those that follow another character.
bool split_at_marks(std::string_view text, bool each, const Sink& sink) {
  std::size_t begin = 0;
  std::size_t mark = text.find(kSpaceMark);
  for (; mark != std::string_view::npos; mark = text.find(kSpaceMark, mark + kSpaceMark.size())) {
    const bool after_mark = text.substr(0, mark).ends_with(kSpaceMark);
    if (mark == begin || (after_mark && !each)) continue;
    if (!sink(text.substr(begin, mark - begin))) return false;
    begin = mark;
  }
  return begin == text.size() || sink(text.substr(begin));
}

std::string with_marks(std::string_view text) {
  std::string marked;
  marked.reserve(text.size() + 16);
  for (const char c : text) {
    if (c == ' ') {
      marked += kSpaceMark;
    } else {
      marked.push_back(c);
    }
  }
  return marked;
}

/// Calls f(begin, end) for what lies between white space.
template <class F>
void for_each_between_spaces(std::string_view text, F&& f) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size();) {
    const bool at_end = i == text.size();
    const DecodedChar next = at_end ? DecodedChar{' ', 1, true} : decode_utf8(text, i);
    if (is_white_space(next.code)) {
      if (i > begin && !f(begin, i)) return;
      begin = i + next.length;
    }
    i += next.length;
  }
}

/// Whether to go on.
bool split_metaspace(const Metaspace& metaspace, bool at_space_marks, std::string_view word, bool first,
                     const Sink& sink) {
  std::string marked = with_marks(word);
  const bool prepend = metaspace.prepend == Metaspace::Prepend::kAlways ||
                       (metaspace.prepend == Metaspace::Prepend::kFirst && first);
  if (prepend && !marked.starts_with(kSpaceMark)) marked.insert(0, kSpaceMark);
  return metaspace.split || at_space_marks ? split_at_marks(marked, metaspace.split, sink) : sink(marked);
}

void split_by_pattern(std::string_view text, WordPattern pattern, const Sink& sink) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = word_end(text, i, pattern);
    if (!sink(text.substr(i, end - i))) return;
    i = end;
  }
}

}  // namespace

void WordSplitter::split(std::string_view text, Place place, const Sink& sink) const {
  std::string prefixed;
  if (prefix_space && place.begins_part && !text.starts_with(' ')) {
    prefixed.append(1, ' ').append(text);
    text = prefixed;
  }
  if (at_white_space) {
    for_each_between_spaces(text, [&](std::size_t begin, std::size_t end) {
      const std::string_view word = text.substr(begin, end - begin);
      return metaspace
                 ? split_metaspace(*metaspace, at_space_marks, word, place.begins_text && begin == 0, sink)
                 : sink(word);
    });
  } else if (metaspace) {
    split_metaspace(*metaspace, at_space_marks, text, place.begins_text, sink);
  } else if (at_space_marks) {
    split_at_marks(text, false, sink);
  } else {
    split_by_pattern(text, pattern, sink);
  }
}

bool marks_begin_tokens(const std::vector<std::string>& tokens) {
  bool has_mark = false;
  for (const std::string& token : tokens) {
    has_mark = has_mark || token == kSpaceMark;
    for (std::size_t mark = token.find(kSpaceMark); mark != std::string::npos;
         mark = token.find(kSpaceMark, mark + kSpaceMark.size())) {
      if (mark > 0 && !std::string_view(token).substr(0, mark).ends_with(kSpaceMark)) return false;
    }
  }
  return has_mark;
}

}  // namespace linformer
