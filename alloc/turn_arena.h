#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "alloc/core_heap.h"

namespace ringroom::alloc {

// Scratch memory that is gone when the turn ends: allocating moves a pointer, freeing is one reset.
//
//   chunk 0 |####################|   full
//   chunk 1 |#########.......room|   next_ .. end_
//   large   |####|                   one request above a chunk; given back by reset()
//
// Owner:    one core.
// Lifetime: everything allocated ends with the next reset(); the chunks stay, up to a few.
// Errors:   none, see CoreHeap.
class TurnArena {
 public:
  static constexpr std::size_t chunk_bytes = 256 * 1024;
  static constexpr std::size_t kept_chunks = 8;  // 2 MiB per core survive a burst

  explicit TurnArena(CoreHeap& heap) : heap_(heap) {}
  ~TurnArena();
  TurnArena(const TurnArena&) = delete;
  TurnArena& operator=(const TurnArena&) = delete;

  // Room at the end, not yet taken: the next reserve() returns the same bytes unless commit() took
  // them. `commit(n)` takes the first n.
  std::span<std::byte> reserve(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - next_) < bytes) grow(bytes);
    return {next_, bytes};
  }
  void commit(std::size_t bytes);
  // What was committed last ends here; the next commit starts here if it fits in the chunk.
  const std::byte* position() const { return next_; }

  // Aligned room for `count` values, taken at once.
  template <class T>
  std::span<T> allocate(std::size_t count) {
    static_assert(alignof(T) <= 16);
    reserve(sizeof(T) * count + alignof(T));
    align(alignof(T));
    const std::span<T> out{reinterpret_cast<T*>(next_), count};
    commit(sizeof(T) * count);
    return out;
  }

  void reset();
  std::size_t footprint_bytes() const;

 private:
  void grow(std::size_t bytes);
  void align(std::size_t alignment);
  void use(std::byte* start, std::size_t bytes);

  CoreHeap& heap_;
  std::vector<std::byte*> chunks_;
  std::vector<std::byte*> large_;
  std::size_t used_chunks_ = 0;
  std::size_t large_bytes_ = 0;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
};

}  // namespace ringroom::alloc
