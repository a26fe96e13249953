#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ringroom::load {

// The fields of one native JSON message that a load needs; see docs/protocol.md. Views into the
// message, strings without their quotes and not unescaped; empty when absent.
struct Envelope {
  std::string_view type;
  std::string_view room;
  std::string_view correlation_id;
  std::string_view payload;    // the object as it stands, braces included
  std::uint64_t sequence = 0;  // 0: absent, the first is 1
};

enum class EnvelopeError : std::uint8_t { not_an_object, broken };

// Walks the top level of an object, in whatever order its fields come, and steps over nested
// values. Checks what it has to walk through and no more: a validator is the server's job.
Result<Envelope, EnvelopeError> read_envelope(std::string_view message);

}  // namespace ringroom::load
