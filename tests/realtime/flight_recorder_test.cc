#include "realtime/flight_recorder.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

constexpr ConnectionId one{.core = 3, .slot = 17, .generation = 0xff'ffff};
constexpr ConnectionId other{.core = 3, .slot = 17, .generation = 5};

std::size_t count(const FlightRecorder& recorder, const FlightSubject& subject) {
  std::size_t found = 0;
  for (std::uint64_t i = recorder.first(); i < recorder.written(); ++i)
    found += covers(subject, recorder.at(i)) ? 1 : 0;
  return found;
}

TEST(FlightRecorder, KeepsWhatItWasTold) {
  FlightRecorder recorder(8);
  recorder.begin_turn(0xab'cdef'0123'4567);
  recorder.add(Happened::numbered, one, 0xdead'beef, 0x0123'4567'89ab'cdef, 42);
  ASSERT_EQ(recorder.written(), 1u);
  const FlightEvent& event = recorder.at(0);
  EXPECT_EQ(event.at_us(), 0xab'cdef'0123'4567u);
  EXPECT_EQ(event.what(), Happened::numbered);
  EXPECT_EQ(event.connection(), one);
  EXPECT_EQ(event.room, 0x0123'4567'89ab'cdefu);
  EXPECT_EQ(event.user, 0xdead'beefu);
  EXPECT_EQ(event.detail, 42u);
}

TEST(FlightRecorder, TheNewestPushTheOldestOut) {
  FlightRecorder recorder(5);  // rounded up
  EXPECT_EQ(recorder.event_count(), 8u);
  for (std::uint64_t i = 0; i < 20; ++i) recorder.add(Happened::sealed, no_connection, 0, 1, i);
  EXPECT_EQ(recorder.first(), 12u);
  EXPECT_EQ(recorder.written(), 20u);
  for (std::uint64_t i = recorder.first(); i < recorder.written(); ++i)
    EXPECT_EQ(recorder.at(i).detail, i);
}

TEST(FlightRecorder, FindsAConnectionAUserAndARoom) {
  FlightRecorder recorder(8);
  recorder.add(Happened::numbered, one, 7, 100, 1);
  recorder.add(Happened::numbered, other, 8, 100, 2);
  recorder.add(Happened::sealed, no_connection, 0, 100, 2);
  recorder.add(Happened::ended, one, 7, 0);
  using Kind = FlightSubject::Kind;
  EXPECT_EQ(count(recorder, {.kind = Kind::connection, .connection = one}), 2u);
  EXPECT_EQ(count(recorder, {.kind = Kind::connection, .connection = other}), 1u);
  EXPECT_EQ(count(recorder, {.kind = Kind::connection, .connection = no_connection}), 0u);
  EXPECT_EQ(count(recorder, {.kind = Kind::user, .hash = 0xffff'ffff'0000'0007}), 2u);
  EXPECT_EQ(count(recorder, {.kind = Kind::user, .hash = 0}), 0u);  // nobody is no user
  EXPECT_EQ(count(recorder, {.kind = Kind::room, .hash = 100}), 3u);
}

TEST(FlightRecorder, KeepsAsideWhatIsWatchedAndCountsWhatIsTooMuch) {
  FlightRecorder recorder(1024);
  auto& watched = recorder.watched().emplace_back();
  watched.subject = {.kind = FlightSubject::Kind::room, .hash = 100};
  for (std::size_t i = 0; i < 2 * FlightRecorder::offered_per_turn; ++i) {
    recorder.add(Happened::sealed, no_connection, 0, 100, i);
    recorder.add(Happened::sealed, no_connection, 0, 200, i);
  }
  EXPECT_EQ(watched.offered.size(), FlightRecorder::offered_per_turn);
  EXPECT_EQ(watched.left_out, FlightRecorder::offered_per_turn);
  EXPECT_EQ(watched.offered.back().room, 100u);
}

}  // namespace
}  // namespace ringroom::realtime
