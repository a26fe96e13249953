#include "alloc/core_heap.h"

#include <cstdlib>

#include "base/check.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RR_PLAIN_MALLOC 1
#endif
#endif
#else
#define RR_PLAIN_MALLOC 1
#endif

#ifndef RR_PLAIN_MALLOC
#include <mimalloc.h>
#endif

namespace ringroom::alloc {

#ifdef RR_PLAIN_MALLOC

bool CoreHeap::is_watched() { return true; }

CoreHeap::CoreHeap() : heap_(nullptr) {}
CoreHeap::~CoreHeap() = default;

void* CoreHeap::allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  RR_CHECK(memory != nullptr);
  return memory;
}

void* CoreHeap::resize(void* memory, std::size_t bytes) {
  void* moved = std::realloc(memory, bytes);
  RR_CHECK(moved != nullptr);
  return moved;
}

void CoreHeap::release(void* memory) { std::free(memory); }

#else

bool CoreHeap::is_watched() { return false; }

CoreHeap::CoreHeap() : heap_(mi_heap_new()) { RR_CHECK(heap_ != nullptr); }

// Blocks that another core still reads must survive this heap, so they move to the thread's
// default heap instead of being destroyed with this one.
CoreHeap::~CoreHeap() { mi_heap_delete(static_cast<mi_heap_t*>(heap_)); }

void* CoreHeap::allocate(std::size_t bytes) {
  void* memory = mi_heap_malloc(static_cast<mi_heap_t*>(heap_), bytes);
  RR_CHECK(memory != nullptr);
  return memory;
}

void* CoreHeap::resize(void* memory, std::size_t bytes) {
  void* moved = mi_heap_realloc(static_cast<mi_heap_t*>(heap_), memory, bytes);
  RR_CHECK(moved != nullptr);
  return moved;
}

void CoreHeap::release(void* memory) { mi_free(memory); }

#endif

}  // namespace ringroom::alloc
