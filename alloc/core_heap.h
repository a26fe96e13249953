#pragma once

#include <cstddef>

namespace ringroom::alloc {

// Memory of variable size for one core: a mimalloc heap, and the only file that calls mi_*.
// In sanitizer builds it is plain malloc, so that the sanitizer sees every object.
//
// Owner:  the thread that made it; allocate and release on that thread only.
// Errors: none. A core that gets no memory stops the process: a limit was missing somewhere.
class CoreHeap {
 public:
  CoreHeap();
  ~CoreHeap();
  CoreHeap(const CoreHeap&) = delete;
  CoreHeap& operator=(const CoreHeap&) = delete;

  // True where a sanitizer watches: nothing may be kept back for later then, or it sees too little.
  static bool is_watched();

  void* allocate(std::size_t bytes);
  void* resize(void* memory, std::size_t bytes);  // keeps the content, may move it
  void release(void* memory);

 private:
  [[maybe_unused]] void* heap_;  // not used under sanitizers
};

}  // namespace ringroom::alloc
