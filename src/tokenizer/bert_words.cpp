// SPDX-License-Identifier: MIT
#include "tokenizer/bert_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "tokenizer/unicode.h"

namespace linformer {
namespace {

enum class AsciiKind : uint8_t { kWord, kSpace, kPunctuation, kDropped };

constexpr AsciiKind classify_ascii(unsigned c) {
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return AsciiKind::kSpace;
  if (c < ' ' || c == 0x7F) return AsciiKind::kDropped;
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  return alphanumeric ? AsciiKind::kWord : AsciiKind::kPunctuation;
}

constexpr std::array<AsciiKind, 128> make_ascii_kinds() {
  std::array<AsciiKind, 128> kinds{};
  for (unsigned c = 0; c < 128; ++c) kinds[c] = classify_ascii(c);
  return kinds;
}

constexpr std::array<AsciiKind, 128> kAsciiKinds = make_ascii_kinds();

/// The blocks of tokenizers' is_chinese_char, with its gap: 2B820..2B91F belong to CJK extension E, but that
/// library leaves them out, and models were trained so.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

class Splitter {
 public:
  Splitter(const BertTextOptions& options, int64_t max_characters, WordSink& sink)
      : lowercase_(options.lowercase),
        strip_(options.strips_accents()),
        split_chinese_(options.split_chinese),
        max_characters_(max_characters),
        sink_(sink) {}

  void run(std::string_view text) {
    for (std::size_t i = 0; i < text.size() && !stopped_;) {
      if (static_cast<unsigned char>(text[i]) < 0x80) {
        if (!marks_.empty()) flush_marks();
        put_ascii(static_cast<unsigned char>(text[i++]));
      } else {
        const DecodedChar next = decode_utf8(text, i);
        put_other(next.code);
        i += next.length;
      }
    }
    if (stopped_) return;
    flush_marks();
    end_word();
  }

 private:
  struct Mark {
    int combining_class;
    char32_t code;
  };

  void put_ascii(unsigned char c) {
    switch (kAsciiKinds[c]) {
      case AsciiKind::kWord:
        append(lowercase_ && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A'))
                                                  : static_cast<char>(c));
        break;
      case AsciiKind::kSpace:
        end_word();
        break;
      case AsciiKind::kPunctuation:
        end_word();
        append(static_cast<char>(c));
        end_word();
        break;
      case AsciiKind::kDropped:
        break;
    }
  }

  void put_other(char32_t code) {
    if (code == kReplacement || is_control(code)) return;
    const bool chinese = split_chinese_ && is_chinese(code);
    if (chinese || is_separator(code)) {
      flush_marks();
      end_word();
      if (!chinese) return;
    }
    if (strip_) {
      decompose_and_strip(code);
    } else {
      put_lowered(code);
    }
    if (chinese) end_word();
  }

  /// Canonical order (Unicode D108): marks between two starters are sorted by class, stably. Mn marks vanish
  /// after that; one of class 0 still separates.
  void decompose_and_strip(char32_t code) {
    if (!has_decomposition(code)) return put_decomposed(code);
    const Decomposition parts = decompose(code);
    for (std::size_t i = 0; i < parts.size; ++i) put_decomposed(parts.codes[i]);
  }

  void put_decomposed(char32_t code) {
    const int order = combining_class(code);
    if (order == 0) flush_marks();
    if (is_nonspacing_mark(code)) return;
    if (order == 0) {
      put_lowered(code);
    } else {
      marks_.push_back({order, code});
    }
  }

  void flush_marks() {
    if (marks_.empty()) return;
    std::stable_sort(marks_.begin(), marks_.end(),
                     [](const Mark& a, const Mark& b) { return a.combining_class < b.combining_class; });
    for (const Mark& mark : marks_) put_lowered(mark.code);
    marks_.clear();
  }

  void put_lowered(char32_t code) {
    if (!lowercase_) return put_normalised(code);
    if (code == 0x130) {
      put_normalised('i');
      return put_normalised(0x307);
    }
    put_normalised(lower_case(code));
  }

  void put_normalised(char32_t code) {
    if (code < 0x80) return put_ascii(static_cast<unsigned char>(code));
    if (is_punctuation(code)) {
      end_word();
      append(code);
      end_word();
    } else {
      append(code);
    }
  }

  void append(char c) {
    if (++characters_ <= max_characters_) word_.push_back(c);
  }

  void append(char32_t code) {
    if (++characters_ <= max_characters_) append_utf8(code, word_);
  }

  void end_word() {
    if (characters_ == 0) return;
    if (!stopped_) stopped_ = !sink_.word(word_, characters_);
    word_.clear();
    characters_ = 0;
  }

  const bool lowercase_;
  const bool strip_;
  const bool split_chinese_;
  const int64_t max_characters_;
  WordSink& sink_;
  std::string word_;
  int64_t characters_ = 0;
  std::vector<Mark> marks_;
  bool stopped_ = false;
};

}  // namespace

void split_bert_words(std::string_view text, const BertTextOptions& options, int64_t max_characters,
                      WordSink& sink) {
  Splitter(options, max_characters, sink).run(text);
}

}  // namespace linformer
