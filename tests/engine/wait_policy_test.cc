#include "engine/wait_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

namespace ringroom::engine {
namespace {

using Gathering = WaitPolicy::Gathering;

// What a load does in one window, as an answer to how the core waits.
struct Effect {
  std::uint64_t events;
  std::uint64_t cpu_ns;
  std::uint64_t sleeps = 100;
  std::uint64_t waited_ns = 0;
};

class Load {
 public:
  explicit Load(std::uint32_t sockets, Gathering gathering = Gathering::supported)
      : sockets_(sockets), policy_(Waiting::adaptive, gathering) {
    next_window({.events = 0, .cpu_ns = 0, .sleeps = 0});
  }

  void run(int windows, const std::function<Effect(WaitMode)>& load) {
    for (int i = 0; i < windows; ++i) {
      modes_.insert(policy_.mode());
      next_window(load(policy_.mode()));
    }
  }
  // Where the policy is when no trial is under way: what most of the windows were in.
  WaitMode settled(const std::function<Effect(WaitMode)>& load) {
    std::array<int, wait_mode_count> used{};
    for (int i = 0; i < 400; ++i) {
      ++used[static_cast<std::size_t>(policy_.mode())];
      next_window(load(policy_.mode()));
    }
    const auto* most = std::max_element(used.begin(), used.end());
    EXPECT_GE(*most, 300) << "it does not come to rest";
    return static_cast<WaitMode>(most - used.begin());
  }
  bool used(WaitMode mode) const { return modes_.contains(mode); }
  WaitPolicy& policy() { return policy_; }

  void next_window(const Effect& effect, std::uint64_t wall_ns = bounds::wait_window_ns) {
    for (std::uint32_t slot = 0; slot < sockets_; ++slot) policy_.received(slot);
    policy_.turned(effect.events);
    for (std::uint64_t i = 0; i < effect.sleeps; ++i) {
      if (policy_.mode() == WaitMode::spin) {
        policy_.spun(spins_hit_);
      } else {
        policy_.slept();
      }
    }
    now_ns_ += wall_ns;
    processor_.used_ns += effect.cpu_ns;
    processor_.waited_ns += effect.waited_ns;
    ASSERT_TRUE(policy_.edge_due(now_ns_));
    policy_.edge(now_ns_, processor_);
  }
  void miss() { spins_hit_ = false; }

