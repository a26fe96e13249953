#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"

namespace ringroom {

// A record as it travels from line() to the writer, and as it is read in the end. Pure.
//
//   u64 wall_ms | u8 level | text message | { text key | u8 kind | text or u64 }...
//                                                                  text: u32 size, bytes
// `Bytes` is what append(begin, end) of characters is known to: spdlog's buffer, which allocates
// only for long records, or a string.
template <class Bytes>
class LogPacker {
 public:
  explicit LogPacker(Bytes& out) : out_(out) {}

  void begin(std::uint64_t wall_ms, Log::Level level, std::string_view message) {
    plain(wall_ms);
    plain(level);
    text(message);
  }
  void field(std::string_view key, const Log::Value& value) {
    text(key);
    plain(value.kind());
    switch (value.kind()) {
      case Log::Value::Kind::text:
        return shortened(value.text());
      case Log::Value::Kind::integer:
        return plain(value.integer());
      case Log::Value::Kind::real:
        return plain(value.real());
      case Log::Value::Kind::natural:
      case Log::Value::Kind::truth:
        return plain(value.natural());
    }
  }

 private:
  void append(std::string_view bytes) { out_.append(bytes.data(), bytes.data() + bytes.size()); }
  template <class Plain>
  void plain(Plain value) {
    append({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void text(std::string_view text) {
    plain(static_cast<std::uint32_t>(text.size()));
    append(text);
  }
  // A client may call itself what it likes, but not fill the disk with it.
  void shortened(std::string_view whole) {
    if (whole.size() <= Log::text_bytes_max) return text(whole);
    std::size_t size = Log::text_bytes_max;
    while (size > 0 && (static_cast<unsigned char>(whole[size]) & 0xc0) == 0x80) --size;
    constexpr std::string_view more = "...";
    plain(static_cast<std::uint32_t>(size + more.size()));
    append(whole.substr(0, size));
    append(more);
  }

  Bytes& out_;
};

// The record as one line with its end, whatever is in its texts: what would end it early, forge a
// second one, move a terminal's cursor or turn the direction of reading is escaped, what is no
// UTF-8 is U+FFFD. Other scripts pass: a log may show a name in its own.
void append_record(std::string& out, std::string_view packed, bool json);

}  // namespace ringroom
