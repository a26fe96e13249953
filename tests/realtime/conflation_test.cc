#include "realtime/room/conflation.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

using Put = Conflation::Put;

constexpr TypePace every_100_ms{.type = "quote", .interval_ms = 100};
constexpr TypePace quiet_for_30_ms{.type = "search", .quiet_ms = 30, .waiting_ms_max = 100};

// A clock that stands still until it is told.
class Room {
 public:
  Put say(std::uint64_t stream, std::string_view payload, const TypePace& pace = every_100_ms,
          std::uint64_t message_key = 0) {
    Publish publish{};
    publish.type = pace.type;
    publish.payload = payload;
    return conflation.put(stream, pace, publish, message_key, now_ms);
  }
  std::vector<std::string> go() {
    std::vector<std::string> out;
    while (const Conflation::Waiting* waiting = conflation.take(now_ms, now_ms))
      out.push_back(waiting->payload);
    return out;
  }

  Conflation conflation;
  std::uint64_t now_ms = 1'000'000;
};

using Payloads = std::vector<std::string>;

TEST(Conflation, LetsTheFirstOfAStreamPassAndTheNewestFollowWhenTheIntervalEnds) {
  Room room;
  EXPECT_EQ(room.say(1, "a"), Put::passes);
  EXPECT_EQ(room.say(1, "b"), Put::waits);
  EXPECT_EQ(room.say(1, "c"), Put::replaces);
  EXPECT_EQ(room.conflation.displaced().payload, "b");
  EXPECT_EQ(room.conflation.due_ms(), room.now_ms + 100);
  room.now_ms += 99;
  EXPECT_EQ(room.say(1, "d"), Put::replaces);
  EXPECT_EQ(room.go(), Payloads{});
  room.now_ms += 1;
  EXPECT_EQ(room.go(), Payloads{"d"});
  EXPECT_EQ(room.say(1, "e"), Put::waits);  // an interval begins with each that went
  room.now_ms += 100;
  EXPECT_EQ(room.go(), Payloads{"e"});
  room.now_ms += 100;
  EXPECT_EQ(room.say(1, "f"), Put::passes);
}

TEST(Conflation, KeepsStreamsApart) {
  Room room;
  EXPECT_EQ(room.say(1, "a"), Put::passes);
  room.now_ms += 10;
  EXPECT_EQ(room.say(2, "b"), Put::passes);
  EXPECT_EQ(room.say(2, "later"), Put::waits);
  EXPECT_EQ(room.say(1, "sooner"), Put::waits);
  EXPECT_EQ(room.conflation.due_ms(), room.now_ms + 90);
  room.now_ms += 100;
  EXPECT_EQ(room.go(), (Payloads{"sooner", "later"}));
}

TEST(Conflation, HoldsADebouncedStreamUntilItIsQuiet) {
  Room room;
  EXPECT_EQ(room.say(1, "a", quiet_for_30_ms), Put::waits);
  room.now_ms += 29;
  EXPECT_EQ(room.go(), Payloads{});
  EXPECT_EQ(room.say(1, "b", quiet_for_30_ms), Put::replaces);
  room.now_ms += 29;
  EXPECT_EQ(room.go(), Payloads{});
  room.now_ms += 1;
  EXPECT_EQ(room.go(), Payloads{"b"});
}

TEST(Conflation, HoldsADebouncedStreamNoLongerThanItMay) {
  Room room;
  const std::uint64_t began_ms = room.now_ms;
  Payloads heard;
  room.say(1, "0", quiet_for_30_ms);
  for (int n = 1; heard.empty(); ++n) {
    room.now_ms += 10;
    heard = room.go();
    room.say(1, std::to_string(n), quiet_for_30_ms);
  }
  EXPECT_EQ(room.now_ms, began_ms + 100);
  EXPECT_EQ(heard, Payloads{"9"});
}

TEST(Conflation, WaitsForBothWhereATypeHasBoth) {
  const TypePace both{.type = "x", .interval_ms = 50, .quiet_ms = 10, .waiting_ms_max = 20};
  Room room;
  EXPECT_EQ(room.say(1, "a", both), Put::waits);
  room.now_ms += 10;
  EXPECT_EQ(room.go(), Payloads{"a"});
  EXPECT_EQ(room.say(1, "b", both), Put::waits);
  room.now_ms += 49;
  EXPECT_EQ(room.go(), Payloads{});
  room.now_ms += 1;
  EXPECT_EQ(room.go(), Payloads{"b"});
}