 private:
  std::uint32_t sockets_;
  WaitPolicy policy_;
  std::set<WaitMode> modes_;
  std::uint64_t now_ns_ = 1'000'000'000;
  ProcessorTime processor_{};
  bool spins_hit_ = true;
};

bool gathers(WaitMode mode) { return mode == WaitMode::gather || mode == WaitMode::gather_longer; }

// 50,000/s from peers that do not wait for us: sleeping less often is all gain.
Effect fixed_rate(WaitMode mode) {
  switch (mode) {
    case WaitMode::gather:
      return {.events = 500, .cpu_ns = 4'500'000, .sleeps = 150};
    case WaitMode::gather_longer:
      return {.events = 500, .cpu_ns = 3'300'000, .sleeps = 90};
    default:
      return {.events = 500, .cpu_ns = 7'000'000, .sleeps = 500};
  }
}

TEST(WaitPolicy, GathersWhereThatIsCheaperAndTakesTheCheapest) {
  Load load(100);
  load.run(400, fixed_rate);
  EXPECT_EQ(load.settled(fixed_rate), WaitMode::gather_longer);
}

TEST(WaitPolicy, GathersNoLongerThanIsWorthTheLatency) {
  const auto longer_saves = [](std::uint64_t percent) {
    return [percent](WaitMode mode) {
      if (mode != WaitMode::gather_longer) return fixed_rate(mode);
      const std::uint64_t gather_ns = fixed_rate(WaitMode::gather).cpu_ns;
      return Effect{.events = 500, .cpu_ns = gather_ns * (100 - percent) / 100, .sleeps = 90};
    };
  };
  Load little(100);
  little.run(400, longer_saves(9));
  EXPECT_EQ(little.settled(longer_saves(9)), WaitMode::gather);
  Load enough(100);
  enough.run(400, longer_saves(10));
  EXPECT_EQ(enough.settled(longer_saves(10)), WaitMode::gather_longer);
}

TEST(WaitPolicy, DoesNotGatherWhereNothingIsSaved) {
  const auto same = [](WaitMode) { return Effect{.events = 500, .cpu_ns = 5'000'000}; };
  Load load(100);
  load.run(400, same);
  EXPECT_TRUE(load.used(WaitMode::gather));
  EXPECT_EQ(load.settled(same), WaitMode::sleep);
}

TEST(WaitPolicy, DoesNotGatherWherePeersThenSendLess) {
  // Half the cost of an event, but peers that wait for their answer send a tenth less.
  const auto closed_loop = [](WaitMode mode) {
    return gathers(mode) ? Effect{.events = 900, .cpu_ns = 4'500'000}
                         : Effect{.events = 1000, .cpu_ns = 10'000'000};
  };
  Load load(100);
  load.run(400, closed_loop);
  EXPECT_TRUE(load.used(WaitMode::gather));
  EXPECT_EQ(load.settled(closed_loop), WaitMode::sleep);
}

TEST(WaitPolicy, AnUnevenLoadGathersToo) {
  // Events come in heaps of every size, whatever the mode; their cost is that of the fixed rate.
  std::uint32_t state = 1;
  const auto uneven = [&state](WaitMode mode) {
    state = state * 1'664'525u + 1'013'904'223u;
    const std::uint64_t events = 400 + (state >> 24);
    return Effect{.events = events, .cpu_ns = events * (gathers(mode) ? 9'000u : 14'000u)};
  };
  Load load(100);
  load.run(400, uneven);
  EXPECT_EQ(load.settled(uneven), WaitMode::gather);
}

TEST(WaitPolicy, NeverTriesToGatherFromFewSockets) {
  Load few(bounds::gather_active_sockets_min - 1);
  few.run(1000, fixed_rate);
  EXPECT_FALSE(few.used(WaitMode::gather));
  EXPECT_FALSE(few.used(WaitMode::gather_longer));

  Load enough(bounds::gather_active_sockets_min);
  enough.run(1000, fixed_rate);
  EXPECT_TRUE(enough.used(WaitMode::gather));
}

TEST(WaitPolicy, NeverTriesToGatherWhatDoesNotComeTogether) {
  // Two within the minimum wait are the least: 40,000/s for 50 us.
  const auto at_rate = [](std::uint64_t events) {
    return [events](WaitMode) { return Effect{.events = events, .cpu_ns = 2'000'000}; };
  };
  Load none(100);
  none.run(1000, at_rate(399));
  EXPECT_FALSE(none.used(WaitMode::gather));
  EXPECT_FALSE(none.used(WaitMode::gather_longer));
  Load enough(100);
  enough.run(1000, at_rate(400));
  EXPECT_TRUE(enough.used(WaitMode::gather));
}

TEST(WaitPolicy, NeverGathersOnAKernelThatCannot) {
  Load load(100, Gathering::unsupported);
  load.run(1000, fixed_rate);
  EXPECT_FALSE(load.used(WaitMode::gather));
  EXPECT_FALSE(load.used(WaitMode::gather_longer));
}

TEST(WaitPolicy, StopsGatheringWhenItNoLongerPays) {
  Load load(100);
  load.run(400, fixed_rate);
  const auto changed = [](WaitMode mode) {
    return Effect{.events = 500, .cpu_ns = gathers(mode) ? 5'000'000u : 4'000'000u};
  };
  load.run(2 * static_cast<int>(bounds::wait_pause_windows_max), changed);
  EXPECT_EQ(load.settled(changed), WaitMode::sleep);
}

// Something comes 5 us after there is nothing to do: a sleep of 13 us is a waste.
Effect at_once(WaitMode mode) {
  return mode == WaitMode::spin ? Effect{.events = 700, .cpu_ns = 9'900'000, .sleeps = 700}
                                : Effect{.events = 500, .cpu_ns = 8'500'000, .sleeps = 500};
}

TEST(WaitPolicy, SpinsWhereTheNextThingComesBeforeASleepWouldHavePaid) {
  Load load(2);
  load.run(400, at_once);
  EXPECT_EQ(load.settled(at_once), WaitMode::spin);
}

TEST(WaitPolicy, NeverTriesToSpinWhereSleepsAreLong) {
  // 100 sleeps of 80 us each.
  const auto slow = [](WaitMode) { return Effect{.events = 100, .cpu_ns = 2'000'000}; };
  Load load(2);
  load.run(1000, slow);
  EXPECT_FALSE(load.used(WaitMode::spin));
}

TEST(WaitPolicy, StopsSpinningAtOnceWhenNothingComes) {
  Load load(2);
  load.run(400, at_once);
  while (load.policy().mode() != WaitMode::spin) load.next_window(at_once(load.policy().mode()));
  load.miss();
  load.run(static_cast<int>(2 * bounds::wait_trial_pairs), at_once);
  load.next_window({.events = 500, .cpu_ns = 5'000'000});
  EXPECT_EQ(load.policy().mode(), WaitMode::sleep);
}

TEST(WaitPolicy, SleepsAfterTheFirstQuietWindow) {
  for (const auto& busy : {fixed_rate, at_once}) {
    Load load(100);
    load.run(400, busy);
    load.next_window({.events = 99, .cpu_ns = 1'000'000});  // 9,900/s
    EXPECT_EQ(load.policy().mode(), WaitMode::sleep);
  }
}

TEST(WaitPolicy, AWindowThatASleepHasStretchedIsQuiet) {
  Load load(100);
  load.run(400, fixed_rate);
  load.next_window({.events = 1'000'000, .cpu_ns = 1'000'000}, bounds::wait_window_ns_max);
  EXPECT_EQ(load.policy().mode(), WaitMode::sleep);
  EXPECT_EQ(load.policy().plan().spin_ns, 0u);
  EXPECT_EQ(load.policy().plan().min_wait_us, 0u);
}

TEST(WaitPolicy, AnIdleCoreOnlySleeps) {
  Load load(100);
  load.run(1000, [](WaitMode) { return Effect{.events = 3, .cpu_ns = 60'000, .sleeps = 3}; });
  EXPECT_FALSE(load.used(WaitMode::spin));
  EXPECT_FALSE(load.used(WaitMode::gather));
}

TEST(WaitPolicy, WhatDoesNotHelpIsTriedEverMoreSeldom) {
  int other = 0;
  const auto count = [&other](WaitMode mode) {
    other += mode != WaitMode::sleep ? 1 : 0;
    return Effect{.events = 1000, .cpu_ns = gathers(mode) ? 9'900'000u : 5'000'000u};
  };
  Load load(100);
  load.run(3000, count);
  other = 0;
  load.run(4000, count);
  EXPECT_GT(other, 0);
  EXPECT_LE(other, 80);  // 2 %
}

// The same load on a processor that other work has for `percent` of the time.
std::function<Effect(WaitMode)> shared(Effect (*load)(WaitMode), std::uint64_t percent) {
  return [load, percent](WaitMode mode) {
    Effect effect = load(mode);
    effect.waited_ns = bounds::wait_window_ns * percent / 100;
    return effect;
  };
}

TEST(WaitPolicy, NeverTriesToSpinOnAProcessorThatOthersWant) {
  Load load(2);
  load.run(8, shared(at_once, 20));
  load.run(1000, shared(at_once, 6));
  EXPECT_TRUE(load.policy().contended());
  EXPECT_FALSE(load.used(WaitMode::spin));

  Load alone(2);
  alone.run(1000, shared(at_once, 4));
  EXPECT_FALSE(alone.policy().contended());
  EXPECT_TRUE(alone.used(WaitMode::spin));
}

TEST(WaitPolicy, StopsSpinningWithinAFewWindowsWhenOthersComeAndSpinsAgainWhenTheyHaveGone) {
  Load load(2);
  load.run(400, at_once);
  while (load.policy().mode() != WaitMode::spin) load.next_window(at_once(load.policy().mode()));
  load.run(3, shared(at_once, 30));
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(load.policy().mode(), WaitMode::sleep);
    load.next_window(shared(at_once, 30)(load.policy().mode()));
  }
  load.run(400, at_once);
  EXPECT_EQ(load.settled(at_once), WaitMode::spin);
}

TEST(WaitPolicy, ContentionEndsATrialOfSpinning) {
  Load load(2);
  while (load.policy().mode() == WaitMode::sleep) load.next_window(at_once(WaitMode::sleep));
  ASSERT_EQ(load.policy().mode(), WaitMode::spin);
  load.next_window(shared(at_once, 50)(WaitMode::spin));
  EXPECT_TRUE(load.policy().contended());
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(load.policy().mode(), WaitMode::sleep);
    load.next_window(shared(at_once, 50)(WaitMode::sleep));
  }
}

TEST(WaitPolicy, ASingleInterruptionIsNotContention) {
  Load load(2);
  load.run(400, at_once);
  while (load.policy().mode() != WaitMode::spin) load.next_window(at_once(load.policy().mode()));
  load.next_window(shared(at_once, 30)(WaitMode::spin));
  EXPECT_FALSE(load.policy().contended());
  load.run(100, at_once);
  EXPECT_EQ(load.settled(at_once), WaitMode::spin);
}

// What gathering saves is saved for the others too.
TEST(WaitPolicy, GathersOnAProcessorThatOthersWant) {
  Load load(100);
  load.run(400, shared(fixed_rate, 30));
  EXPECT_TRUE(load.policy().contended());
  EXPECT_EQ(load.settled(shared(fixed_rate, 30)), WaitMode::gather_longer);
}

TEST(WaitPolicy, ThePresetsDoNotAdapt) {
  EXPECT_FALSE(WaitPolicy(Waiting::low_power, Gathering::supported).edge_due(~0ull - 1));
  EXPECT_FALSE(WaitPolicy(Waiting::low_latency, Gathering::supported).edge_due(~0ull - 1));
  EXPECT_EQ(WaitPolicy(Waiting::low_power, Gathering::supported).mode(), WaitMode::sleep);
  EXPECT_EQ(WaitPolicy(Waiting::low_latency, Gathering::supported).mode(), WaitMode::poll);
}

}  // namespace
}  // namespace ringroom::engine
