#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "alloc/core_heap.h"
#include "base/check.h"

namespace ringroom::alloc {

// A list of plain things that grows a chunk at a time. Nothing but its last chunk ever moves, so
// growth leaves no copies of the whole behind, and unused is at most a part of that chunk.
//
//   | 64 | 64 | 64 | 24: grows to 28, 32, 40 ... |        a short list is a short chunk
//
// Owner: one core, whose heap it takes. References end with the next push_back.
template <class T>
class ChunkList {
  static_assert(std::is_trivially_copyable_v<T>, "a chunk moves as bytes");

 public:
  explicit ChunkList(CoreHeap& heap) : heap_(&heap) {}
  ChunkList(ChunkList&& other) noexcept : heap_(other.heap_) { swap(other); }
  ChunkList& operator=(ChunkList&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ChunkList() {
    for (T* chunk : chunks_) heap_->release(chunk);
  }

  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return chunks_[i / chunk_items][i % chunk_items]; }
  const T& operator[](std::size_t i) const { return chunks_[i / chunk_items][i % chunk_items]; }

  void push_back(const T& item) {
    if (size_ == capacity_) grow();
    ++size_;
    (*this)[size_ - 1] = item;
  }

  std::size_t memory_bytes() const {
    return capacity_ * sizeof(T) + chunks_.capacity() * sizeof(T*);
  }

 private:
  static constexpr std::size_t chunk_items = 64;

  void grow() {
    const std::size_t before = capacity_ % chunk_items;  // of the last chunk; 0: it is full
    // A quarter of a short chunk, an eighth of a longer one: sizes that the heap has.
    const std::size_t after = before + (before < 16 ? 2 : before < 32 ? 4 : 8);
    const std::size_t bytes = after * sizeof(T);
    if (before == 0) {
      chunks_.push_back(static_cast<T*>(heap_->allocate(bytes)));
    } else {
      chunks_.back() = static_cast<T*>(heap_->resize(chunks_.back(), bytes));
    }
    capacity_ += static_cast<std::uint32_t>(after - before);
  }

  void swap(ChunkList& other) {
    std::swap(heap_, other.heap_);
    chunks_.swap(other.chunks_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  CoreHeap* heap_;
  std::vector<T*> chunks_;
  std::uint32_t size_ = 0, capacity_ = 0;
};

}  // namespace ringroom::alloc
