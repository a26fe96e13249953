#include "realtime/http/metrics.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <iterator>

#include "base/clock.h"
#include "engine/counters.h"
#include "engine/engine.h"
#include "realtime/node.h"

namespace ringroom::realtime {

namespace {

void append(std::string& out, std::string_view name, CounterKind kind, std::string_view help,
            std::uint64_t value) {
  out.append("# HELP ringroom_").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ringroom_").append(name);
  out.append(kind == CounterKind::total ? " counter\n" : " gauge\n");
  out.append("ringroom_").append(name).append(" ").append(std::to_string(value)).append("\n");
}

std::uint64_t resident_bytes() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[128] = {};
  const ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  std::uint64_t pages = 0;
  if (size <= 0 || std::sscanf(text, "%*u %" SCNu64, &pages) != 1) return 0;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void append_process(std::string& out, const Node& node) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000u +
           static_cast<std::uint64_t>(t.tv_usec);
  };
  const std::uint64_t cpu_us = micros(usage.ru_utime) + micros(usage.ru_stime);
  char line[768];
  const int size =
      std::snprintf(line, sizeof line,
                    "# HELP process_cpu_seconds_total User and system CPU time.\n"
                    "# TYPE process_cpu_seconds_total counter\n"
                    "process_cpu_seconds_total %" PRIu64 ".%06" PRIu64
                    "\n"
                    "# HELP process_resident_memory_bytes Resident memory.\n"
                    "# TYPE process_resident_memory_bytes gauge\n"
                    "process_resident_memory_bytes %" PRIu64
                    "\n"
                    "# HELP process_start_time_seconds Start of the process since 1970.\n"
                    "# TYPE process_start_time_seconds gauge\n"
                    "process_start_time_seconds %" PRIu64 ".%03" PRIu64
                    "\n"
                    "# HELP ringroom_build_info Version of the running program.\n"
                    "# TYPE ringroom_build_info gauge\n"
                    "ringroom_build_info{version=\"%s\",io_backend=\"io_uring\"} 1\n",
                    cpu_us / 1'000'000, cpu_us % 1'000'000, resident_bytes(),
                    node.started_wall_ms / 1000, node.started_wall_ms % 1000, RINGROOM_VERSION);
  out.append(line, static_cast<std::size_t>(size));
}

void append_keys(std::string& out, const TokenKeys& keys) {
  append(out, "token_keys", CounterKind::gauge, "Keys that tokens are held against.",
         keys.current()->keys().size());
  append(out, "token_jwks_fetches_total", CounterKind::total, "Times token-jwks-url was asked.",
         keys.fetches());
  append(out, "token_jwks_failures_total", CounterKind::total,
         "Of those, without an answer that holds keys.", keys.fetch_failures());
}

// Each row summed over the cores.
template <class Counters>
void append_rows(std::string& out, std::span<const CounterRow<Counters>> rows,
                 const std::vector<std::unique_ptr<Counters>>& of_cores) {
  for (const CounterRow<Counters>& row : rows) {
    std::uint64_t sum = 0;
    for (const auto& counters : of_cores) sum += ((*counters).*row.field).read();
    append(out, row.name, row.kind, row.help, sum);
  }
}

}  // namespace

std::string metrics_text(const Node& node) {
  std::string out;
  out.reserve(16 * 1024);
  append_process(out, node);
  append_keys(out, node.token_keys);
  append_rows<ShardCounters>(out, shard_counters, node.counters);
  append_rows<alloc::Footprint>(out, alloc::footprint_rows, node.footprints);
  if (const engine::Engine* engine = node.engine.load(std::memory_order_acquire)) {
    for (const auto& row : engine::engine_counter_rows) {
      std::uint64_t sum = 0;
      for (std::uint16_t core = 0; core < node.cores; ++core)
        sum += (engine->counters(CoreId{core}).*row.field).read();
      append(out, row.name, row.kind, row.help, sum);
    }
  }
  return out;
}

}  // namespace ringroom::realtime