TEST(Conflation, KnowsAMessageThatIsSentAgainWhileItWaits) {
  Room room;
  room.say(1, "a");
  EXPECT_EQ(room.say(1, "b", every_100_ms, 7), Put::waits);
  EXPECT_EQ(room.say(1, "b", every_100_ms, 7), Put::repeats);
  EXPECT_EQ(room.say(1, "c", every_100_ms, 8), Put::replaces);
  EXPECT_EQ(room.conflation.displaced().message_key, 7u);
}

TEST(Conflation, IsIdleWhenNothingWaitsAndNoIntervalGoesOn) {
  Room room;
  EXPECT_TRUE(room.conflation.is_idle(room.now_ms));
  room.say(1, "a");
  EXPECT_FALSE(room.conflation.is_idle(room.now_ms + 99));
  EXPECT_TRUE(room.conflation.is_idle(room.now_ms + 100));
  room.say(1, "b");
  EXPECT_FALSE(room.conflation.is_idle(room.now_ms + 100));
}

TEST(Conflation, RefusesAStreamTooManyUntilAnIntervalEnds) {
  Room room;
  for (std::uint64_t stream = 0; stream < Conflation::streams_max; ++stream)
    ASSERT_EQ(room.say(stream * 0x9e3779b97f4a7c15, "x"), Put::passes) << stream;
  EXPECT_EQ(room.say(3, "x"), Put::full);
  room.now_ms += 99;
  EXPECT_EQ(room.say(3, "x"), Put::full);
  EXPECT_EQ(room.say(0, "x"), Put::waits);
  room.now_ms += 1;
  EXPECT_EQ(room.say(3, "x"), Put::passes);
}

TEST(Conflation, RefusesMoreBytesThanMayWaitButNeverTheOnlyOne) {
  Room room;
  const std::string large(Conflation::bytes_max, 'x');
  room.say(1, ""), room.say(2, "");
  EXPECT_EQ(room.say(1, large), Put::waits);
  EXPECT_EQ(room.say(1, large + "more"), Put::replaces);
  EXPECT_EQ(room.say(2, "x"), Put::full);
  EXPECT_EQ(room.say(1, ""), Put::replaces);
  EXPECT_EQ(room.say(2, "x"), Put::waits);
}

// Against the plainest implementation there is: of each stream what must go when.
TEST(Conflation, DoesForManyStreamsWhatItDoesForOne) {
  struct Stream {
    std::uint64_t free_ms = 0;
    bool waits = false;
    std::string payload;
  };
  std::map<std::uint64_t, Stream> streams;
  std::mt19937_64 random(1);
  Room room;
  for (int n = 0; n < 200'000; ++n) {
    room.now_ms += random() % 3;
    std::map<std::string, int> expected;
    for (auto& [name, stream] : streams) {
      if (!stream.waits || stream.free_ms > room.now_ms) continue;
      ++expected[stream.payload];
      stream.waits = false;
      stream.free_ms = room.now_ms + 100;
    }
    std::map<std::string, int> heard;
    for (const std::string& payload : room.go()) ++heard[payload];
    ASSERT_EQ(heard, expected);
    const std::uint64_t name = (random() % (1 + n / 400)) * 0x9e3779b97f4a7c15;
    Stream& stream = streams[name];
    const std::string payload = std::to_string(n);
    const Put put = room.say(name, payload);
    if (!stream.waits && stream.free_ms <= room.now_ms) {
      ASSERT_EQ(put, Put::passes);
      stream.free_ms = room.now_ms + 100;
      continue;
    }
    ASSERT_EQ(put, stream.waits ? Put::replaces : Put::waits);
    if (stream.waits) {
      ASSERT_EQ(room.conflation.displaced().payload, stream.payload);
    }
    stream.waits = true;
    stream.payload = payload;
  }
}

}  // namespace
}  // namespace ringroom::realtime
