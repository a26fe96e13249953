#include "alloc/core_heap.h"

#include <gtest/gtest.h>
#include <mimalloc.h>

#include <cstdlib>
#include <new>

namespace ringroom::alloc {
namespace {

// docs/decisions/0021: containers and libraries need no heap of their own, because linking mimalloc
// replaces the process' allocator. A link line that loses that is found here, not in a profile.
TEST(CoreHeap, ItsAllocatorIsThatOfTheWholeProcess) {
  if (CoreHeap::is_watched()) GTEST_SKIP() << "a sanitizer has its own";
  void* volatile made = ::operator new(64);
  EXPECT_TRUE(mi_is_in_heap_region(made));
  ::operator delete(made);
  made = std::malloc(64);
  EXPECT_TRUE(mi_is_in_heap_region(made));
  std::free(made);
}

TEST(CoreHeap, KeepsTheContentWhenItResizes) {
  CoreHeap heap;
  auto* memory = static_cast<unsigned char*>(heap.allocate(1));
  *memory = 42;
  for (std::size_t bytes = 2; bytes <= 1u << 20; bytes *= 2) {
    memory = static_cast<unsigned char*>(heap.resize(memory, bytes));
    ASSERT_EQ(*memory, 42);
    memory[bytes - 1] = 7;
  }
  heap.release(memory);
}

}  // namespace
}  // namespace ringroom::alloc
