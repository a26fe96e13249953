#include "alloc/block.h"

#include <gtest/gtest.h>

namespace ringroom::alloc {
namespace {

class Blocks : public testing::Test {
 protected:
  std::string_view text(const BlockRef& block) {
    return {reinterpret_cast<const char*>(block.bytes().data()), block.bytes().size()};
  }
  CoreHeap memory_, other_memory_;
  BlockHeap here_{memory_}, there_{other_memory_};
};

TEST_F(Blocks, LiveUntilTheLastHolderLetsGo) {
  BlockBuilder builder(here_);
  builder.append("hello");
  BlockRef first = builder.finish();
  BlockRef second = first.share();
  first.reset();
  EXPECT_EQ(text(second), "hello");
  EXPECT_EQ(here_.blocks(), 1u);
  second.reset();
  EXPECT_EQ(here_.blocks(), 0u);
  EXPECT_EQ(here_.bytes(), 0u);
}

TEST_F(Blocks, GrowAcrossEveryCapacityWithoutLosingBytes) {
  BlockBuilder builder(here_);
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    builder.append(static_cast<char>('a' + i % 26));
    expected.push_back(static_cast<char>('a' + i % 26));
  }
  EXPECT_EQ(text(builder.finish()), expected);
  EXPECT_TRUE(builder.empty());
}

TEST_F(Blocks, HoldEveryByteAtBothSidesOfEachSizeClass) {
  for (const std::size_t boundary : {0u, 480u, 2016u, 8160u, 32736u}) {
    for (const std::size_t size : {boundary, boundary + 1}) {
      const std::string expected(size, 'x');
      EXPECT_EQ(text(here_.copy(std::as_bytes(std::span(expected)))), expected) << size;
    }
  }
  EXPECT_EQ(here_.blocks(), 0u);
}

TEST_F(Blocks, KeepTheirMemoryForTheNextOfThatSize) {
  if (CoreHeap::is_watched()) return;  // there every block is memory of its own
  const std::byte* first =
      here_.copy(std::as_bytes(std::span(std::string_view("one")))).bytes().data();
  const BlockRef second = here_.copy(std::as_bytes(std::span(std::string_view("two"))));
  EXPECT_EQ(second.bytes().data(), first);
  EXPECT_EQ(text(second), "two");
}

TEST_F(Blocks, ASliceKeepsTheWholeAlive) {
  BlockRef whole = here_.copy(std::as_bytes(std::span(std::string_view("0123456789"))));
  BlockRef part = here_.slice(whole, 3, 4);
  whole.reset();
  EXPECT_EQ(text(part), "3456");
  part.reset();
  EXPECT_EQ(here_.blocks(), 0u);
}

TEST_F(Blocks, ALoanGoesHomeOnceAfterItsLastLocalHolder) {
  BlockRef own = here_.copy(std::as_bytes(std::span(std::string_view("shared"))));
  Block* lent = own.share().release();
  {
    BlockRef a = there_.borrow(*lent);
    BlockRef b = a.share();
    EXPECT_EQ(text(b), "shared");
    a.reset();
    EXPECT_TRUE(there_.returns().empty());
  }
  ASSERT_EQ(there_.returns().size(), 1u);
  here_.give_back(*there_.returns().front());
  there_.returns().clear();
  own.reset();
  EXPECT_EQ(here_.blocks(), 0u);
}

}  // namespace
}  // namespace ringroom::alloc
