// SPDX-License-Identifier: MIT
#include "tokenizer/normalizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "tokenizer/json_members.h"

namespace linformer {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// f(code point, result) for each code point.
template <class F>
std::string map_codes(std::string_view text, F&& f) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const DecodedChar next = decode_utf8(text, i);
    f(next.code, result);
    i += next.length;
  }
  return result;
}

void append_lower(char32_t code, std::string& text) {
  if (code == 0x130) {  // the only code point whose lower case is two
    text += "i\xCC\x87";
  } else {
    append_utf8(lower_case(code), text);
  }
}

constexpr std::size_t kMostExpansion =
    16;  // a code point's compatibility decomposition: up to 11 times as many bytes
constexpr std::size_t kMostExtraBytes = 4096;

}  // namespace

void check_expansion(std::size_t before, std::size_t after) {
  if (after <= kMostExpansion * before + kMostExtraBytes) return;
  throw Error(ErrorCode::kInput,
              {"tokenizer", "normalizer", fmt::format("makes {} bytes of {}", after, before),
               fmt::format("at most {} times as many", kMostExpansion), kTokenIdsRemedy});
}

std::string Normalizer::apply(std::string text, Place place) const {
  const std::size_t before = text.size();
  for (const Step& step : steps_) {
    text = step(std::move(text), place);
    check_expansion(before, text.size());
  }
  return text;
}

Normalizer::Step normal_form(NormalForm form) {
  return [form](const std::string& text, Place) { return is_ascii(text) ? text : normalize(text, form); };
}

Normalizer::Step lower_casing() {
  return [](const std::string& text, Place) { return map_codes(text, append_lower); };
}

Normalizer::Step mark_dropping() {
  return [](const std::string& text, Place) {
    return map_codes(text, [](char32_t code, std::string& result) {
      if (!is_mark(code)) append_utf8(code, result);
    });
  };
}

Normalizer::Step replacing(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](std::string text, Place) {
    std::size_t begin = text.find(from);
    if (begin == std::string::npos) return text;
    std::string result;
    std::size_t done = 0;
    for (; begin != std::string::npos; begin = text.find(from, done)) {
      result.append(text, done, begin - done);
      result += to;
      check_expansion(text.size(), result.size());
      done = begin + from.size();
    }
    return result.append(text, done);
  };
}

Normalizer::Step space_collapsing(std::string to) {
  return [to = std::move(to)](const std::string& text, Place) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t end = std::min(text.find_first_not_of(' ', i), text.size());
      if (end > i + 1) result += to;
      check_expansion(text.size(), result.size());
      if (end == i + 1) result += ' ';
      const std::size_t next = std::min(text.find(' ', end), text.size());
      result.append(text, end, next - end);
      i = next;
    }
    return result;
  };
}

Normalizer::Step prepending(std::string prefix) {
  return [prefix = std::move(prefix)](const std::string& text, Place place) {
    return text.empty() || !place.begins_part ? text : prefix + text;
  };
}

Normalizer::Step stripping(bool left, bool right) {
  return [=](std::string text, Place place) {
    std::size_t begin = 0;
    std::size_t end = text.size();
    while (left && place.begins_part && begin < end) {
      const DecodedChar next = decode_utf8(text, begin);
      if (!is_white_space(next.code)) break;
      begin += next.length;
    }
    while (right && end > begin) {
      std::size_t last = end - 1;
      while (last > begin && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
      if (!is_white_space(decode_utf8(text, last).code)) break;
      end = last;
    }
    return text.substr(begin, end - begin);
  };
}

}  // namespace linformer
