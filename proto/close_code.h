#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace ringroom::proto {

// Why a WebSocket ends: the codes of RFC 6455, 7.4, and ours. The range tells a client what to do:
// 44xx do not come back by yourself, 45xx come back. The table is what documentation and metrics
// read.

enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  // never on the wire: the peer's close frame had no code
  abnormal = 1006,   // never on the wire: the connection ended without a close frame
  invalid_payload = 1007,
  policy_violation = 1008,
  too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  restart = 1012,
  try_later = 1013,

  origin_not_allowed = 4003,
  bad_request = 4400,
  unauthorized = 4401,
  forbidden = 4403,
  hello_timeout = 4408,
  replaced = 4409,
  limit = 4413,
  rate = 4429,
  internal = 4500,
  draining = 4503,
  slow_consumer = 4508,
  insufficient_state = 4512,
};

enum class ComeBack : std::uint8_t {
  never,              // until a human or the application changes something
  with_fresh_token,   // 4401
  with_backoff,       // exponential, with jitter
  after_given_delay,  // 4503: the `reconnect` message before it says how long
  at_once,            // 4512: connect again and recover
};

struct CloseCodeRow {
  CloseCode code;
  std::string_view name;
  ComeBack come_back;
  std::string_view meaning;  // the reason sent when there is no better one; at most 123 bytes
};

inline constexpr CloseCodeRow close_codes[] = {
    {CloseCode::normal, "normal", ComeBack::never, "closed as asked"},
    {CloseCode::going_away, "going_away", ComeBack::with_backoff, "the server is going away"},
    {CloseCode::protocol_error, "protocol_error", ComeBack::never,
     "the bytes break the WebSocket protocol (RFC 6455)"},
    {CloseCode::unsupported_data, "unsupported_data", ComeBack::never,
     "this connection speaks JSON text; a binary message needs ringroom.v1.bin"},
    {CloseCode::no_status, "no_status", ComeBack::with_backoff, "closed without a code"},
    {CloseCode::abnormal, "abnormal", ComeBack::with_backoff, "the connection broke"},
    {CloseCode::invalid_payload, "invalid_payload", ComeBack::never,
     "a text message or close reason is not UTF-8"},
    {CloseCode::policy_violation, "policy_violation", ComeBack::never,
     "too many fragments in one message; send it in fewer frames"},
    {CloseCode::too_big, "too_big", ComeBack::never,
     "the message is larger than max_message_bytes of connection_ack"},
    {CloseCode::mandatory_extension, "mandatory_extension", ComeBack::never,
     "a required extension was not agreed"},
    {CloseCode::internal_error, "internal_error", ComeBack::with_backoff, "the server failed"},
    {CloseCode::restart, "restart", ComeBack::with_backoff, "the server restarts"},
    {CloseCode::try_later, "try_later", ComeBack::with_backoff, "the server is overloaded"},
    {CloseCode::origin_not_allowed, "origin_not_allowed", ComeBack::never,
     "this Origin is not in the server's list"},
    {CloseCode::bad_request, "bad_request", ComeBack::never,
     "a message could not be understood; see the error before this close"},
    {CloseCode::unauthorized, "unauthorized", ComeBack::with_fresh_token,
     "the token is missing, wrong or expired; come back with a fresh one"},
    {CloseCode::forbidden, "forbidden", ComeBack::never, "this identity may not connect here"},
    {CloseCode::hello_timeout, "hello_timeout", ComeBack::never, "no connect message came in time"},
    {CloseCode::replaced, "replaced", ComeBack::never,
     "another connection of this user took this one's place"},
    {CloseCode::limit, "limit", ComeBack::never, "a limit on connections or rooms was reached"},
    {CloseCode::rate, "rate", ComeBack::never, "too many messages; slow down"},
    {CloseCode::internal, "internal", ComeBack::with_backoff, "the server failed"},
    {CloseCode::draining, "draining", ComeBack::after_given_delay,
     "the server is draining; come back after the delay given"},
    {CloseCode::slow_consumer, "slow_consumer", ComeBack::with_backoff,
     "messages were not read fast enough; come back and recover"},
    {CloseCode::insufficient_state, "insufficient_state", ComeBack::at_once,
     "messages were missed; come back and recover"},
};

// May a close frame carry it (RFC 6455, 7.4)? 3000-3999 and 4000-4999 belong to libraries and
// applications; of the rest only registered codes that are not reserved for local use.
constexpr bool is_valid_on_the_wire(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

// The row of a code; nullptr for a code we never use (a peer may send any).
constexpr const CloseCodeRow* find_close_code(CloseCode code) {
  for (const CloseCodeRow& row : close_codes)
    if (row.code == code) return &row;
  return nullptr;
}

// The digits of every row's code, four each.
inline constexpr auto close_code_digits = [] {
  std::array<std::array<char, 4>, std::size(close_codes)> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto rest = static_cast<std::uint16_t>(close_codes[i].code);
    for (std::size_t digit = out[i].size(); digit-- > 0; rest /= 10)
      out[i][digit] = static_cast<char>('0' + rest % 10);
  }
  return out;
}();
constexpr std::string_view digits_of(const CloseCodeRow& row) {
  const auto& digits = close_code_digits[static_cast<std::size_t>(&row - close_codes)];
  return {digits.data(), digits.size()};
}

constexpr std::string_view name_of(CloseCode code) {
  const CloseCodeRow* row = find_close_code(code);
  return row != nullptr ? row->name : std::string_view("other");
}

}  // namespace ringroom::proto
