// What a timer costs among many: arming and cancelling (the idle timer of a connection that spoke),
// and firing.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "engine/timer_wheel.h"

namespace ringroom::engine {
namespace {

constexpr std::uint64_t idle_ms = 25'000;

void ArmAndCancelAmong(benchmark::State& state) {
  TimerWheel wheel(0);
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    wheel.arm(1 + static_cast<std::uint64_t>(i) % idle_ms, 0);
  }
  std::uint64_t delay_ms = 0;
  for (auto _ : state) {
    const TimerId timer = wheel.arm(1 + delay_ms++ % idle_ms, 1);
    benchmark::DoNotOptimize(wheel.cancel(timer));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ArmAndCancelAmong)->Arg(0)->Arg(10'000)->Arg(100'000);

// Every timer that fires is armed again: the pings of that many connections.
void FireAndArmAgain(benchmark::State& state) {
  TimerWheel wheel(0);
  const auto timers = static_cast<std::uint64_t>(state.range(0));
  for (std::uint64_t i = 0; i < timers; ++i) wheel.arm(1 + i * idle_ms / timers, i);
  std::vector<Fired> fired;
  std::uint64_t now_ms = 0;
  std::int64_t count = 0;
  for (auto _ : state) {
    fired.clear();
    wheel.advance(++now_ms, fired);
    for (const Fired& one : fired) wheel.arm(now_ms + idle_ms, one.cookie);
    count += static_cast<std::int64_t>(fired.size());
    benchmark::DoNotOptimize(wheel.next_ms());
  }
  state.SetItemsProcessed(count);
}
BENCHMARK(FireAndArmAgain)->Arg(10'000)->Arg(100'000);

}  // namespace
}  // namespace ringroom::engine

BENCHMARK_MAIN();
