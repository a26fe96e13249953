#include "tools/load/traffic.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace ringroom::load {
namespace {

// One room with one publisher and two subscribers, unless a test says otherwise.
struct Books {
  explicit Books(Scenario given) : scenario(std::move(given)) {
    traffic = std::make_unique<Traffic>(scenario, scenario.seating(), 0, *findings);
    traffic->start({.start_ns = 1000, .from_ns = 1000, .until_ns = 1'000'000'000});
  }
  Post post(std::uint32_t room = 0) { return traffic->post(room, 1000); }
  void hear(const Post& post, std::uint32_t place, std::uint64_t room_sequence = 0) {
    traffic->take(post.room, place, post.stamp, room_sequence, 2000);
  }

  Scenario scenario;
  std::unique_ptr<Findings> findings = std::make_unique<Findings>();
  std::unique_ptr<Traffic> traffic;
};

Scenario one_room() {
  Scenario scenario;
  scenario.work = Work::fanout;
  scenario.publishers = 1;
  scenario.subscribers = 2;
  return scenario;
}

TEST(Pace, IsNeverLateBecauseTheLoadWas) {
  Pace pace;
  pace.start(3, 100, 1'000'000'100);
  EXPECT_EQ(pace.take(), 100u);
  EXPECT_EQ(pace.take(), 333'333'433u);
  EXPECT_EQ(pace.take(), 666'666'766u);
  EXPECT_EQ(pace.due_ns(), never_ns);
}

TEST(Traffic, WaitsWithTheNextMessageUntilEveryoneHasHeardTheLast) {
  Books books(one_room());
  EXPECT_EQ(books.traffic->wanted(0), 1u);
  const Post post = books.post();
  EXPECT_EQ(books.traffic->wanted(0), 0u);
  books.hear(post, 1);
  EXPECT_EQ(books.traffic->wanted(0), 0u);
  books.hear(post, 2);
  EXPECT_EQ(books.traffic->wanted(0), 1u);
  EXPECT_TRUE(books.traffic->settled());
}

TEST(Traffic, SendsABurstOnlyIntoAQuietRoom) {
  Scenario scenario = one_room();
  scenario.burst = 16;
  Books books(scenario);
  EXPECT_EQ(books.traffic->wanted(0), 16u);
  const Post post = books.post();
  books.hear(post, 1);
  EXPECT_EQ(books.traffic->wanted(0), 0u);
  books.hear(post, 2);
  EXPECT_EQ(books.traffic->wanted(0), 16u);
}

TEST(Traffic, KeepsItsDepthFilled) {
  Scenario scenario;
  scenario.connections = 1;
  scenario.depth = 3;
  Books books(scenario);
  EXPECT_EQ(books.traffic->wanted(0), 3u);
  const Post first = books.post();
  books.post();
  EXPECT_EQ(books.traffic->wanted(0), 1u);
  books.post();
  EXPECT_EQ(books.traffic->wanted(0), 0u);
  books.hear(first, 0);
  EXPECT_EQ(books.traffic->wanted(0), 1u);
}

TEST(Traffic, EndsAfterTheMessagesItWasGiven) {
  Scenario scenario = one_room();
  scenario.messages = 2;
  Books books(scenario);
  EXPECT_TRUE(books.traffic->sending(1000));
  books.post();
  books.post();
  EXPECT_FALSE(books.traffic->sending(1000));
}

TEST(Traffic, CountsWhatDidNotArriveAsLost) {
  Books books(one_room());
  const Post first = books.post();
  const Post second = books.post();
  books.hear(first, 1);
  books.hear(first, 2);
  books.hear(second, 2);
  EXPECT_FALSE(books.traffic->settled());
  books.traffic->close_books();
  EXPECT_EQ(books.findings->lost, 1u);
  EXPECT_EQ(books.findings->delivered, 3u);
}

TEST(Traffic, TellsLateFromRepeated) {
  Books books(one_room());
  const Post first = books.post();
  const Post second = books.post();
  books.hear(second, 1);
  books.hear(first, 1);
  books.hear(first, 1);
  EXPECT_EQ(books.findings->misordered, 1u);
  EXPECT_EQ(books.findings->duplicated, 1u);
  EXPECT_EQ(books.findings->delivered, 2u);
}

TEST(Traffic, NoticesAMessageOfAnotherRoomAndOneThatWasNeverSent) {
  Scenario scenario = one_room();
  scenario.rooms = 2;
  Books books(scenario);
  const Post post = books.post(0);
  books.traffic->take(1, 1, post.stamp, 0, 2000);
  EXPECT_EQ(books.findings->corrupt, 1u);
  Stamp never = post.stamp;
  ++never.sequence;
  books.traffic->take(0, 1, never, 0, 2000);
  EXPECT_EQ(books.findings->corrupt, 2u);
}

TEST(Traffic, NoticesAMessageToASeatThatOnlySends) {
  Books books(one_room());
  books.hear(books.post(), 0);
  EXPECT_EQ(books.findings->corrupt, 1u);
  EXPECT_EQ(books.findings->delivered, 0u);
}

TEST(Traffic, WantsTheSameOrderForEveryoneInTheRoom) {
  Scenario scenario = one_room();
  scenario.protocol = Protocol::json;
  scenario.publishers = 2;
  Books books(scenario);
  const Post ann = books.post();
  const Post bo = books.post();
  books.hear(ann, 2, 1);
  books.hear(bo, 2, 2);
  books.hear(bo, 3, 1);
  books.hear(ann, 3, 2);
  EXPECT_EQ(books.findings->misordered, 2u);
}

TEST(Traffic, WantsNoGapInTheNumbersOfARoom) {
  Scenario scenario = one_room();
  scenario.protocol = Protocol::json;
  Books books(scenario);
  const Post first = books.post();
  const Post second = books.post();
  books.hear(first, 1, 41);
  books.hear(second, 1, 43);
  EXPECT_EQ(books.findings->misordered, 1u);
}

// Four subscribers at places 1 to 4; half of them, those at 3 and 4, are slow.
Scenario half_slow() {
  Scenario scenario = one_room();
  scenario.subscribers = 4;
  scenario.slow_percent = 50;
  return scenario;
}

TEST(Traffic, DoesNotWaitForSlowListenersWithTheNextMessage) {
  Books books(half_slow());
  const Post post = books.post();
  books.hear(post, 1);
  EXPECT_EQ(books.traffic->wanted(0), 0u);
  books.hear(post, 2);
  EXPECT_EQ(books.traffic->wanted(0), 1u);
  EXPECT_FALSE(books.traffic->settled());
  EXPECT_EQ(books.findings->latency.count(), 2u);
  books.hear(post, 3);
  books.hear(post, 4);
  EXPECT_TRUE(books.traffic->settled());
  EXPECT_EQ(books.findings->latency.count(), 2u);  // theirs is their own
}

TEST(Traffic, MissesWhatASlowListenerDidNotHear) {
  Books books(half_slow());
  const Post post = books.post();
  for (const std::uint32_t place : {1, 2, 3}) books.hear(post, place);
  books.traffic->close_books();
  EXPECT_EQ(books.findings->lost, 1u);
}

TEST(Traffic, ExcusesASlowListenerThatWasSentAwayButNotAHoleBefore) {
  Books books(half_slow());
  const Post posts[] = {books.post(), books.post(), books.post(), books.post()};
  for (const Post& post : posts) {
    books.hear(post, 1);
    books.hear(post, 2);
  }
  books.hear(posts[0], 3);
  books.hear(posts[1], 3);
  books.traffic->excuse(0, 3);  // the end of the stream
  EXPECT_FALSE(books.traffic->settled());
  books.hear(posts[0], 4);
  books.hear(posts[2], 4);
  books.traffic->excuse(0, 4);  // the end of the stream, and one in the middle
  EXPECT_TRUE(books.traffic->settled());
  const Post after = books.post();
  books.hear(after, 1);
  books.hear(after, 2);
  EXPECT_TRUE(books.traffic->settled());
  books.traffic->close_books();
  EXPECT_EQ(books.findings->slow_closed, 2u);
  EXPECT_EQ(books.findings->lost, 1u);
}

TEST(Traffic, ComparesTheOrderOfASlowListenerThatIsFarBehind) {
  Scenario scenario = half_slow();
  scenario.protocol = Protocol::json;
  Books books(scenario);
  constexpr std::uint32_t far = 20'000;
  std::vector<Post> posts;
  for (std::uint32_t i = 0; i < far; ++i) {
    posts.push_back(books.post());
    books.hear(posts.back(), 1, i + 1);
  }
  for (std::uint32_t i = 0; i < far; ++i) books.hear(posts[i], 4, i + 1);
  EXPECT_EQ(books.findings->misordered, 0u);
  EXPECT_EQ(books.findings->order_unchecked, 0u);
}

TEST(Traffic, MeasuresOnlyWhatWasIntendedWithinTheWindow) {
  Books books(one_room());
  books.traffic->start({.start_ns = 0, .from_ns = 1000, .until_ns = 2000});
  for (const std::uint64_t intended_ns : {999u, 1000u, 1999u, 2000u}) {
    const Post post = books.traffic->post(0, intended_ns);
    books.hear(post, 1);
  }
  EXPECT_EQ(books.findings->latency.count(), 2u);
}

TEST(Traffic, MeasuresAndSendsNothingOnceItHasEndedEarly) {
  for (const std::uint64_t rate : {0u, 3u}) {
    Scenario scenario = one_room();
    scenario.rate = rate;
    Books books(scenario);
    books.traffic->start({.start_ns = 0, .from_ns = 0, .until_ns = 9'000'000'000});
    EXPECT_TRUE(books.traffic->sending(1000));
    books.traffic->post(0, 10);
    books.traffic->end_early(1000);
    // What was due before is still sent, however late.
    if (rate > 0) {
      EXPECT_EQ(books.traffic->post_due(1000).stamp.intended_ns, 0u);
    }
    EXPECT_FALSE(books.traffic->sending(1000));
    EXPECT_TRUE(books.traffic->measured(999));
    EXPECT_FALSE(books.traffic->measured(1000));
  }
}

TEST(Traffic, KnowsMeanwhileWhatIsOutstandingAndWhatWasOvertaken) {
  Books books(one_room());
  const Post first = books.post();
  const Post second = books.post();
  EXPECT_EQ(books.traffic->outstanding(), 4u);
  books.hear(second, 1);
  books.hear(second, 2);
  EXPECT_EQ(books.traffic->outstanding(), 2u);
  EXPECT_EQ(books.traffic->overtaken(), 2u);
  books.hear(first, 1);
  EXPECT_EQ(books.traffic->overtaken(), 1u);
  books.traffic->close_books();
  EXPECT_EQ(books.findings->lost, 1u);
}

TEST(Traffic, CountsLatencyOfAnOpenLoopFromWhenItWasDue) {
  Scenario scenario = one_room();
  scenario.rate = 1'000'000;
  Books books(scenario);
  const Post post = books.traffic->post_due(1500);  // was due at 1000
  EXPECT_EQ(post.stamp.intended_ns, 1000u);
  books.hear(post, 1);
  EXPECT_EQ(books.findings->latency.max(), 1000u);
  EXPECT_EQ(books.findings->lateness.max(), 500u);
}

TEST(Traffic, SendsAllThatWasDueInAnOpenLoopHoweverLate) {
  Scenario scenario = one_room();
  scenario.rate = 3;
  Books books(scenario);
  constexpr std::uint64_t long_after = 9'000'000'000;
  for (int message = 0; message < 3; ++message) {
    ASSERT_TRUE(books.traffic->sending(long_after));
    EXPECT_LT(books.traffic->post_due(long_after).stamp.intended_ns, 1'000'000'000u);
  }
  EXPECT_FALSE(books.traffic->sending(long_after));
}

}  // namespace
}  // namespace ringroom::load
