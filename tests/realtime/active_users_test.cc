#include "realtime/session/active_users.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace ringroom::realtime {
namespace {

constexpr std::uint64_t now_s = 1'700'000'000;

// As good as a hash with a secret seed.
std::uint64_t hash_of(std::uint64_t user) {
  std::uint64_t x = (user + 1) * 0x9e37'79b9'7f4a'7c15u;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9u;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebu;
  return x ^ (x >> 31);
}

std::uint64_t users_of(const ActiveUsers& core, std::size_t window, std::uint64_t at_s) {
  ActiveUsers::Sum sum;
  sum.add(core, at_s);
  return sum.users(window);
}

TEST(ActiveUsers, AreNobodyAtFirst) {
  const auto core = std::make_unique<ActiveUsers>();
  for (std::size_t window = 0; window < ActiveUsers::windows.size(); ++window)
    EXPECT_EQ(users_of(*core, window, now_s), 0u);
}

TEST(ActiveUsers, CountOnceHoweverOftenTheyAreSeen) {
  const auto core = std::make_unique<ActiveUsers>();
  for (int i = 0; i < 1'000; ++i) core->seen(hash_of(7), now_s);
  EXPECT_EQ(users_of(*core, 0, now_s), 1u);
}

TEST(ActiveUsers, AreRightToTenPercentWhateverTheirNumber) {
  for (const std::uint64_t many : {10u, 100u, 1'000u, 3'000u, 10'000u, 100'000u, 1'000'000u}) {
    const auto core = std::make_unique<ActiveUsers>();
    for (std::uint64_t user = 0; user < many; ++user) core->seen(hash_of(user), now_s);
    const auto expected = static_cast<double>(many);
    EXPECT_NEAR(static_cast<double>(users_of(*core, 2, now_s)), expected, 0.1 * expected);
  }
}

TEST(ActiveUsers, OnSeveralCoresCountOnce) {
  const auto one = std::make_unique<ActiveUsers>(), other = std::make_unique<ActiveUsers>();
  for (std::uint64_t user = 0; user < 200; ++user) one->seen(hash_of(user), now_s);
  for (std::uint64_t user = 100; user < 300; ++user) other->seen(hash_of(user), now_s);
  ActiveUsers::Sum sum;
  sum.add(*one, now_s);
  sum.add(*other, now_s);
  EXPECT_NEAR(static_cast<double>(sum.users(0)), 300, 30);
}

TEST(ActiveUsers, LeaveEachWindowWhenItHasPassed) {
  const auto core = std::make_unique<ActiveUsers>();
  core->seen(hash_of(1), now_s);
  for (std::size_t window = 0; window < ActiveUsers::windows.size(); ++window) {
    const auto& shape = ActiveUsers::windows[window];
    const std::uint64_t whole_s = shape.slice_s * shape.slices;
    EXPECT_EQ(users_of(*core, window, now_s + whole_s), 1u) << shape.name;
    EXPECT_EQ(users_of(*core, window, now_s + whole_s + shape.slice_s), 0u) << shape.name;
  }
}

TEST(ActiveUsers, ASliceThatIsUsedAgainForgetsWhoWasThere) {
  const auto core = std::make_unique<ActiveUsers>();
  const auto& shape = ActiveUsers::windows[0];
  for (std::uint64_t user = 0; user < 100; ++user) core->seen(hash_of(user), now_s);
  const std::uint64_t later_s = now_s + shape.slice_s * (shape.slices + 1);
  core->seen(hash_of(1'000), later_s);
  EXPECT_EQ(users_of(*core, 0, later_s), 1u);
}

}  // namespace
}  // namespace ringroom::realtime
