#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace ringroom::load {

// What a message says of itself, so that its receiver can tell who sent it, the how many-th it is,
// when it should have left, and whether a single byte is wrong.
struct Stamp {
  std::uint32_t publisher;    // the sender's seat, counted over all rooms; see seating.h
  std::uint32_t sequence;     // from 0, per publisher
  std::uint64_t intended_ns;  // when it was due, which is not later than when it was sent
  bool operator==(const Stamp&) const = default;
};

// A publisher that no seat has: messages that only ask whether a listener is listening.
inline constexpr std::uint32_t probe_publisher = 0xffff'ffff;

enum class PayloadForm : std::uint8_t { bytes, json_object };
// What fills it: letters, which shrink to a fifth, or pieces of JSON records, which shrink like
// real ones. Only the letters may stand within a JSON string.
enum class Pattern : std::uint8_t { letters, json };
enum class PayloadError : std::uint8_t { wrong_size, wrong_frame, wrong_pattern };

// Writes and checks payloads of one size and form. The pattern depends on publisher and sequence:
// bytes of a neighbouring message in the right place are noticed too.
//
//   bytes         | publisher 4 | sequence 4 | intended_ns 8 | pattern ... |
//   json_object   {"s":"<those 16 bytes in hex>","p":"<pattern>"}
//
// Owner: one client thread. Lifetime: the run. Errors: what arrived is not what was sent.
class Payload {
 public:
  static std::size_t bytes_min(PayloadForm form);

  // bytes >= bytes_min(form)
  Payload(PayloadForm form, std::size_t bytes, Pattern pattern = Pattern::letters);

  std::size_t bytes() const { return bytes_; }
  void write(std::byte* to, const Stamp& stamp) const;  // exactly bytes()
  Result<Stamp, PayloadError> read(std::span<const std::byte> payload) const;

 private:
  const std::byte* pattern_of(const Stamp& stamp) const;

  PayloadForm form_;
  std::size_t bytes_;
  std::vector<std::byte> pattern_;  // every pattern is a slice of it
};

}  // namespace ringroom::load
