#include "proto/json_fault.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "proto/bounds.h"

namespace ringroom::proto {

namespace {

constexpr std::size_t path_name_bytes_max = 64;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < ' '; }

bool is_plain(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) && std::ranges::all_of(name, [](char c) {
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// How many bytes the UTF-8 sequence at the front takes; 0: it is none (RFC 3629).
std::size_t utf8_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool is_overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool is_surrogate = first == 0xed && byte(1) > 0x9f;
    return !is_overlong && !is_surrogate && follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool is_overlong = first == 0xf0 && byte(1) < 0x90;
    const bool is_beyond = first == 0xf4 && byte(1) > 0x8f;
    return !is_overlong && !is_beyond && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// Reads as far as the text is JSON. Its place and path stay where it stopped.
class FaultFinder {
 public:
  explicit FaultFinder(std::string_view text) : text_(text) {}

  std::optional<JsonFault> find() {
    const bool is_value = value(0);
    if (is_value) blanks();
    if (is_too_deep_ || (is_value && at_ == text_.size())) return std::nullopt;
    return JsonFault{.offset = at_, .path = path_};
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  bool word(std::string_view expected) {
    return std::ranges::all_of(expected, [this](char c) { return take(c); });
  }
  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }
  bool number() {
    const std::size_t begin = at_;
    const bool is_negative = take('-');
    if (!take('0') && !digits()) return false;
    bool is_integer = true;
    if (take('.')) {
      is_integer = false;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      is_integer = false;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    if (fits(text_.substr(begin, at_ - begin), is_integer, is_negative)) return true;
    at_ = begin;
    return false;
  }
  static bool fits(std::string_view number, bool is_integer, bool is_negative) {
    const char* begin = number.data();
    const char* end = begin + number.size();
    std::int64_t negative;
    std::uint64_t positive;
    double real;
    if (!is_integer) return std::from_chars(begin, end, real).ec == std::errc{};
    if (is_negative) return std::from_chars(begin, end, negative).ec == std::errc{};
    return std::from_chars(begin, end, positive).ec == std::errc{};
  }
  // Of \uXXXX, the letter taken; nullopt: there are no four digits.
  std::optional<unsigned> unit() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      if (!is_hex(peek())) return std::nullopt;
      const char c = text_[at_++];
      value = value << 4 | static_cast<unsigned>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
  }
  bool escape() {
    if (!take('u')) {
      if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) return false;
      ++at_;
      return true;
    }
    const auto first = unit();
    if (!first || (*first & 0xfc00) == 0xdc00) return false;
    if ((*first & 0xfc00) != 0xd800) return true;
    // One half of a pair: the other follows.
    if (!take('\\') || !take('u')) return false;
    const auto second = unit();
    return second && (*second & 0xfc00) == 0xdc00;
  }
  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size() && !is_control(peek())) {
      if (take('"')) return true;
      if (take('\\')) {
        if (!escape()) return false;
        continue;
      }
      const std::size_t bytes = utf8_bytes(text_.substr(at_));
      if (bytes == 0) return false;
      at_ += bytes;
    }
    return false;
  }
  // Fields and items: what has been read is taken off the path again, what broke stays.
  bool object(std::size_t depth) {
    const std::size_t here = path_.size();
    blanks();
    if (take('}')) return true;
    do {
      blanks();
      const std::size_t begin = at_ + 1;
      if (!string()) return false;
      append_json_path(path_, text_.substr(begin, at_ - 1 - begin));
      blanks();
      if (!take(':') || !value(depth)) return false;
      path_.resize(here);
      blanks();
    } while (take(','));
    return take('}');
  }
  bool array(std::size_t depth) {
    const std::size_t here = path_.size();
    blanks();
    if (take(']')) return true;
    std::size_t index = 0;
    do {
      path_.append("[").append(std::to_string(index++)).append("]");
      if (!value(depth)) return false;
      path_.resize(here);
      blanks();
    } while (take(','));
    return take(']');
  }
  bool value(std::size_t depth) {
    is_too_deep_ = is_too_deep_ || depth > json_depth_max;
    if (is_too_deep_) return false;
    blanks();
    switch (peek()) {
      case '{':
        ++at_;
        return object(depth + 1);
      case '[':
        ++at_;
        return array(depth + 1);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string path_ = "$";
  bool is_too_deep_ = false;
};

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view text) { return FaultFinder(text).find(); }

void append_json_path(std::string& path, std::string_view name) {
  const std::string_view shown = name.substr(0, path_name_bytes_max);
  if (is_plain(shown)) {
    path.append(".").append(shown);
    return;
  }
  path.append("['");
  // A name that is cut in the middle of a character, or was none, must not break the answer.
  for (std::size_t i = 0; i < shown.size();) {
    const std::size_t bytes = utf8_bytes(shown.substr(i));
    const char c = shown[i];
    if (bytes == 0 || is_control(c)) {
      path.push_back('?');
      ++i;
      continue;
    }
    if (c == '\'' || c == '\\') path.push_back('\\');
    path.append(shown.substr(i, bytes));
    i += bytes;
  }
  path.append("']");
}

}  // namespace ringroom::proto
