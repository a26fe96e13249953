// What memory a message may cost in steady state. General memory (new, malloc): none, but for
// the list of rooms still being served. Memory of the core's own heap: none for an echo and none
// for a delivery; one block for what a room says in one turn, and one more each time that block
// doubles.
//
// Every way to memory that the server has is replaced here by one that counts. The first
// allocations above the allowance are shown with the functions that asked for them.

#include <dlfcn.h>
#include <execinfo.h>
#include <gtest/gtest.h>
#include <mimalloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "tests/guard/hot_path.h"

namespace {

constexpr std::uint64_t shown_max = 3;
constexpr int frames_max = 24;

bool counting = false;
bool showing = true;
std::uint64_t general = 0;  // new, malloc
std::uint64_t blocks = 0;   // of a core's heap
std::uint64_t allowed_blocks = 0;

void count(std::uint64_t& kind, std::uint64_t allowed = 0) {
  if (!counting) return;
  ++kind;
  if (kind <= allowed || kind > allowed + shown_max || !showing) return;
  counting = false;  // showing it is not the server's work
  void* frames[frames_max];
  const int depth = backtrace(frames, frames_max);
  constexpr char title[] = "allocation:\n";
  if (write(STDERR_FILENO, title, sizeof title - 1) > 0) {
    backtrace_symbols_fd(frames, depth, STDERR_FILENO);
  }
  counting = true;
}

template <class Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void* counted_new(std::size_t bytes, std::size_t alignment) {
  count(general);
  return mi_malloc_aligned(bytes == 0 ? 1 : bytes, alignment);
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

extern "C" {
void* malloc(std::size_t bytes) noexcept {
  count(general);
  return mi_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) noexcept {
  count(general);
  return mi_calloc(number, bytes);
}
void* realloc(void* memory, std::size_t bytes) noexcept {
  count(general);
  return mi_realloc(memory, bytes);
}
void free(void* memory) noexcept { mi_free(memory); }
void* mi_heap_malloc(mi_heap_t* heap, std::size_t bytes) noexcept {
  static const auto next = next_of<void*(mi_heap_t*, std::size_t)>("mi_heap_malloc");
  count(blocks, allowed_blocks);
  return next(heap, bytes);
}
void* mi_heap_realloc(mi_heap_t* heap, void* memory, std::size_t bytes) noexcept {
  static const auto next = next_of<void*(mi_heap_t*, void*, std::size_t)>("mi_heap_realloc");
  count(blocks, allowed_blocks);
  return next(heap, memory, bytes);
}
}

void* operator new(std::size_t bytes) { return counted_new(bytes, usual); }
void* operator new[](std::size_t bytes) { return counted_new(bytes, usual); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted_new(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return counted_new(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { mi_free(memory); }
void operator delete[](void* memory) noexcept { mi_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { mi_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { mi_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { mi_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { mi_free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { mi_free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { mi_free(memory); }

namespace ringroom::guard {
namespace {

constexpr std::uint64_t deliveries = 10'000;

class Counting : public Observer {
 public:
  void begin() override {
    general = blocks = 0;
    counting = true;
  }
  void end() override { counting = false; }
};

struct Allowed {
  std::uint64_t blocks_per_batch;  // a batch: what one room says in one turn
  std::uint64_t general = 0;
};

void expect_no_more_than(const Allowed& allowed, const char* name) {
  // The unwinder allocates when it is first used.
  void* frames[1];
  backtrace(frames, 1);
  const Work* work = find_work(name);
  ASSERT_NE(work, nullptr);
  const std::uint64_t per_batch = std::uint64_t{work->burst} * std::max(1u, work->listeners);
  allowed_blocks = (deliveries + per_batch - 1) / per_batch * allowed.blocks_per_batch;
  Counting observer;
  const Passed passed = pass(*work, deliveries, observer);
  EXPECT_GE(passed.deliveries, deliveries);
  EXPECT_LE(general, allowed.general) << "for " << passed.messages << " messages of " << name
                                      << "; the first are shown above with their callers";
  EXPECT_LE(blocks, allowed_blocks) << "for " << passed.messages << " messages of " << name
                                    << "; the first too many are shown above with their callers";
}

TEST(HotPath, IsCountedByAllWaysToMemory) {
  mi_heap_t* heap = mi_heap_new();
  Counting observer;
  showing = false;  // these are meant
  observer.begin();
  void* volatile memory = ::operator new(64);
  ::operator delete(memory);
  memory = malloc(64);
  free(memory);
  memory = mi_heap_malloc(heap, 64);
  memory = mi_heap_realloc(heap, memory, 128);
  mi_free(memory);
  const std::string text(64, 'x');  // allocates within the C++ library
  observer.end();
  showing = true;
  mi_heap_delete(heap);
  EXPECT_EQ(text.size(), 64u);
  EXPECT_EQ(general, 3u);
  EXPECT_EQ(blocks, 2u);
}

constexpr Allowed nothing{.blocks_per_batch = 0};
// Rooms whose turn is over wait in a std::deque, which takes a node for every 64 entries.
constexpr Allowed one_block_in_turns{.blocks_per_batch = 1, .general = deliveries / 500};
// 16 messages of 128 B and their frames: 512 B, doubled until they fit.
constexpr Allowed one_block_grown{.blocks_per_batch = 5, .general = 1};

TEST(HotPath, AllocatesNothingForAnEcho) { expect_no_more_than(nothing, "echo"); }
TEST(HotPath, AllocatesNothingForSixteenEchoesInOneRead) {
  expect_no_more_than(nothing, "echo-d16");
}
TEST(HotPath, AllocatesOneBlockForAPublicationHoweverManyListen) {
  expect_no_more_than(one_block_in_turns, "raw-fanout");
}
TEST(HotPath, AllocatesOneGrowingBlockForABurstOfPublications) {
  expect_no_more_than(one_block_grown, "raw-fanout-burst");
}
TEST(HotPath, AllocatesOneBlockForANativePublicationAndItsAnswer) {
  expect_no_more_than(one_block_in_turns, "json-fanout");
}
TEST(HotPath, AllocatesOneGrowingBlockForABurstOfNativePublications) {
  expect_no_more_than(one_block_grown, "json-fanout-burst");
}
TEST(HotPath, AllocatesOneBlockForEachOfManyRooms) {
  expect_no_more_than(one_block_in_turns, "json-rooms");
}

}  // namespace
}  // namespace ringroom::guard
