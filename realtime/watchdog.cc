#include "realtime/watchdog.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "realtime/bounds.h"
#include "realtime/http/routes.h"
#include "realtime/letters.h"
#include "realtime/node.h"
#include "realtime/usage.h"

namespace ringroom::realtime {

namespace {

constexpr std::uint64_t process_interval_ms = 1'000;

// The name of a type without its namespace, out of what the compiler calls this function.
template <class T>
constexpr std::string_view name_of_type() {
  constexpr std::string_view whole = __PRETTY_FUNCTION__;
  constexpr std::size_t begin = whole.find("T = ") + 4;
  constexpr std::string_view name = whole.substr(begin, whole.find_first_of(";]", begin) - begin);
  return name.substr(name.rfind(':') + 1);
}

template <std::size_t... index>
constexpr auto names_of_items(std::index_sequence<index...>) {
  return std::array{name_of_type<std::variant_alternative_t<index, LetterItem>>()...};
}
constexpr auto item_names =
    names_of_items(std::make_index_sequence<std::variant_size_v<LetterItem>>());
static_assert(item_names[0] == "JoinRoom" && item_names.size() <= 256);

// A small file of the kernel's; empty: it is not there.
std::string content_of(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char text[256];
  const ssize_t size = read(fd, text, sizeof text);
  close(fd);
  return std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
}

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  if (std::sscanf(content_of("/proc/self/statm").c_str(), "%*u %" SCNu64, &pages) != 1) return 0;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// What the process may have before the kernel ends it: its cgroup's limit, or the machine's memory.
std::uint64_t memory_limit_bytes() {
  std::uint64_t limit = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  for (const char* const path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::uint64_t said = std::strtoull(content_of(path).c_str(), nullptr, 10);  // "max": 0
    if (said != 0) limit = std::min(limit, said);
  }
  return limit;
}

std::uint64_t descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint64_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count - std::min<std::uint64_t>(count, 3);  // . and .. and the one of this
}

}  // namespace

std::string words_for(const Beat::Seen& seen) {
  static constexpr std::string_view words[] = {"nothing",
                                               "outside of its turn",
                                               "new connections",
                                               "received bytes",
                                               "command ",
                                               "request ",
                                               "letter ",
                                               "timers",
                                               "ended connections",
                                               "its backlog",
                                               "rooms by pattern",
                                               "a scrape",
                                               "flush"};
  static_assert(std::size(words) == std::size_t(Doing::flush) + 1);
  std::string out(words[std::min(std::size_t(seen.doing), std::size(words) - 1)]);
  if (seen.doing == Doing::command && seen.detail < usage_count) out += usage_names[seen.detail];
  if (seen.doing == Doing::request) out += Routes::words_for(seen.detail);
  if (seen.doing == Doing::letter && seen.detail < item_names.size())
    out += item_names[seen.detail];
  return out;
}

StallFinder::Verdict StallFinder::look(const Beat::Seen& seen, std::uint64_t now_ms) {
  using Kind = Verdict::Kind;
  // Only another turn is progress: a turn that goes round in circles does many things.
  const bool went_on = !last_ || last_->turn != seen.turn || seen.doing == Doing::nothing;
  last_ = seen;
  const std::uint64_t for_ms = now_ms - std::min(now_ms, since_ms_);
  if (went_on) {
    since_ms_ = now_ms;
    if (std::exchange(is_stalled_, false)) return {.kind = Kind::recovered, .for_ms = for_ms};
    return {};
  }
  const std::uint64_t most_ms =
      turn_ms_max_ + (seen.doing == Doing::outside ? bounds::sweep_interval_ms : 0);
  if (for_ms <= most_ms || std::exchange(is_stalled_, true)) return {};
  return {.kind = Kind::stalled, .for_ms = for_ms};
}

Watchdog::Watchdog(Node& node, std::uint64_t turn_ms_max)
    : node_(node),
      turn_ms_max_(turn_ms_max),
      interval_ms_(
          std::clamp<std::uint64_t>(turn_ms_max / 4, 10, bounds::watchdog_interval_ms_max)),
      cores_(node.cores, StallFinder(turn_ms_max)),
      processor_us_(node.cores) {
  looked_ms_ = monotonic_ms();
  node_.watchdog.beat_ms.store(looked_ms_, std::memory_order_relaxed);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  ending_.notify_one();
  thread_.join();
  node_.watchdog.beat_ms.store(0, std::memory_order_relaxed);
}

