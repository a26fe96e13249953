#include "proto/utf8.h"

#include <simdjson.h>

namespace ringroom::proto {

namespace {

// What may come next. Every state but `start` is inside a character.
enum State : std::uint8_t {
  start,
  one_more,    // 80..BF
  two_more,    // 80..BF, then one more
  three_more,  // 80..BF, then two more
  after_e0,    // A0..BF, then one more: anything less has a shorter form
  after_ed,    // 80..9F, then one more: the rest are surrogates
  after_f0,    // 90..BF, then two more: anything less has a shorter form
  after_f4,    // 80..8F, then two more: the rest is beyond U+10FFFF
  broken,
};

constexpr State after_first(std::uint8_t byte) {
  if (byte < 0x80) return start;
  if (byte < 0xc2) return broken;  // a continuation, or the start of an overlong form
  if (byte < 0xe0) return one_more;
  if (byte == 0xe0) return after_e0;
  if (byte == 0xed) return after_ed;
  if (byte < 0xf0) return two_more;
  if (byte == 0xf0) return after_f0;
  if (byte < 0xf4) return three_more;
  return byte == 0xf4 ? after_f4 : broken;
}

constexpr State next(State state, std::uint8_t byte) {
  const auto within = [byte](std::uint8_t low, std::uint8_t high, State then) {
    return byte >= low && byte <= high ? then : broken;
  };
  switch (state) {
    case start:
      return after_first(byte);
    case one_more:
      return within(0x80, 0xbf, start);
    case two_more:
      return within(0x80, 0xbf, one_more);
    case three_more:
      return within(0x80, 0xbf, two_more);
    case after_e0:
      return within(0xa0, 0xbf, one_more);
    case after_ed:
      return within(0x80, 0x9f, one_more);
    case after_f0:
      return within(0x90, 0xbf, two_more);
    case after_f4:
      return within(0x80, 0x8f, two_more);
    case broken:
      break;
  }
  return broken;
}

constexpr bool is_continuation(std::byte byte) {
  return (byte & std::byte(0xc0)) == std::byte(0x80);
}

// Where the last character of a piece begins if it may go on in the next one, else its end. A
// character has at most three bytes behind its first.
std::size_t unfinished_tail(std::span<const std::byte> piece) {
  std::size_t at = piece.size();
  for (int back = 0; back < 3 && at > 0; ++back) {
    --at;
    if (!is_continuation(piece[at])) return piece[at] < std::byte(0x80) ? piece.size() : at;
  }
  return piece.size();
}

}  // namespace

bool is_utf8(std::span<const std::byte> text) {
  return simdjson::validate_utf8(reinterpret_cast<const char*>(text.data()), text.size());
}

bool Utf8Stream::add(std::span<const std::byte> piece) {
  auto state = State(state_);
  const auto step = [&state](std::byte byte) {
    state = next(state, std::to_integer<std::uint8_t>(byte));
  };

  // The character that the piece before left open; then, between characters, everything but the
  // last character at once; then that one, byte by byte, so that it fails as early as it can.
  std::size_t at = 0;
  for (; at < piece.size() && state != start && state != broken; ++at) step(piece[at]);
  if (state == start && at < piece.size()) {
    const std::span<const std::byte> rest = piece.subspan(at);
    const std::size_t tail = unfinished_tail(rest);
    if (!is_utf8(rest.first(tail))) state = broken;
    for (std::size_t i = tail; i < rest.size() && state != broken; ++i) step(rest[i]);
  }
  state_ = state;
  return state != broken;
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && is_continuation(std::byte(text[end]))) --end;
  return text.substr(0, end);
}

}  // namespace ringroom::proto
