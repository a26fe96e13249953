#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "alloc/core_heap.h"
#include "proto/bounds.h"

namespace ringroom::proto {

// Bytes of one peer that arrive in pieces. Grows with what has arrived, at most to double of it,
// whatever length the peer declared; 64 bytes behind the content can always be read.
//
// Owner:  a lent state of a pool. `reserved` is the pool's sum over all of its assemblies.
class Assembly {
 public:
  Assembly(alloc::CoreHeap& heap, std::size_t& reserved) : heap_(heap), reserved_(reserved) {}
  ~Assembly() { drop(); }
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  // Room for `bytes` more; written by the caller, then counted by advance().
  std::byte* reserve(std::size_t bytes) {
    const std::size_t needed = size_ + bytes + readable_behind_bytes;
    if (needed > capacity_) grow(std::max({needed, 2 * capacity_, assembly_bytes_min}));
    return data_ + size_;
  }
  void advance(std::size_t bytes) { size_ += bytes; }
  void append(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {data_, size_}; }
  std::span<const std::byte> behind(std::size_t offset) const { return bytes().subspan(offset); }

  void clear() { size_ = 0; }
  // Ready for the next connection: empty, and no memory beyond what a pool keeps of each, or of all
  // its assemblies together.
  void recycle(std::size_t reserved_max = 0) {
    clear();
    if (capacity_ > pooled_buffer_bytes_max && reserved_ > reserved_max) drop();
  }

 private:
  void grow(std::size_t capacity) {
    data_ = static_cast<std::byte*>(data_ == nullptr ? heap_.allocate(capacity)
                                                     : heap_.resize(data_, capacity));
    reserved_ += capacity - std::exchange(capacity_, capacity);
  }
  void drop() {
    if (data_ != nullptr) heap_.release(std::exchange(data_, nullptr));
    reserved_ -= std::exchange(capacity_, 0);
    size_ = 0;
  }

  alloc::CoreHeap& heap_;
  std::size_t& reserved_;
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;  // with the readable bytes behind
  std::size_t size_ = 0;
};

}  // namespace ringroom::proto
