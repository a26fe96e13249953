#include "engine/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace ringroom::engine {
namespace {

std::vector<std::uint64_t> cookies(TimerWheel& wheel, std::uint64_t now_ms) {
  std::vector<Fired> fired;
  wheel.advance(now_ms, fired);
  std::vector<std::uint64_t> out;
  for (const Fired& one : fired) out.push_back(one.cookie);
  return out;
}

TEST(TimerWheel, FiresAtTheDeadlineAndNotATickBefore) {
  // Both sides of every level's border.
  for (const std::uint64_t start : {0ull, 1ull, 63ull, 64ull, 4'095ull, 1'000'000'007ull}) {
    for (const std::uint64_t delay : {1ull, 63ull, 64ull, 65ull, 4'095ull, 4'096ull, 4'097ull,
                                      262'143ull, 262'144ull, 16'777'216ull, 1'073'741'824ull}) {
      TimerWheel wheel(start);
      wheel.arm(start + delay, 7);
      EXPECT_TRUE(cookies(wheel, start + delay - 1).empty()) << start << "+" << delay;
      EXPECT_EQ(cookies(wheel, start + delay), std::vector<std::uint64_t>{7})
          << start << "+" << delay;
      EXPECT_EQ(wheel.size(), 0u);
    }
  }
}

TEST(TimerWheel, FiresWhatIsAlreadyDueAtTheNextAdvance) {
  TimerWheel wheel(1000);
  wheel.arm(5, 1);
  wheel.arm(1000, 2);
  EXPECT_EQ(wheel.next_ms(), 1000u);
  EXPECT_EQ(cookies(wheel, 1000), (std::vector<std::uint64_t>{1, 2}));
}

TEST(TimerWheel, WaitsForDeadlinesBeyondItsLastLevel) {
  const std::uint64_t three_years = 3ull * 365 * 24 * 3600 * 1000;
  TimerWheel wheel(10);
  wheel.arm(10 + three_years, 1);
  EXPECT_TRUE(cookies(wheel, 10 + three_years - 1).empty());
  EXPECT_EQ(cookies(wheel, 10 + three_years).size(), 1u);
}

TEST(TimerWheel, ACancelledTimerNeverFires) {
  TimerWheel wheel(0);
  const TimerId timer = wheel.arm(100, 1);
  EXPECT_TRUE(wheel.cancel(timer));
  EXPECT_FALSE(wheel.cancel(timer));
  EXPECT_FALSE(wheel.next_ms().has_value());
  EXPECT_TRUE(cookies(wheel, 1'000).empty());
}

TEST(TimerWheel, AnIdOfAFiredTimerCancelsNothingElse) {
  TimerWheel wheel(0);
  const TimerId first = wheel.arm(1, 1);
  EXPECT_EQ(cookies(wheel, 1).size(), 1u);
  wheel.arm(2, 2);  // takes the slot of the first
  EXPECT_FALSE(wheel.cancel(first));
  EXPECT_EQ(cookies(wheel, 2).size(), 1u);
}

// A sorted map is the model: same timers, same operations, same result.
TEST(TimerWheel, AgreesWithASortedListOverRandomOperations) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    std::uint64_t now = random() % 100'000;
    TimerWheel wheel(now);
    std::multimap<std::uint64_t, std::uint64_t> model;  // deadline -> cookie
    std::map<std::uint64_t, std::pair<TimerId, std::uint64_t>> alive;
    std::uint64_t next_cookie = 0;
    for (int step = 0; step < 3'000; ++step) {
      const auto what = random() % 10;
      if (what < 5) {
        const std::uint64_t deadline = now + random() % (1ull << (random() % 38));
        alive[next_cookie] = {wheel.arm(deadline, next_cookie), deadline};
        model.emplace(deadline, next_cookie++);
      } else if (what < 7 && !alive.empty()) {
        auto victim = alive.lower_bound(random() % next_cookie);
        if (victim == alive.end()) victim = alive.begin();
        ASSERT_TRUE(wheel.cancel(victim->second.first));
        const auto range = model.equal_range(victim->second.second);
        for (auto it = range.first; it != range.second; ++it) {
          if (it->second == victim->first) {
            model.erase(it);
            break;
          }
        }
        alive.erase(victim);
      } else {
        if (!model.empty()) {
          ASSERT_TRUE(wheel.next_ms().has_value());
          ASSERT_LE(*wheel.next_ms(), std::max(now, model.begin()->first)) << "seed " << seed;
        } else {
          ASSERT_FALSE(wheel.next_ms().has_value());
        }
        now += random() % (1ull << (random() % 34));
        std::vector<Fired> fired;
        wheel.advance(now, fired);
        std::uint64_t last_deadline = 0;
        for (const Fired& one : fired) {
          const std::uint64_t deadline = alive.at(one.cookie).second;
          ASSERT_LE(deadline, now) << "seed " << seed;
          ASSERT_GE(deadline, last_deadline) << "fired out of order, seed " << seed;
          last_deadline = deadline;
          alive.erase(one.cookie);
        }
        std::size_t due = 0;
        while (!model.empty() && model.begin()->first <= now) {
          model.erase(model.begin());
          ++due;
        }
        ASSERT_EQ(fired.size(), due) << "seed " << seed;
        ASSERT_EQ(wheel.size(), model.size());
      }
    }
  }
}

}  // namespace
}  // namespace ringroom::engine
