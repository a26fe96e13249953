#include "alloc/chunk_list.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace ringroom::alloc {
namespace {

struct Item {
  std::uint64_t number;
  std::uint64_t more[3];
};

TEST(ChunkList, KeepsWhatWasPutInWhereItWas) {
  CoreHeap heap;
  ChunkList<Item> list(heap);
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    list.push_back({.number = n, .more = {}});
    ASSERT_EQ(list.size(), n + 1);
  }
  for (std::uint64_t n = 0; n < 10'000; ++n) ASSERT_EQ(list[n].number, n);
}

TEST(ChunkList, MovesNothingButItsLastChunk) {
  CoreHeap heap;
  ChunkList<Item> list(heap);
  for (std::uint64_t n = 0; n < 64; ++n) list.push_back({.number = n, .more = {}});
  const Item* first = &list[0];
  for (std::uint64_t n = 64; n < 1'000; ++n) list.push_back({.number = n, .more = {}});
  EXPECT_EQ(&list[0], first);
  EXPECT_EQ(&list[63], first + 63);
}

// Whatever its length: seven items of a long one, fewer of a short one.
TEST(ChunkList, LeavesLittleUnused) {
  CoreHeap heap;
  ChunkList<Item> list(heap);
  for (std::uint64_t n = 1; n < 5'000; ++n) {
    list.push_back({.number = n, .more = {}});
    const std::size_t unused = n < 16 ? 1 : n < 32 ? 3 : 7;
    const std::size_t chunks = (n + 63) / 64;  // their places double
    EXPECT_LE(list.memory_bytes(), (n + unused) * sizeof(Item) + 2 * chunks * sizeof(Item*)) << n;
  }
}

TEST(ChunkList, HandsOverWhatItHas) {
  CoreHeap heap;
  ChunkList<Item> list(heap), other(heap);
  for (std::uint64_t n = 0; n < 100; ++n) list.push_back({.number = n, .more = {}});
  other.push_back({.number = 7, .more = {}});
  other = std::move(list);
  ASSERT_EQ(other.size(), 100u);
  EXPECT_EQ(other[99].number, 99u);
}

}  // namespace
}  // namespace ringroom::alloc
