#include "tools/load/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

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
  std::vector<char> touched(bytes);
  std::memset(touched.data(), 1, bytes);
  const auto after = resident_bytes_of(self);
  ASSERT_TRUE(after);
  EXPECT_GE(*after, *before + bytes / 2);  // a sanitizer may have had some of it already
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
