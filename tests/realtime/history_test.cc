#include "realtime/room/history.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

using Recovery = History::Recovery;

// A history over real blocks; messages are "m<sequence>".
class HistoryTest : public testing::Test {
 protected:
  std::unique_ptr<History> history(History::Limits limits) {
    return std::make_unique<History>(
        limits,
        History::Account{.of_namespace = of_namespace_, .of_core = of_core_, .memory = memory_});
  }
  // One batch of `count` messages, numbered on from `first`.
  std::size_t say(History& history, std::uint64_t first, std::uint64_t count,
                  std::uint64_t now_ms = 0) {
    alloc::BlockBuilder text(blocks_);
    std::vector<History::Mark> marks;
    for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
      text.append("##");  // a frame's header
      const auto begin = static_cast<std::uint32_t>(text.size());
      text.append("m" + std::to_string(sequence));
      marks.push_back(
          {.sequence = sequence, .begin = begin, .end = static_cast<std::uint32_t>(text.size())});
    }
    return history.append(text.finish(), marks, now_ms);
  }
  std::vector<std::string> since(const History& history, std::uint64_t sequence, std::uint64_t last,
                                 Recovery expected) {
    std::vector<std::string_view> out;
    EXPECT_EQ(history.since(sequence, last, 1000, 1 << 20, out), expected) << sequence;
    return {out.begin(), out.end()};
  }
  std::vector<std::string> read(const History& history, std::uint64_t from, bool reverse,
                                std::size_t limit, std::size_t bytes = 1 << 20) {
    std::vector<std::string_view> out;
    history.read(from, reverse, limit, bytes, out);
    return {out.begin(), out.end()};
  }

  alloc::CoreHeap heap_;
  alloc::BlockHeap blocks_{heap_};
  History::Budget of_namespace_, of_core_;
  Counter memory_;
};

constexpr History::Limits plenty{.count = 100, .age_ms = 1000, .bytes = 1 << 20};
using Texts = std::vector<std::string>;

TEST_F(HistoryTest, RecoversExactlyWhatWasMissed) {
  const auto kept = history(plenty);
  say(*kept, 1, 3);
  say(*kept, 4, 2);
  EXPECT_EQ(since(*kept, 0, 5, Recovery::complete), (Texts{"m1", "m2", "m3", "m4", "m5"}));
  EXPECT_EQ(since(*kept, 3, 5, Recovery::complete), (Texts{"m4", "m5"}));
  EXPECT_EQ(since(*kept, 5, 5, Recovery::complete), Texts{});
}

TEST_F(HistoryTest, RefusesAPositionThatIsAheadOfTheRoom) {
  const auto kept = history(plenty);
  say(*kept, 1, 3);
  EXPECT_EQ(since(*kept, 4, 3, Recovery::incomplete), Texts{});
}

// A client that was away for size - 1, size and size + 1 messages.
TEST_F(HistoryTest, KeepsByCountToTheMessage) {
  const auto kept = history({.count = 10, .age_ms = 1000, .bytes = 1 << 20});
  for (std::uint64_t sequence = 1; sequence <= 25; ++sequence) say(*kept, sequence, 1);
  EXPECT_EQ(kept->size(), 10u);
  EXPECT_EQ(kept->oldest(), 16u);
  EXPECT_EQ(since(*kept, 25 - 9, 25, Recovery::complete).size(), 9u);
  EXPECT_EQ(since(*kept, 25 - 10, 25, Recovery::complete).size(), 10u);
  EXPECT_EQ(since(*kept, 25 - 11, 25, Recovery::incomplete), Texts{});
}

TEST_F(HistoryTest, KeepsByAgeToTheMillisecond) {
  const auto kept = history({.count = 10, .age_ms = 500, .bytes = 1 << 20});
  say(*kept, 1, 1, 1000);
  say(*kept, 2, 1, 1001);
  kept->expire(1499);
  EXPECT_EQ(since(*kept, 0, 2, Recovery::complete), (Texts{"m1", "m2"}));
  kept->expire(1500);
  EXPECT_EQ(since(*kept, 0, 2, Recovery::incomplete), Texts{});
  EXPECT_EQ(since(*kept, 1, 2, Recovery::complete), Texts{"m2"});
  kept->expire(1501);
  EXPECT_TRUE(kept->empty());
  // Nothing is kept, and yet somebody who has heard all of it has missed nothing.
  EXPECT_EQ(since(*kept, 2, 2, Recovery::complete), Texts{});
  EXPECT_EQ(since(*kept, 1, 2, Recovery::incomplete), Texts{});
}

