// In steady state a message costs no memory: none from new and malloc, none from the core's own
// heap, echoed, published or delivered, alone or in bursts. What is needed is kept from the one
// before.
//
// Every way to memory that the server has is replaced here by one that counts. The first
// allocations are shown with the functions that asked for them.

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

void count(std::uint64_t& kind) {
  if (!counting) return;
  ++kind;
  if (kind > shown_max || !showing) return;
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
  count(blocks);
  return next(heap, bytes);
}
void* mi_heap_realloc(mi_heap_t* heap, void* memory, std::size_t bytes) noexcept {
  static const auto next = next_of<void*(mi_heap_t*, void*, std::size_t)>("mi_heap_realloc");
  count(blocks);
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

void expect_no_allocation(const char* name) {
  // The unwinder allocates when it is first used.
  void* frames[1];
  backtrace(frames, 1);
  const Work* work = find_work(name);
  ASSERT_NE(work, nullptr);
  Counting observer;
  const Passed passed = pass(*work, deliveries, observer);
  EXPECT_GE(passed.deliveries, deliveries);
  EXPECT_EQ(general, 0u) << "for " << passed.messages << " messages of " << name
                         << "; the first are shown above with their callers";
  EXPECT_EQ(blocks, 0u) << "for " << passed.messages << " messages of " << name
                        << "; the first are shown above with their callers";
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

TEST(HotPath, AllocatesNothingForAnEcho) { expect_no_allocation("echo"); }
TEST(HotPath, AllocatesNothingForSixteenEchoesInOneRead) { expect_no_allocation("echo-d16"); }
TEST(HotPath, AllocatesNothingForAPublicationHoweverManyListen) {
  expect_no_allocation("raw-fanout");
}
TEST(HotPath, AllocatesNothingForABurstOfPublications) { expect_no_allocation("raw-fanout-burst"); }
TEST(HotPath, AllocatesNothingForANativePublicationAndItsAnswer) {
  expect_no_allocation("json-fanout");
}
TEST(HotPath, AllocatesNothingForABurstOfNativePublications) {
  expect_no_allocation("json-fanout-burst");
}
TEST(HotPath, AllocatesNothingInManyRooms) { expect_no_allocation("json-rooms"); }
TEST(HotPath, AllocatesNothingForWhatIsLimited) { expect_no_allocation("json-rooms-limited"); }

}  // namespace
}  // namespace ringroom::guard
