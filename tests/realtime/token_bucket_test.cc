#include "realtime/access/token_bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace ringroom::realtime {
namespace {

using Who = TokenBucket::Who;

// How many of `asked` come in at that moment.
int let_in(TokenBucket& bucket, std::uint64_t now_ms, int asked, Who who = Who::stranger) {
  int in = 0;
  for (int i = 0; i < asked; ++i) in += bucket.take(now_ms, who) == 0 ? 1 : 0;
  return in;
}

TEST(TokenBucket, LetsEverybodyInWithoutALimit) {
  TokenBucket bucket(0, 4);
  EXPECT_EQ(let_in(bucket, 0, 100'000), 100'000);
}

TEST(TokenBucket, KeepsTheRateWhateverTheDemand) {
  for (const std::uint64_t per_second : {1u, 7u, 100u, 2'000u, 1'000'000u}) {
    for (const std::uint32_t cores : {1u, 2u, 7u}) {
      TokenBucket bucket(per_second, cores);
      let_in(bucket, 1'000'000, 2'000'000);  // empties it
      std::uint64_t in = 0;
      const std::uint64_t seconds = per_second < 100 ? 100 : 2;
      for (std::uint64_t ms = 1; ms <= seconds * 1'000; ++ms)
        in += static_cast<std::uint64_t>(
            let_in(bucket, 1'000'000 + ms, static_cast<int>(1 + 2 * per_second / 1'000)));
      const double expected = double(seconds * per_second) / cores;
      EXPECT_LE(double(in), expected * 1.001 + 1) << per_second << " over " << cores;
      EXPECT_GE(double(in), expected * 0.99 - 1) << per_second << " over " << cores;
    }
  }
}

TEST(TokenBucket, DoesNotSaveUpMoreThanItsBurst) {
  TokenBucket bucket(800, 1);
  const int burst = let_in(bucket, 1'000, 10'000);
  EXPECT_LE(burst, 100);
  EXPECT_EQ(let_in(bucket, 100'000'000, 10'000), burst);
  EXPECT_EQ(let_in(bucket, ~std::uint64_t{0}, 10'000), burst);
}

TEST(TokenBucket, LetsThoseWhoComeBackGoFirst) {
  TokenBucket bucket(1'000, 1);
  let_in(bucket, 1'000, 10'000);
  EXPECT_GT(let_in(bucket, 1'000, 10'000, Who::returning), 0) << "their reserve";
  int strangers = 0, returning = 0;
  for (std::uint64_t ms = 1'001; ms <= 2'000; ++ms) {
    strangers += let_in(bucket, ms, 2);
    returning += let_in(bucket, ms, 2, Who::returning);
  }
  EXPECT_EQ(strangers, 0);
  EXPECT_EQ(returning, 1'000);
  // When they are all in, the others follow.
  for (std::uint64_t ms = 2'001; ms <= 3'000; ++ms) strangers += let_in(bucket, ms, 2);
  EXPECT_GT(strangers, 900);
}

TEST(TokenBucket, PromisesPlacesAtTheRateOneAfterTheOther) {
  TokenBucket bucket(1'000, 1);
  let_in(bucket, 1'000, 125);
  std::map<std::uint64_t, int> promised;
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t delay_ms = bucket.take(1'000, Who::stranger);
    ASSERT_GT(delay_ms, 0u);
    ++promised[delay_ms / 1'000];
  }
  ASSERT_EQ(promised.size(), 5u + 1u);  // the last comes after 5.0 s or a little more
  for (const auto& [second, count] : promised) {
    EXPECT_LE(count, 1'000) << second;
  }
}

TEST(TokenBucket, PromisesNothingThatIsTooFarAway) {
  TokenBucket bucket(1, 1);
  std::uint64_t longest_ms = 0;
  for (int i = 0; i < 1'000; ++i)
    longest_ms = std::max(longest_ms, bucket.take(1'000, Who::stranger));
  EXPECT_EQ(longest_ms, TokenBucket::promise_ms_max);
}

TEST(TokenBucket, PromisesThoseWhoComeBackAnEarlierPlace) {
  TokenBucket bucket(10, 1);
  let_in(bucket, 1'000, 100, Who::returning);  // empties it; 98 are promised places
  const std::uint64_t returning_ms = bucket.take(1'000, Who::returning);
  std::uint64_t stranger_ms = 0;
  for (int i = 0; i < 50; ++i) stranger_ms = bucket.take(1'000, Who::stranger);
  EXPECT_GT(stranger_ms, returning_ms);
  // The strangers' places are none of theirs.
  EXPECT_LE(bucket.take(1'000, Who::returning), returning_ms + 100);
}

}  // namespace
}  // namespace ringroom::realtime