void Watchdog::run() {
  pthread_setname_np(pthread_self(), "watchdog");
  std::unique_lock lock(mutex_);
  while (!ending_.wait_for(lock, std::chrono::milliseconds(interval_ms_),
                           [this] { return is_ending_; }))
    look(monotonic_ms());
}

void Watchdog::look(std::uint64_t now_ms) {
  WatchdogReport& report = node_.watchdog;
  report.beat_ms.store(now_ms, std::memory_order_relaxed);
  // The watchdog itself did not get to look: a machine that stood still, or has no time for it.
  const bool is_late = now_ms - std::exchange(looked_ms_, now_ms) > interval_ms_ + turn_ms_max_ / 2;
  if (is_late) {
    report.late_looks_total.add();
    for (StallFinder& core : cores_)
      if (!core.is_stalled()) core.forgive(now_ms);
  }
  for (std::uint16_t core = 0; core < node_.cores; ++core) look_at(CoreId{core}, now_ms);
  report.cores_stalled.set(static_cast<std::uint64_t>(
      std::ranges::count_if(cores_, [](const StallFinder& core) { return core.is_stalled(); })));
  if (now_ms - process_ms_ < process_interval_ms) return;
  process_ms_ = now_ms;
  look_at_process();
}

void Watchdog::look_at(CoreId core, std::uint64_t now_ms) {
  using Kind = StallFinder::Verdict::Kind;
  Beat& beat = *node_.beats[core.value];
  const engine::Engine* const engine = node_.engine.load(std::memory_order_acquire);
  const std::uint64_t used_us = engine == nullptr ? 0 : engine->processor_us(core);
  std::uint64_t& used_before_us = processor_us_[core.value];
  const Beat::Seen seen = beat.look();
  StallFinder& finder = cores_[core.value];
  const StallFinder::Verdict verdict = finder.look(seen, now_ms);
  if (verdict.kind == Kind::stalled) {
    node_.watchdog.stalls_total.add();
    beat.stalled_since_ms.store(finder.since_ms(), std::memory_order_relaxed);
    const std::string at = words_for(seen);
    // Little processor time: it waits for something, or other work has its processor.
    Log::line(Log::Level::error, "a core does not come to the end of its turn",
              {{"core", core.value},
               {"at", std::string_view(at)},
               {"for_ms", verdict.for_ms},
               {"cpu_ms", (used_us - std::min(used_us, used_before_us)) / 1'000}});
  } else if (verdict.kind == Kind::recovered) {
    beat.stalled_since_ms.store(0, std::memory_order_relaxed);
    Log::line(Log::Level::warning, "the core goes on",
              {{"core", core.value}, {"after_ms", verdict.for_ms}});
  }
  if (finder.since_ms() == now_ms) used_before_us = used_us;
}

void Watchdog::look_at_process() {
  WatchdogReport& report = node_.watchdog;
  report.resident_bytes.set(resident_bytes());
  report.memory_limit_bytes.set(memory_limit_bytes());
  report.descriptors.set(descriptors());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) report.descriptors_max.set(limit.rlim_cur);
}

void Watchdog::notice_silence(WatchdogReport& report, std::uint64_t now_ms) {
  const std::uint64_t beat_ms = report.beat_ms.load(std::memory_order_relaxed);
  if (beat_ms == 0) return;
  const std::uint64_t age_ms = now_ms - std::min(now_ms, beat_ms);
  const bool is_silent = age_ms > bounds::watchdog_silence_ms_max;
  if (report.is_silent.load(std::memory_order_relaxed) == is_silent ||
      report.is_silent.exchange(is_silent) == is_silent)
    return;  // another core has said it
  if (!is_silent) return Log::line(Log::Level::warning, "the watchdog goes on");
  report.silences_total.fetch_add(1, std::memory_order_relaxed);
  Log::line(Log::Level::error, "the watchdog stands still: nobody would see a core that does",
            {{"for_ms", age_ms}});
}

}  // namespace ringroom::realtime
