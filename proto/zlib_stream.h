#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>

#include "alloc/core_heap.h"
#include "base/check.h"

namespace ringroom::proto {

// zlib's two streams as values that end themselves, and the memory they take.
//
// Owner:  one core. Their state never moves: zlib keeps a pointer to it.

// What the streams of one core hold, out of its heap.
class StreamMemory {
 public:
  explicit StreamMemory(alloc::CoreHeap& heap) : heap_(heap) {}

  void lend(z_stream& zlib) {
    zlib.zalloc = [](void* memory, unsigned items, unsigned bytes) {
      return static_cast<StreamMemory*>(memory)->take(std::size_t{items} * bytes);
    };
    zlib.zfree = [](void* memory, void* bytes) {
      static_cast<StreamMemory*>(memory)->give_back(bytes);
    };
    zlib.opaque = this;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  // zlib does not say how much it gives back; that stands in front.
  static constexpr std::size_t front_bytes = alignof(std::max_align_t);
  static_assert(front_bytes >= sizeof(std::size_t));

  void* take(std::size_t bytes) {
    auto* front = static_cast<std::byte*>(heap_.allocate(front_bytes + bytes));
    *reinterpret_cast<std::size_t*>(front) = bytes;
    bytes_ += bytes;
    return front + front_bytes;
  }
  void give_back(void* memory) {
    std::byte* front = static_cast<std::byte*>(memory) - front_bytes;
    bytes_ -= *reinterpret_cast<std::size_t*>(front);
    heap_.release(front);
  }

  alloc::CoreHeap& heap_;
  std::size_t bytes_ = 0;
};

class InflateStream {
 public:
  InflateStream(StreamMemory& memory, std::uint8_t window_bits) {
    memory.lend(zlib);
    RR_CHECK(inflateInit2(&zlib, -int(window_bits)) == Z_OK);  // raw
  }
  ~InflateStream() { inflateEnd(&zlib); }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  z_stream zlib{};
};

class DeflateStream {
 public:
  DeflateStream(StreamMemory& memory, int level, std::uint8_t window_bits, int memory_level) {
    memory.lend(zlib);
    RR_CHECK(deflateInit2(&zlib, level, Z_DEFLATED, -int(window_bits), memory_level,
                          Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~DeflateStream() { deflateEnd(&zlib); }
  DeflateStream(const DeflateStream&) = delete;
  DeflateStream& operator=(const DeflateStream&) = delete;

  z_stream zlib{};
};

}  // namespace ringroom::proto
