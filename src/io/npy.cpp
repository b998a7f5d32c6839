// SPDX-License-Identifier: MIT
#include "io/npy.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr size_t kMaxRank = 8;
constexpr std::string_view kMagic = "\x93NUMPY";

/// The header: a Python dictionary with three keys of known types.
struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      read_member(header);
      if (!accept(',') && peek() != '}') fail("a comma or '}'");
    }
    if (peek() != '\0') fail("nothing after '}'");
    if (!header.descr || !header.fortran_order || !header.shape) fail("descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void fail(std::string expected) const {
    throw Error(ErrorCode::kInput, {.subject = file_,
                                    .item = "header",
                                    .found = printable(text_),
                                    .expected = std::move(expected),
                                    .remedy = "Save the array again with numpy.save"});
  }

  /// The next character after white space; NUL at the end.
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}' at byte {}", c, at_));
  }

  bool accept_word(std::string_view word) {
    peek();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string read_string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail(fmt::format("a string at byte {}", at_));
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a closing quote");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }

  int64_t read_size() {
    int64_t value = 0;
    if (peek() < '0' || peek() > '9') fail(fmt::format("a size at byte {}", at_));
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, int64_t{10}, &value) ||
          __builtin_add_overflow(value, int64_t{text_[at_] - '0'}, &value)) {
        fail("a size below 2^63");
      }
    }
    return value;
  }

  Shape read_shape() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == kMaxRank) fail("at most 8 dimensions");
      shape.push_back(read_size());
      if (!accept(',') && peek() != ')') fail("a comma or ')'");
    }
    return shape;
  }

  void read_member(Header& header) {
    const std::string key = read_string();
    expect(':');
    if (key == "descr" && !header.descr) {
      header.descr = peek() == '[' ? fail_structured() : read_string();
    } else if (key == "fortran_order" && !header.fortran_order) {
      header.fortran_order = accept_word("True");
      if (!*header.fortran_order && !accept_word("False")) fail("True or False");
    } else if (key == "shape" && !header.shape) {
      header.shape = read_shape();
    } else {
      fail("descr, fortran_order and shape, once each");
    }
  }

  [[noreturn]] std::string fail_structured() const {
    throw Error(ErrorCode::kUnsupported, {.subject = file_,
                                          .found = "a structured array",
                                          .expected = "one number an element",
                                          .remedy = "Save one field of it"});
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
};

[[noreturn]] void fail_format(const FileBytes& file, std::string found, std::string expected) {
  throw Error(ErrorCode::kInput, {.subject = file.name(),
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = "Save the array again with numpy.save"});
}

size_t byte_at(const FileBytes& file, size_t i) { return std::to_integer<size_t>(file.bytes()[i]); }

/// Text of the header, and where the data begin.
std::pair<std::string_view, size_t> locate_header(const FileBytes& file) {
  constexpr size_t kShortest = 10;
  const std::string_view text = file.text();
  if (text.starts_with("PK\x03\x04")) {
    throw Error(ErrorCode::kUnsupported, {.subject = file.name(),
                                          .found = "a .npz archive",
                                          .expected = "one array in a .npy file",
                                          .remedy = "Save the array with numpy.save"});
  }
  if (text.size() < kShortest || !text.starts_with(kMagic)) fail_format(file, "not a .npy file", "its magic");
  const size_t version = byte_at(file, 6);
  if (version != 1 && version != 2) {
    throw Error(ErrorCode::kUnsupported, {.subject = file.name(),
                                          .found = fmt::format(".npy format {}", version),
                                          .expected = "format 1 or 2"});
  }
  const size_t begin = version == 1 ? 10 : 12;
  if (text.size() < begin) fail_format(file, "truncated header", "a complete .npy file");
  size_t length = byte_at(file, 8) | byte_at(file, 9) << 8;
  if (version == 2) length |= byte_at(file, 10) << 16 | byte_at(file, 11) << 24;
  if (length > text.size() - begin) fail_format(file, "truncated header", "a complete .npy file");
  return {text.substr(begin, length), begin + length};
}

DType dtype_of(const std::string& descr, const FileBytes& file) {
  if (descr == "<f4") return DType::kF32;
  if (descr == "<f8") return DType::kF64;
  if (descr == "<f2") return DType::kF16;
  throw Error(ErrorCode::kUnsupported, {.subject = file.name(),
                                        .found = fmt::format("element type '{}'", printable(descr)),
                                        .expected = "'<f2', '<f4' or '<f8'",
                                        .remedy = "Convert it with array.astype('<f4')"});
}

}  // namespace

bool is_npy(const FileBytes& file) { return file.text().starts_with(kMagic); }

NpyArray read_npy(const FileBytes& file) {
  const auto [text, begin] = locate_header(file);
  const Header header = HeaderParser(text, file.name()).parse();
  NpyArray array{.dtype = dtype_of(*header.descr, file), .shape = *header.shape, .bytes = {}};
  if (*header.fortran_order) {
    throw Error(ErrorCode::kUnsupported, {.subject = file.name(),
                                          .found = "Fortran order",
                                          .expected = "C order",
                                          .remedy = "Save numpy.ascontiguousarray(array)"});
  }
  const std::optional<int64_t> count = element_count(array.shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, size_of(array.dtype), &bytes)) {
    fail_format(file, "shape " + to_string(array.shape), "fewer than 2^63 bytes");
  }
  array.bytes = file.bytes().subspan(begin);
  if (static_cast<uint64_t>(bytes) != array.bytes.size()) {
    fail_format(file, fmt::format("{} bytes of data", array.bytes.size()),
                fmt::format("{} for shape {}", bytes, to_string(array.shape)));
  }
  return array;
}

}  // namespace linformer
