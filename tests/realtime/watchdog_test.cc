#include "realtime/watchdog.h"

#include <gtest/gtest.h>

#include "proto/command.h"
#include "realtime/letters.h"

namespace ringroom::realtime {
namespace {

using Kind = StallFinder::Verdict::Kind;
constexpr std::uint64_t turn_ms_max = 1'000;

Beat::Seen seen(std::uint64_t turn, Doing doing) {
  return {.turn = turn, .doing = doing, .detail = 0};
}

TEST(StallFinder, IsContentWithACoreThatGoesOn) {
  StallFinder finder(turn_ms_max);
  for (std::uint64_t turn = 0; turn < 100; ++turn)
    EXPECT_EQ(finder.look(seen(turn, Doing::received), turn * 900).kind, Kind::fine);
}

TEST(StallFinder, SaysOnceThatATurnDoesNotEndAndOnceThatItHas) {
  StallFinder finder(turn_ms_max);
  EXPECT_EQ(finder.look(seen(7, Doing::letter), 5'000).kind, Kind::fine);
  EXPECT_EQ(finder.look(seen(7, Doing::letter), 6'000).kind, Kind::fine);
  const auto stalled = finder.look(seen(7, Doing::letter), 6'250);
  EXPECT_EQ(stalled.kind, Kind::stalled);
  EXPECT_EQ(stalled.for_ms, 1'250u);
  EXPECT_EQ(finder.look(seen(7, Doing::letter), 9'000).kind, Kind::fine);
  EXPECT_TRUE(finder.is_stalled());
  const auto recovered = finder.look(seen(8, Doing::outside), 9'250);
  EXPECT_EQ(recovered.kind, Kind::recovered);
  EXPECT_EQ(recovered.for_ms, 4'250u);
  EXPECT_FALSE(finder.is_stalled());
}

TEST(StallFinder, ATurnThatDoesOneThingAfterAnotherDoesNotEndEither) {
  StallFinder finder(turn_ms_max);
  finder.look(seen(7, Doing::received), 0);
  EXPECT_EQ(finder.look(seen(7, Doing::command), 900).kind, Kind::fine);
  EXPECT_EQ(finder.look(seen(7, Doing::letter), 1'100).kind, Kind::stalled);
}

TEST(StallFinder, LetsACoreSleepAsLongAsItsTimersLetIt) {
  StallFinder finder(turn_ms_max);
  finder.look(seen(7, Doing::outside), 0);
  EXPECT_EQ(finder.look(seen(7, Doing::outside), 1'100).kind, Kind::fine);
  EXPECT_EQ(finder.look(seen(7, Doing::outside), 1'101).kind, Kind::stalled);
}

TEST(StallFinder, HasNothingAgainstACoreThatHasNotBegunOrIsGone) {
  StallFinder finder(turn_ms_max);
  for (std::uint64_t now_ms = 0; now_ms < 100'000; now_ms += 500)
    EXPECT_EQ(finder.look(seen(3, Doing::nothing), now_ms).kind, Kind::fine);
}

TEST(StallFinder, ForgivesWhatNobodyWasThereToSee) {
  StallFinder finder(turn_ms_max);
  finder.look(seen(7, Doing::letter), 0);
  finder.forgive(60'000);
  EXPECT_EQ(finder.look(seen(7, Doing::letter), 60'000).kind, Kind::fine);
  EXPECT_EQ(finder.look(seen(7, Doing::letter), 61'001).kind, Kind::stalled);
}

TEST(Beat, SaysWhatACoreIsAtInWords) {
  Beat beat;
  EXPECT_EQ(words_for(beat.look()), "nothing");
  beat.begin_turn();
  beat.is(Doing::command, std::size_t(proto::CommandKind::join_room));
  EXPECT_EQ(words_for(beat.look()), "command join_room");
  EXPECT_EQ(beat.look().turn, 1u);
  beat.is(Doing::letter, LetterItem(Publish{}).index());
  EXPECT_EQ(words_for(beat.look()), "letter Publish");
  beat.is(Doing::request, 0);
  EXPECT_EQ(words_for(beat.look()), "request GET /ws");
  beat.is(Doing::request, 255);
  EXPECT_EQ(words_for(beat.look()), "request ?");
  beat.is(Doing::outside);
  EXPECT_EQ(words_for(beat.look()), "outside of its turn");
}

TEST(Watchdog, IsMissedOnceWhenItStandsStillAndOnceWhenItGoesOn) {
  WatchdogReport report;
  Watchdog::notice_silence(report, 1'000'000);  // none was started
  EXPECT_EQ(report.silences_total.load(), 0u);
  report.beat_ms = 1'000'000;
  for (const std::uint64_t now_ms : {1'000'000u, 1'003'000u})
    Watchdog::notice_silence(report, now_ms);
  EXPECT_FALSE(report.is_silent.load());
  for (int core = 0; core < 4; ++core) Watchdog::notice_silence(report, 1'003'001);
  EXPECT_TRUE(report.is_silent.load());
  EXPECT_EQ(report.silences_total.load(), 1u);
  report.beat_ms = 1'004'000;
  Watchdog::notice_silence(report, 1'004'000);
  EXPECT_FALSE(report.is_silent.load());
}

}  // namespace
}  // namespace ringroom::realtime
