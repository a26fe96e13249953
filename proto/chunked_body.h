#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/assembly.h"

namespace ringroom::proto {

// A request body in chunks (RFC 9112, 7.1), decoded as it arrives:
//
//   1a CRLF <26 bytes> CRLF  ...  0 CRLF CRLF
//
// Stricter than the RFC where readers are known to differ about the end: no chunk extensions, no
// trailers, no blanks, at most eight digits. Every byte is looked at once, however it is cut.
class ChunkedBody {
 public:
  enum class Progress : std::uint8_t { need_more, done, bad, too_large };

  // Takes bytes off `received` up to the end of the body, and appends the content to `body`.
  Progress take(std::span<std::byte>& received, Assembly& body, std::size_t body_bytes_max);

 private:
  enum class Expect : std::uint8_t { size, size_lf, data, data_cr, data_lf, last_cr, last_lf };

  Progress take_size_digit(char c, std::size_t room);

  Expect expect_ = Expect::size;
  std::uint8_t digits_ = 0;
  std::uint32_t chunks_ = 0;
  std::uint64_t chunk_bytes_ = 0;  // still missing
};

}  // namespace ringroom::proto
