#include "alloc/buffer_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace ringroom::alloc {
namespace {

// The kernel's view: 16 bytes per entry, the tail over the last two bytes of entry 0.
struct KernelEntry {
  std::uint64_t address;
  std::uint32_t size_bytes;
  std::uint16_t buffer;
  std::uint16_t tail;
};

const KernelEntry* seen_by_kernel(const BufferRing& ring) {
  return static_cast<const KernelEntry*>(ring.entries());
}

TEST(BufferRing, StartsWithEveryBufferOnTheKernelsSide) {
  auto ring = BufferRing::make(8, 100);
  ASSERT_TRUE(ring);
  EXPECT_EQ(seen_by_kernel(*ring)[0].tail, 8);
  std::set<std::uint16_t> buffers;
  for (int i = 0; i < 8; ++i) {
    buffers.insert(seen_by_kernel(*ring)[i].buffer);
    EXPECT_EQ(seen_by_kernel(*ring)[i].size_bytes, 100u);
  }
  EXPECT_EQ(buffers.size(), 8u);
  EXPECT_EQ(ring->lent(), 0u);
}

TEST(BufferRing, ShowsReturnedBuffersOnlyWhenPublished) {
  auto ring = BufferRing::make(4, 64);
  ASSERT_TRUE(ring);
  ring->take(2, 10);
  ring->take(0, 64);
  ring->give_back(2);
  ring->give_back(0);
  EXPECT_EQ(seen_by_kernel(*ring)[0].tail, 4);
  ring->publish();
  EXPECT_EQ(seen_by_kernel(*ring)[0].tail, 6);
  EXPECT_EQ(seen_by_kernel(*ring)[0].buffer, 2);
  EXPECT_EQ(seen_by_kernel(*ring)[1].buffer, 0);
}

TEST(BufferRing, KeepsTheTailWhenEntryZeroIsWrittenAgain) {
  auto ring = BufferRing::make(1, 64);
  ASSERT_TRUE(ring);
  for (int i = 0; i < 70'000; ++i) {  // past the wrap of 16 bits
    ring->take(0, 1);
    ring->give_back(0);
    ring->publish();
    ASSERT_EQ(seen_by_kernel(*ring)[0].tail, static_cast<std::uint16_t>(i + 2));
  }
}

TEST(BufferRing, LetsWideLoadsReadBehindTheLastBuffer) {
  auto ring = BufferRing::make(2, 4096);
  ASSERT_TRUE(ring);
  const auto last = ring->take(1, 4096);
  std::byte copy[BufferRing::readable_bytes_behind];
  std::memcpy(copy, last.data() + last.size(), sizeof(copy));
  EXPECT_EQ(copy[0], std::byte{0});
}

TEST(BufferRingDeathTest, StopsTheProcessWhenABufferComesBackTwice) {
  auto ring = BufferRing::make(2, 64);
  ASSERT_TRUE(ring);
  ring->take(0, 1);
  ring->give_back(0);
  EXPECT_DEATH(ring->give_back(0), "check failed");
}

}  // namespace
}  // namespace ringroom::alloc
