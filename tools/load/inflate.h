#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"

namespace ringroom::load {

enum class InflateError : std::uint8_t { broken, oversized };

// Reads compressed messages (RFC 7692, 7.2.2) that do not build on each other.
//
// A message to a room is the same bytes for each of its listeners, and the same bytes inflate to
// the same message: it is inflated once and then looked up, or the load would be the bottleneck of
// every compressed fan-out. What is looked up is compared byte by byte, so a wrong one is never
// taken for a right one.
//
// Owner: one client thread. Errors: the server's.
class Inflate {
 public:
  Inflate();
  ~Inflate();
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  // Valid until the next call. At most `bytes_max` come out.
  Result<std::span<const std::byte>, InflateError> read(std::span<const std::byte> compressed,
                                                        std::size_t bytes_max);
  std::uint64_t inflated() const { return inflated_; }  // messages that were not looked up

 private:
  struct Stream;
  struct Message {
    std::vector<std::byte> compressed;
    std::vector<std::byte> plain;
  };
  // More than a listener is ever behind the others in a burst that is heard at once.
  static constexpr std::size_t remembered = 512;

  bool inflate(std::span<const std::byte> compressed, std::size_t bytes_max,
               std::vector<std::byte>& plain);

  std::unique_ptr<Stream> stream_;
  std::vector<Message> messages_;  // by hash; the newer one stays
  std::uint64_t inflated_ = 0;
};

}  // namespace ringroom::load
