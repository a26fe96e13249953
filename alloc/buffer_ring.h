#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "alloc/pages.h"
#include "base/check.h"

namespace ringroom::alloc {

// Receive buffers that the kernel picks from (IORING_REGISTER_PBUF_RING), so that an idle socket
// holds none. This is the memory and its hand-over; registering it is the ring's business.
//
//   entries  | 5 | 0 | 3 | 1 |...     the kernel takes at its own head,
//                        ^ tail       we put back behind the tail and publish it once per turn
//   buffers  |  0  |  1  |  2  | ... | last | readable_bytes_behind |
//
// Owner:    the core that made it; it stays mapped until the ring that knows it is closed.
// Errors:   only make(). A buffer given back twice is our bug and found by a check.
class BufferRing {
 public:
  // Parsers with wide loads may read (not use) this far behind a buffer.
  static constexpr std::size_t readable_bytes_behind = 64;

  // `count` is a power of two up to 32768. All buffers start on the kernel's side.
  static Result<BufferRing, PagesError> make(std::uint32_t count, std::size_t buffer_bytes);

  void* entries() const { return entries_.bytes().data(); }
  std::uint32_t count() const { return count_; }

  // The first `bytes` of a buffer the kernel has filled; it is lent until give_back().
  std::span<std::byte> take(std::uint16_t buffer, std::size_t bytes);
  void give_back(std::uint16_t buffer);
  void publish();  // one store: what was given back becomes visible to the kernel

  std::uint32_t lent() const { return lent_; }

 private:
  BufferRing(Pages entries, Pages buffers, std::uint32_t count, std::size_t buffer_bytes);
  void put(std::uint16_t buffer);

  Pages entries_;
  Pages buffers_;
  std::uint32_t count_;
  std::size_t buffer_bytes_;
  std::uint16_t tail_ = 0;
  std::uint32_t lent_ = 0;
};

}  // namespace ringroom::alloc
