#include "tools/load/process.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/clock.h"
#include "tools/load/bounds.h"

namespace ringroom::load {
namespace {

// Files of /proc have no size; a page holds each of those read here.
Result<std::string, ProcessError> read_proc(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return fail(ProcessError::gone_or_forbidden);
  char text[4096];
  const std::size_t bytes = std::fread(text, 1, sizeof text, file);
  std::fclose(file);
  // A process that ended keeps its files, empty.
  if (bytes == 0) return fail(ProcessError::gone_or_forbidden);
  return std::string(text, bytes);
}

// Takes the next number off the front of `text`; 0 when there is none.
std::uint64_t next_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

void pause_ms(std::uint64_t ms) { poll(nullptr, 0, static_cast<int>(ms)); }

}  // namespace

Result<ProcessCpu, ProcessError> cpu_of(std::uint64_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::error_code wrong;
  std::filesystem::directory_iterator task(tasks, wrong);
  if (wrong) return fail(ProcessError::gone_or_forbidden);
  ProcessCpu cpu;
  for (; task != std::filesystem::directory_iterator(); task.increment(wrong)) {
    const auto text = read_proc(task->path() / "schedstat");
    if (!text) continue;               // this thread ended between the two calls
    std::string_view numbers = *text;  // run, waited, number of time slices
    cpu.run_ns += next_number(numbers);
    cpu.waited_ns += next_number(numbers);
    ++cpu.threads;
  }
  if (cpu.threads == 0) return fail(ProcessError::not_in_this_kernel);
  return cpu;
}

Result<std::uint64_t, ProcessError> resident_bytes_of(std::uint64_t pid) {
  const auto text = read_proc("/proc/" + std::to_string(pid) + "/smaps_rollup");
  if (!text) return fail(text.error());
  const std::size_t rss = text->find("\nRss:");
  if (rss == std::string::npos) return fail(ProcessError::not_in_this_kernel);
  std::string_view kib = std::string_view(*text).substr(rss);
  return next_number(kib) * 1024;
}

Result<std::uint64_t, ProcessError> settled_bytes_of(std::uint64_t pid) {
  const std::uint64_t deadline_ms = monotonic_ms() + settle_ms_max;
  int same = 0;
  auto last = resident_bytes_of(pid);
  while (last && same < settled_readings && monotonic_ms() < deadline_ms) {
    pause_ms(settle_interval_ms);
    auto next = resident_bytes_of(pid);
    same = next && *next == *last ? same + 1 : 0;
    last = next;
  }
  return last;
}

}  // namespace ringroom::load
