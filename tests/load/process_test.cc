#include "tools/load/process.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace ringroom::load {
namespace {

const std::uint64_t self = static_cast<std::uint64_t>(getpid());

TEST(Process, IsChargedTheCpuTimeItUses) {
  const auto before = cpu_of(self);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->threads, 1u);
  const std::uint64_t spun_until = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 50'000'000;
  while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < spun_until) {
  }
  const auto after = cpu_of(self);
  ASSERT_TRUE(after);
  // What runs right now is charged at the next tick, 10 ms at most.
  EXPECT_GT(after->run_ns, before->run_ns + 30'000'000);
}

TEST(Process, GrowsByTheMemoryItTouches) {
  const auto before = resident_bytes_of(self);
  ASSERT_TRUE(before);
  constexpr std::size_t bytes = std::size_t{16} << 20;
  // Mapped, because a compiler may leave out writes to memory of its own that nobody reads.
  void* touched = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(touched, MAP_FAILED);
  const auto after = resident_bytes_of(self);
  ASSERT_TRUE(after);
  EXPECT_GE(*after, *before + bytes);
  munmap(touched, bytes);
}

TEST(Process, CannotBeReadWhenItHasGone) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(cpu_of(static_cast<std::uint64_t>(child)).error(), ProcessError::gone_or_forbidden);
  EXPECT_EQ(resident_bytes_of(static_cast<std::uint64_t>(child)).error(),
            ProcessError::gone_or_forbidden);
}

}  // namespace
}  // namespace ringroom::load
