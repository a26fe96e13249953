#include "alloc/turn_arena.h"

#include <cstdint>

#include "base/check.h"

namespace ringroom::alloc {

TurnArena::~TurnArena() {
  for (std::byte* chunk : chunks_) heap_.release(chunk);
  for (std::byte* large : large_) heap_.release(large);
}

void TurnArena::use(std::byte* start, std::size_t bytes) {
  next_ = start;
  end_ = start + bytes;
}

void TurnArena::grow(std::size_t bytes) {
  if (bytes > chunk_bytes) {
    large_.push_back(static_cast<std::byte*>(heap_.allocate(bytes)));
    large_bytes_ += bytes;
    use(large_.back(), bytes);
    return;
  }
  if (used_chunks_ == chunks_.size()) {
    chunks_.push_back(static_cast<std::byte*>(heap_.allocate(chunk_bytes)));
  }
  use(chunks_[used_chunks_++], chunk_bytes);
}

void TurnArena::commit(std::size_t bytes) {
  RR_CHECK(bytes <= static_cast<std::size_t>(end_ - next_));
  next_ += bytes;
}

void TurnArena::align(std::size_t alignment) {
  const auto address = reinterpret_cast<std::uintptr_t>(next_);
  next_ += (alignment - address % alignment) % alignment;
}

void TurnArena::reset() {
  for (std::byte* large : large_) heap_.release(large);
  large_.clear();
  large_bytes_ = 0;
  while (chunks_.size() > kept_chunks) {
    heap_.release(chunks_.back());
    chunks_.pop_back();
  }
  used_chunks_ = 0;
  next_ = end_ = nullptr;
}

std::size_t TurnArena::footprint_bytes() const {
  return chunks_.size() * chunk_bytes + large_bytes_;
}

}  // namespace ringroom::alloc
