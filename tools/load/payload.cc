#include "tools/load/payload.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <random>
#include <span>
#include <string_view>

#include "base/check.h"

namespace ringroom::load {
namespace {

constexpr std::size_t stamp_bytes = 16;
constexpr std::size_t hex_bytes = 2 * stamp_bytes;
constexpr std::string_view before_stamp = R"({"s":")";
constexpr std::string_view before_pattern = R"(","p":")";
constexpr std::string_view behind = R"("})";
constexpr std::size_t json_pattern_at = before_stamp.size() + hex_bytes + before_pattern.size();
constexpr std::size_t pattern_starts = 251;  // a prime, so that neighbours never share a start

using StampBytes = std::array<std::byte, stamp_bytes>;

StampBytes pack(const Stamp& stamp) {
  StampBytes bytes;
  std::memcpy(bytes.data(), &stamp.publisher, 4);
  std::memcpy(bytes.data() + 4, &stamp.sequence, 4);
  std::memcpy(bytes.data() + 8, &stamp.intended_ns, 8);
  return bytes;
}

Stamp unpack(const std::byte* bytes) {
  Stamp stamp{};
  std::memcpy(&stamp.publisher, bytes, 4);
  std::memcpy(&stamp.sequence, bytes + 4, 4);
  std::memcpy(&stamp.intended_ns, bytes + 8, 8);
  return stamp;
}

constexpr std::byte hex_digit(unsigned value) {
  return static_cast<std::byte>("0123456789abcdef"[value & 15]);
}

// -1 for what is not a lower-case hex digit.
constexpr int hex_value(std::byte digit) {
  const int c = std::to_integer<int>(digit);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::byte* append(std::byte* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

bool is(const std::byte* at, std::string_view text) {
  return std::memcmp(at, text.data(), text.size()) == 0;
}

// A square, so that it is not the same at the next start.
std::vector<std::byte> letters(std::size_t bytes) {
  std::vector<std::byte> pattern(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    pattern[i] = static_cast<std::byte>('a' + (i * i / 7 + i) % 26);
  }
  return pattern;
}

// Readings of sensors: the names repeat, the numbers do not.
std::vector<std::byte> json_records(std::size_t bytes) {
  std::vector<std::byte> pattern;
  std::minstd_rand random(1);
  while (pattern.size() < bytes) {
    char record[128];
    const int record_bytes = std::snprintf(
        record, sizeof record,
        R"({"id":%u,"name":"sensor-%u","value":%u.%03u,"unit":"kW","ok":%s,"at":17%08u},)",
        static_cast<unsigned>(random() % 100'000), static_cast<unsigned>(random() % 1000),
        static_cast<unsigned>(random() % 100), static_cast<unsigned>(random() % 1000),
        random() % 8 == 0 ? "false" : "true", static_cast<unsigned>(random() % 100'000'000));
    const auto text = std::as_bytes(std::span(record, static_cast<std::size_t>(record_bytes)));
    pattern.insert(pattern.end(), text.begin(), text.end());
  }
  pattern.resize(bytes);
  return pattern;
}

}  // namespace

std::size_t Payload::bytes_min(PayloadForm form) {
  return form == PayloadForm::bytes ? stamp_bytes : json_pattern_at + behind.size();
}

Payload::Payload(PayloadForm form, std::size_t bytes, Pattern pattern)
    : form_(form), bytes_(bytes) {
  RR_CHECK(bytes >= bytes_min(form));
  pattern_ = pattern == Pattern::json ? json_records(bytes + pattern_starts)
                                      : letters(bytes + pattern_starts);
}

const std::byte* Payload::pattern_of(const Stamp& stamp) const {
  return pattern_.data() + (std::uint64_t{stamp.publisher} * 31 + stamp.sequence) % pattern_starts;
}

void Payload::write(std::byte* to, const Stamp& stamp) const {
  const StampBytes packed = pack(stamp);
  if (form_ == PayloadForm::bytes) {
    std::memcpy(to, packed.data(), stamp_bytes);
    std::memcpy(to + stamp_bytes, pattern_of(stamp), bytes_ - stamp_bytes);
    return;
  }
  to = append(to, before_stamp);
  for (const std::byte byte : packed) {
    *to++ = hex_digit(std::to_integer<unsigned>(byte) >> 4);
    *to++ = hex_digit(std::to_integer<unsigned>(byte));
  }
  to = append(to, before_pattern);
  const std::size_t pattern_bytes = bytes_ - bytes_min(form_);
  std::memcpy(to, pattern_of(stamp), pattern_bytes);
  append(to + pattern_bytes, behind);
}

Result<Stamp, PayloadError> Payload::read(std::span<const std::byte> payload) const {
  if (payload.size() != bytes_) return fail(PayloadError::wrong_size);
  const std::size_t pattern_bytes = bytes_ - bytes_min(form_);
  if (form_ == PayloadForm::bytes) {
    const Stamp stamp = unpack(payload.data());
    if (std::memcmp(payload.data() + stamp_bytes, pattern_of(stamp), pattern_bytes) != 0) {
      return fail(PayloadError::wrong_pattern);
    }
    return stamp;
  }

  const std::byte* at = payload.data();
  if (!is(at, before_stamp) || !is(at + before_stamp.size() + hex_bytes, before_pattern) ||
      !is(at + bytes_ - behind.size(), behind)) {
    return fail(PayloadError::wrong_frame);
  }
  StampBytes packed;
  const std::byte* hex = at + before_stamp.size();
  for (std::byte& byte : packed) {
    const int high = hex_value(*hex++);
    const int low = hex_value(*hex++);
    if (high < 0 || low < 0) return fail(PayloadError::wrong_frame);
    byte = static_cast<std::byte>(high << 4 | low);
  }
  const Stamp stamp = unpack(packed.data());
  if (std::memcmp(at + json_pattern_at, pattern_of(stamp), pattern_bytes) != 0) {
    return fail(PayloadError::wrong_pattern);
  }
  return stamp;
}

}  // namespace ringroom::load
