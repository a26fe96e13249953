#include "engine/processor_clock.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/clock.h"

namespace ringroom::engine {
namespace {

constexpr std::uint64_t deadline_ns = 20'000'000'000;

TEST(ProcessorClock, SeesThatAnotherThreadHadTheProcessor) {
  if (::access("/proc/thread-self/schedstat", R_OK) != 0) GTEST_SKIP() << "the kernel does not say";
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &one);
  }

  std::atomic<bool> done{false};
  std::thread watched([&] {
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    const ProcessorClock clock;
    const ProcessorTime start = clock.read();
    std::thread other([&] {  // inherits the one processor
      while (!done) {
      }
    });
    const std::uint64_t until_ns = monotonic_ns() + deadline_ns;
    ProcessorTime now = start;
    while (now.waited_ns - start.waited_ns < 1'000'000 && monotonic_ns() < until_ns) {
      now = clock.read();
    }
    done = true;
    other.join();
    EXPECT_GE(now.waited_ns - start.waited_ns, 1'000'000u);
    EXPECT_GT(now.used_ns, start.used_ns);
  });
  watched.join();
}

}  // namespace
}  // namespace ringroom::engine
