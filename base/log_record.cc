#include "base/log_record.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace ringroom {

namespace {

constexpr std::string_view level_names[] = {"trace", "debug", "info", "warning", "error"};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  template <class Plain>
  Plain plain() {
    Plain value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view text() {
    const auto bytes = plain<std::uint32_t>();
    const std::string_view out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }
  Log::Value value() {
    switch (plain<Log::Value::Kind>()) {
      case Log::Value::Kind::integer:
        return plain<std::int64_t>();
      case Log::Value::Kind::real:
        return plain<double>();
      case Log::Value::Kind::natural:
        return plain<std::uint64_t>();
      case Log::Value::Kind::truth:
        return plain<std::uint64_t>() != 0;
      case Log::Value::Kind::text:
        break;
    }
    return text();
  }

 private:
  std::string_view rest_;
};

constexpr std::uint32_t not_utf8 = 0xfffd;

// The first character of `text`, which is at least one byte, and how many it takes. What is no
// UTF-8 (RFC 3629) is one byte of not_utf8.
struct Character {
  std::uint32_t code;
  std::size_t bytes;
};
Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  struct Form {
    std::uint32_t mask, lead, min;  // of the first byte; the least code that may be written so
  };
  constexpr Form forms[] = {
      {0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  for (std::size_t bytes = 1; const Form& form : forms) {
    if ((byte(0) & form.mask) == form.lead) {
      std::uint32_t code = byte(0) & ~form.mask & 0xff;
      for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {not_utf8, 1};
        code = code << 6 | (byte(i) & 0x3f);
      }
      const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
      if (code < form.min || code > 0x10ffff || is_surrogate) return {not_utf8, 1};
      return {code, bytes};
    }
    ++bytes;
  }
  return {not_utf8, 1};
}

// Controls of either kind, ends of lines, and marks that turn the direction of reading.
bool is_deceiving(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0xfeff || code == not_utf8;
}

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto [code, bytes] = first_character(text);
    if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\r') {
      out += "\\r";
    } else if (code == '\t') {
      out += "\\t";
    } else if (is_deceiving(code)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(code & 0xffff));
      out += escape;
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
}

template <class Number>
void append_number(std::string& out, Number number) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end.ptr);
}

void append_time(std::string& out, std::uint64_t wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  out.append(text, size);
  std::snprintf(text, sizeof text, ".%03uZ", static_cast<unsigned>(wall_ms % 1'000));
  out += text;
}

// A form of a record: how a text stands in it, and what stands around keys.
class Writer {
 public:
  Writer(std::string& out, bool json) : out_(out), json_(json) {}

  void key(std::string_view key) {
    if (!first_) out_ += json_ ? ',' : ' ';
    first_ = false;
    if (json_) out_ += '"';
    append_escaped(out_, key);
    out_ += json_ ? "\":" : "=";
  }
  void text(std::string_view text) {
    const bool quoted = json_ || text.empty() || needs_quotes(text);
    if (quoted) out_ += '"';
    append_escaped(out_, text);
    if (quoted) out_ += '"';
  }
  void value(const Log::Value& value) {
    switch (value.kind()) {
      case Log::Value::Kind::text:
        return text(value.text());
      case Log::Value::Kind::natural:
        return append_number(out_, value.natural());
      case Log::Value::Kind::integer:
        return append_number(out_, value.integer());
      case Log::Value::Kind::real:
        // JSON has no word for infinity.
        return std::isfinite(value.real()) ? append_number(out_, value.real()) : text("not finite");
      case Log::Value::Kind::truth:
        out_ += value.natural() != 0 ? "true" : "false";
        return;
    }
  }

 private:
  static bool needs_quotes(std::string_view text) {
    for (const char c : text)
      if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
          c == '"' || c == '=' || c == '\\')
        return true;
    return false;
  }

  std::string& out_;
  bool json_;
  bool first_ = true;
};

}  // namespace

void append_record(std::string& out, std::string_view packed, bool json) {
  Unpacker record(packed);
  Writer writer(out, json);
  if (json) out += '{';
  writer.key("ts");
  if (json) out += '"';
  append_time(out, record.plain<std::uint64_t>());
  if (json) out += '"';
  writer.key("level");
  writer.text(level_names[record.plain<std::uint8_t>()]);
  writer.key("msg");
  writer.text(record.text());
  while (!record.done()) {
    writer.key(record.text());
    writer.value(record.value());
  }
  out += json ? "}\n" : "\n";
}

}  // namespace ringroom
