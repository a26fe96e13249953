#include "realtime/room/offline_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

// A queue over a real history that keeps four messages of 1 s; the room's last sequence is last_.
class OfflineQueueTest : public testing::Test {
 protected:
  void say(std::uint64_t count, std::uint64_t now_ms = 0) {
    for (; count > 0; --count) {
      alloc::BlockBuilder text(blocks_);
      text.append("m");
      const History::Mark mark{.sequence = ++last_, .begin = 0, .end = 1};
      history_.append(text.finish(), std::span(&mark, 1), now_ms);
    }
  }
  std::uint64_t position() const { return queue_.position(history_, last_); }
  std::uint64_t dropped() const { return queue_.dropped(history_, last_); }
  std::uint64_t newly_dropped() { return queue_.newly_dropped(history_, last_); }

  alloc::CoreHeap heap_;
  alloc::BlockHeap blocks_{heap_};
  History::Budget of_namespace_, of_core_;
  Counter memory_;
  History history_{{.count = 4, .age_ms = 1000, .bytes = 1 << 20},
                   {.of_namespace = of_namespace_, .of_core = of_core_, .memory = memory_}};
  OfflineQueue queue_;
  std::uint64_t last_ = 0;
};

TEST_F(OfflineQueueTest, BeginsWithNothing) {
  EXPECT_EQ(position(), 0u);
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(OfflineQueueTest, GoesOnBehindWhatWasAcknowledged) {
  say(4);
  EXPECT_EQ(position(), 0u);
  queue_.acknowledge(history_, 2);
  EXPECT_EQ(position(), 2u);
  EXPECT_EQ(history_.size(), 2u);
  queue_.acknowledge(history_, 1);
  EXPECT_EQ(queue_.acknowledged(), 2u);
  queue_.acknowledge(history_, 4);
  EXPECT_EQ(position(), 4u);
  EXPECT_TRUE(history_.empty());
  EXPECT_EQ(memory_.read(), 0u);
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(OfflineQueueTest, TellsWhatPassedABoundUntilThatIsAcknowledged) {
  say(7);
  EXPECT_EQ(dropped(), 3u);
  EXPECT_EQ(position(), 3u);
  queue_.acknowledge(history_, 2);  // two of the three had arrived
  EXPECT_EQ(dropped(), 1u);
  EXPECT_EQ(position(), 3u);
  queue_.acknowledge(history_, 3);
  EXPECT_EQ(dropped(), 0u);
  EXPECT_EQ(position(), 3u);
}

TEST_F(OfflineQueueTest, TellsOfAnEmptyQueueWhatGrewOld) {
  say(3);
  history_.expire(999);
  EXPECT_EQ(dropped(), 0u);
  history_.expire(1000);
  EXPECT_EQ(dropped(), 3u);
  EXPECT_EQ(position(), 3u);
  say(1, 1000);
  EXPECT_EQ(dropped(), 3u);
  EXPECT_EQ(position(), 3u);
}

TEST_F(OfflineQueueTest, CountsEachDropOnce) {
  say(6);
  EXPECT_EQ(newly_dropped(), 2u);
  EXPECT_EQ(newly_dropped(), 0u);
  queue_.acknowledge(history_, 5);
  EXPECT_EQ(newly_dropped(), 0u);
  say(5);  // 6 is dropped, and 7
  EXPECT_EQ(newly_dropped(), 2u);
  queue_.acknowledge(history_, last_);
  EXPECT_EQ(newly_dropped(), 0u);
}

TEST_F(OfflineQueueTest, ForgetsItsPositionsWhenTheNumberingBeginsAnew) {
  say(6);
  queue_.acknowledge(history_, 4);
  history_.clear();
  queue_.clear();
  last_ = 0;
  EXPECT_EQ(position(), 0u);
  say(5);
  EXPECT_EQ(dropped(), 1u);
  EXPECT_EQ(newly_dropped(), 1u);
}

}  // namespace
}  // namespace ringroom::realtime