TEST_F(HistoryTest, CountsABlockUntilItsLastMessageGoes) {
  const auto kept = history({.count = 4, .age_ms = 1000, .bytes = 1 << 20});
  say(*kept, 1, 3);
  const std::size_t one_block = kept->bytes();
  EXPECT_GE(one_block, sizeof(alloc::Block) + 3 * 4);
  say(*kept, 4, 3);  // m1 and m2 go, their block stays for m3
  EXPECT_EQ(kept->size(), 4u);
  EXPECT_EQ(kept->bytes(), 2 * one_block);
  say(*kept, 7, 1);
  EXPECT_LT(kept->bytes(), 3 * one_block);
  EXPECT_EQ(memory_.read(), kept->bytes());
  kept->clear();
  EXPECT_EQ(kept->bytes(), 0u);
  EXPECT_EQ(memory_.read(), 0u);
  EXPECT_EQ(of_core_.bytes, 0u);
  EXPECT_EQ(blocks_.blocks(), 0u);
}

TEST_F(HistoryTest, KeepsByBytesAndNeverWithAHole) {
  const auto probe = history(plenty);
  say(*probe, 1, 1);
  const std::size_t block = probe->bytes();
  const auto kept = history({.count = 100, .age_ms = 1000, .bytes = 3 * block});
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) say(*kept, sequence, 1);
  EXPECT_EQ(kept->size(), 3u);
  EXPECT_EQ(since(*kept, 2, 5, Recovery::complete), (Texts{"m3", "m4", "m5"}));
  EXPECT_EQ(since(*kept, 1, 5, Recovery::incomplete), Texts{});

  const auto small = history({.count = 100, .age_ms = 1000, .bytes = block - 1});
  say(*small, 1, 1);
  EXPECT_TRUE(small->empty()) << "what is too large to keep takes all before it along";
}

TEST_F(HistoryTest, GivesWayWhenAllRoomsTogetherKeepTooMuch) {
  const auto first = history(plenty);
  const auto second = history(plenty);
  say(*first, 1, 1);
  of_core_.bytes_max = 2 * first->bytes();
  EXPECT_EQ(say(*second, 1, 1), 0u);
  EXPECT_EQ(say(*second, 2, 1), 1u) << "who speaks gives way";
  EXPECT_EQ(first->size(), 1u);
  EXPECT_EQ(second->oldest(), 2u);
}

TEST_F(HistoryTest, ReadsForwardAndBack) {
  const auto kept = history({.count = 5, .age_ms = 1000, .bytes = 1 << 20});
  say(*kept, 1, 8);  // m4 to m8
  EXPECT_EQ(read(*kept, 0, false, 2), (Texts{"m4", "m5"}));
  EXPECT_EQ(read(*kept, 5, false, 2), (Texts{"m6", "m7"}));
  EXPECT_EQ(read(*kept, 8, false, 2), Texts{});
  EXPECT_EQ(read(*kept, 9, true, 2), (Texts{"m8", "m7"}));
  EXPECT_EQ(read(*kept, 6, true, 10), (Texts{"m5", "m4"}));
  EXPECT_EQ(read(*kept, 4, true, 10), Texts{});
  EXPECT_EQ(read(*kept, 0, false, 0), Texts{});
  EXPECT_EQ(read(*kept, 0, false, 10, 6), (Texts{"m4", "m5"})) << "at most 6 bytes";
  EXPECT_EQ(read(*kept, 0, false, 10, 1), Texts{"m4"}) << "one always fits";
}

TEST_F(HistoryTest, ARecoveryThatIsTooLargeIsToldAndNotCut) {
  const auto kept = history(plenty);
  say(*kept, 1, 10);
  std::vector<std::string_view> out;
  EXPECT_EQ(kept->since(0, 10, 10, 1 << 20, out), Recovery::complete);
  EXPECT_EQ(kept->since(0, 10, 9, 1 << 20, out), Recovery::incomplete);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(kept->since(0, 10, 10, 20, out), Recovery::incomplete);
  EXPECT_TRUE(out.empty());
}

TEST_F(HistoryTest, TakesNoMemoryOnceItIsFull) {
  const auto kept = history({.count = 64, .age_ms = 1000, .bytes = 1 << 20});
  std::uint64_t sequence = 1;
  for (; sequence < 200; ++sequence) say(*kept, sequence, 1);
  const std::size_t bytes = kept->bytes();
  for (; sequence < 1000; ++sequence) say(*kept, sequence, 1);  // texts stay as long as they were
  EXPECT_EQ(kept->bytes(), bytes);
  EXPECT_EQ(blocks_.blocks(), 64u);
}

