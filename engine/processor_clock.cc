#include "engine/processor_clock.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <string_view>

#include "base/clock.h"

namespace ringroom::engine {

namespace {

// "time on the processor, time ready without it, how often": the second.
std::uint64_t second_number(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(text.data() + space + 1, text.data() + text.size(), value);
  return value;
}

}  // namespace

ProcessorClock::ProcessorClock()
    : schedstat_fd_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}

ProcessorClock::~ProcessorClock() {
  if (schedstat_fd_ >= 0) ::close(schedstat_fd_);
}

ProcessorTime ProcessorClock::read() const {
  // Its own number for the time used is as old as the last tick.
  ProcessorTime time{.used_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), .waited_ns = 0};
  char text[96];
  const ssize_t bytes = schedstat_fd_ < 0 ? -1 : ::pread(schedstat_fd_, text, sizeof(text), 0);
  if (bytes > 0) time.waited_ns = second_number({text, static_cast<std::size_t>(bytes)});
  return time;
}

}  // namespace ringroom::engine