class RestrictedHistory : public HistoryTest {
 protected:
  static constexpr std::uint64_t premium = 10, staff = 20;
  // One message.
  void say_to(History& history, std::uint64_t sequence, std::uint64_t permission) {
    alloc::BlockBuilder text(blocks_);
    text.append("m" + std::to_string(sequence));
    const History::Mark mark{.sequence = sequence,
                             .begin = 0,
                             .end = static_cast<std::uint32_t>(text.size()),
                             .permission = permission};
    history.append(text.finish(), std::span(&mark, 1), 0);
  }
  // All that is kept behind the position; nullopt: something is missing.
  static std::optional<Texts> recovers(const History& history, std::uint64_t sequence,
                                       std::uint64_t last,
                                       std::initializer_list<std::uint64_t> held,
                                       std::size_t count_max = 1000) {
    std::vector<std::string_view> out;
    const PermissionView reader{std::span(held.begin(), held.size())};
    if (history.since(sequence, last, count_max, 1 << 20, out, reader) == Recovery::incomplete)
      return std::nullopt;
    return Texts(out.begin(), out.end());
  }
};

TEST_F(RestrictedHistory, ShowsEachReaderItsOwn) {
  const auto kept = history(plenty);
  say(*kept, 1, 2);
  say_to(*kept, 3, premium);
  say_to(*kept, 4, staff);
  say(*kept, 5, 1);
  EXPECT_EQ(recovers(*kept, 1, 5, {}), (Texts{"m2", "m5"}));
  EXPECT_EQ(recovers(*kept, 1, 5, {premium}), (Texts{"m2", "m3", "m5"}));
  EXPECT_EQ(recovers(*kept, 1, 5, {premium, staff}), (Texts{"m2", "m3", "m4", "m5"}));
  EXPECT_EQ(recovers(*kept, 3, 5, {}), (Texts{"m5"}));
  EXPECT_EQ(recovers(*kept, 1, 5, {premium}, 2), std::nullopt);
  EXPECT_EQ(recovers(*kept, 1, 5, {}, 2), (Texts{"m2", "m5"}));
  std::vector<std::string_view> out;
  kept->newest(0, History::Pick::all, 2, 1 << 20, out);
  EXPECT_EQ(Texts(out.begin(), out.end()), (Texts{"m2", "m5"}));
  kept->read(6, true, 2, 1 << 20, out);
  EXPECT_EQ(Texts(out.begin(), out.end()), (Texts{"m5", "m2"}));
}

TEST_F(RestrictedHistory, LosesOnlyWhatTheReaderMightHear) {
  const auto kept = history({.count = 3, .age_ms = 1000, .bytes = 1 << 20});
  say(*kept, 1, 1);
  for (std::uint64_t sequence = 2; sequence <= 9; ++sequence) say_to(*kept, sequence, premium);
  EXPECT_EQ(recovers(*kept, 1, 9, {}), Texts{});
  EXPECT_EQ(recovers(*kept, 0, 9, {}), std::nullopt);
  EXPECT_EQ(recovers(*kept, 1, 9, {staff}), Texts{});
  EXPECT_EQ(recovers(*kept, 5, 9, {premium}), std::nullopt);
  EXPECT_EQ(recovers(*kept, 6, 9, {premium}), (Texts{"m7", "m8", "m9"}));
  kept->expire(5000);
  EXPECT_TRUE(kept->empty());
  EXPECT_EQ(recovers(*kept, 1, 9, {}), Texts{});
  EXPECT_EQ(recovers(*kept, 8, 9, {premium}), std::nullopt);
  EXPECT_EQ(recovers(*kept, 9, 9, {premium}), Texts{});
  kept->clear();
  EXPECT_EQ(recovers(*kept, 1, 9, {}), std::nullopt);
}

TEST_F(RestrictedHistory, IsWaryOfMorePermissionsThanItCounts) {
  const auto kept = history({.count = 1, .age_ms = 1000, .bytes = 1 << 20});
  say(*kept, 1, 1);
  for (std::uint64_t sequence = 2; sequence <= 70; ++sequence) say_to(*kept, sequence, sequence);
  EXPECT_EQ(recovers(*kept, 1, 70, {}), std::nullopt);  // told of a loss, though it has none
  EXPECT_EQ(recovers(*kept, 69, 70, {}), Texts{});
}

}  // namespace
}  // namespace ringroom::realtime
