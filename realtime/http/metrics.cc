#include "realtime/http/metrics.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "proto/json_object.h"
#include "realtime/bounds.h"
#include "realtime/node.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// Lines of the text format. The lines of one name stand together, behind one HELP and one TYPE.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void begin(std::string_view name, std::string_view type, std::string_view help) {
    if (name == std::exchange(name_, name)) return;
    out_.append("# HELP ringroom_").append(name).append(" ").append(help);
    out_.append("\n# TYPE ringroom_").append(name).append(" ").append(type).append("\n");
  }
  void begin(std::string_view name, CounterKind kind, std::string_view help) {
    begin(name, kind == CounterKind::gauge ? "gauge" : "counter", help);
  }
  // `label` is `name="value"`, or empty.
  void value(std::string_view label, CounterKind kind, std::uint64_t value) {
    line({}, label, {});
    append(value, kind == CounterKind::microseconds);
  }
  void value(std::string_view label_name, std::string_view label_value, CounterKind kind,
             std::uint64_t value) {
    std::string label(label_name);
    label.append("=\"").append(label_value).append("\"");
    this->value(label, kind, value);
  }

  template <class Counters>
  void histogram(const HistogramRow<Counters>& row, const HistogramSum& sum) {
    begin(row.name, "histogram", row.help);
    std::uint64_t passed = 0;
    std::size_t bucket = 0;
    for (std::size_t power = row.first; power <= row.last; ++power) {
      for (; bucket <= Histogram::bucket_at(power); ++bucket) passed += sum.buckets[bucket];
      std::string bound = "le=\"";
      append_number(bound, std::uint64_t{1} << power, row.is_time);
      line("_bucket", row.label, bound.append("\""));
      append(passed, false);
    }
    const std::uint64_t all = sum.count();
    line("_bucket", row.label, "le=\"+Inf\"");
    append(all, false);
    line("_sum", row.label, {});
    append(sum.sum, row.is_time);
    line("_count", row.label, {});
    append(all, false);
  }

 private:
  void line(std::string_view suffix, std::string_view label, std::string_view second) {
    out_.append("ringroom_").append(name_).append(suffix);
    if (label.empty() && second.empty()) return;
    out_.append("{").append(label);
    if (!label.empty() && !second.empty()) out_.append(",");
    out_.append(second).append("}");
  }
  void append(std::uint64_t value, bool is_time) {
    out_.append(" ");
    append_number(out_, value, is_time);
    out_.append("\n");
  }
  static void append_number(std::string& out, std::uint64_t value, bool is_time) {
    char text[40];
    const int size = is_time ? std::snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64,
                                             value / 1'000'000, value % 1'000'000)
                             : std::snprintf(text, sizeof text, "%" PRIu64, value);
    out.append(text, static_cast<std::size_t>(size));
  }

  std::string& out_;
  std::string_view name_;
};

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

void append_settings(Writer& out, const SettingsEditions& settings) {
  out.begin("config_reloads_total", CounterKind::total,
            "Times the configuration was read anew and applied.");
  out.value({}, CounterKind::total, settings.edition() - 1);
  out.begin("config_reload_failures_total", CounterKind::total,
            "Times it was read anew and refused: it stayed as it was.");
  out.value({}, CounterKind::total, settings.failures());
}

void append_log(Writer& out) {
  out.begin(
      "log_dropped_total", CounterKind::total,
      "Records of the log that were not written: too many at once, a full disk, a reader gone.");
  out.value({}, CounterKind::total, Log::dropped());
}

void append_watchdog(Writer& out, const WatchdogReport& report) {
  const auto each = [&](std::string_view name, CounterKind kind, std::string_view help,
                        std::uint64_t value) {
    out.begin(name, kind, help);
    out.value({}, kind, value);
  };
  each("watchdog_stalls_total", CounterKind::total,
       "Times a core did not come to the end of its turn in watchdog-turn-ms.",
       report.stalls_total.read());
  each("cores_stalled", CounterKind::gauge, "Cores of which that is so now.",
       report.cores_stalled.read());
  each(
      "watchdog_late_looks_total", CounterKind::total,
      "Times the watchdog itself came too late to look: the machine stood still, or is overloaded.",
      report.late_looks_total.read());
  each("watchdog_silences_total", CounterKind::total,
       "Times the cores saw that the watchdog stood still.",
       report.silences_total.load(std::memory_order_relaxed));
  each("memory_limit_bytes", CounterKind::gauge,
       "What the process may have of memory: its cgroup's limit, or the machine's.",
       report.memory_limit_bytes.read());
  each("descriptors", CounterKind::gauge,
       "Open file descriptors, a second ago; sockets of clients are not among them.",
       report.descriptors.read());
  each("descriptors_max", CounterKind::gauge, "How many there may be.",
       report.descriptors_max.read());
}

void append_keys(Writer& out, const TokenKeys& keys) {
  out.begin("token_keys", CounterKind::gauge, "Keys that tokens are held against.");
  out.value({}, CounterKind::gauge, keys.current()->keys().size());
  out.begin("token_jwks_fetches_total", CounterKind::total, "Times token-jwks-url was asked.");
  out.value({}, CounterKind::total, keys.fetches());
  out.begin("token_jwks_failures_total", CounterKind::total,
            "Of those, without an answer that holds keys.");
  out.value({}, CounterKind::total, keys.fetch_failures());
}

template <class Counters>
void append_rows(Writer& out, std::span<const CounterRow<Counters>> rows,
                 const Counters& counters) {
  for (const CounterRow<Counters>& row : rows) {
    out.begin(row.name, row.kind, row.help);
    out.value(row.label, row.kind, (counters.*row.field).read());
  }
}

void append_families(Writer& out, ShardCounters& counters) {
  for (const auto& family : shard_counter_families) {
    out.begin(family.name, family.kind, family.help);
    const Counter* const first = family.first(counters);
    for (std::size_t i = 0; i < family.count; ++i)
      out.value(family.label, family.name_of(i), family.kind, first[i].read());
  }
}

void append_users(Writer& out, const Totals& totals) {
  out.begin("active_users", CounterKind::gauge,
            "Different users of whom anything was heard in this time, to about 3 %.");
  for (std::size_t i = 0; i < ActiveUsers::windows.size(); ++i)
    out.value("window", ActiveUsers::windows[i].name, CounterKind::gauge, totals.users.users(i));
}

void append_workspaces(Writer& out, const Node& node) {
  const auto& counted = node.config.counted_workspaces;
  if (counted.empty()) return;
  for (const CounterRow<WorkspaceCounters>& row : workspace_counters) {
    out.begin(row.name, row.kind, row.help);
    for (std::size_t i = 0; i < counted.size(); ++i) {
      std::uint64_t sum = 0;
      for (const auto& of_core : node.workspace_counters) sum += (of_core[i].*row.field).read();
      out.value("workspace", counted[i], row.kind, sum);
    }
  }
}

void append_cores(Writer& out, const Node& node) {
  const engine::Engine* const engine = node.engine.load(std::memory_order_acquire);
  if (engine == nullptr) return;
  const auto each = [&](std::string_view name, CounterKind kind, std::string_view help,
                        auto&& value_of) {
    out.begin(name, kind, help);
    for (std::uint16_t core = 0; core < node.cores; ++core)
      out.value("core", std::to_string(core), kind, value_of(CoreId{core}));
  };
  each("core_cpu_seconds_total", CounterKind::microseconds, "CPU time of each core's thread.",
       [&](CoreId core) { return engine->processor_us(core); });
  each("core_turns_total", CounterKind::total, "Turns of each core.",
       [&](CoreId core) { return engine->counters(core).turns.read(); });
  each("core_sockets", CounterKind::gauge, "Sockets of each core.",
       [&](CoreId core) { return engine->counters(core).sockets_open.read(); });
  each("core_queue_bytes", CounterKind::gauge,
       "Bytes of each core that are queued and not yet taken by the kernel.",
       [&](CoreId core) { return engine->counters(core).queue_bytes.read(); });
}

}  // namespace

std::string metrics_text(const Node& node, Totals& totals) {
  std::string text;
  text.reserve(48 * 1024);
  append_process(text, node);
  Writer out(text);
  append_settings(out, node.settings);
  append_log(out);
  append_keys(out, node.token_keys);
  append_watchdog(out, node.watchdog);
  append_rows<ShardCounters>(out, shard_counters, totals.shard);
  append_families(out, totals.shard);
  for (std::size_t i = 0; i < std::size(shard_histograms); ++i)
    out.histogram(shard_histograms[i], totals.histograms[i]);
  append_users(out, totals);
  append_rows<alloc::Footprint>(out, alloc::footprint_rows, totals.memory);
  append_rows<engine::EngineCounters>(out, engine::engine_counter_rows, totals.engine);
  append_workspaces(out, node);
  append_cores(out, node);
  return text;
}

void Scrapes::begin(Session& session, Form form) {
  asking_.push_back(
      {.socket = session.socket, .exchange = shard_.exchanges.wait(session), .form = form});
}

void Scrapes::walk() {
  if (asking_.empty()) return;
  if (!totals_) {
    totals_ = std::make_unique<Totals>();
    next_core_ = 0;
    answered_ = asking_.size();
  }
  const auto cores = static_cast<std::uint16_t>(shard_.node.cores);
  const auto end = static_cast<std::uint16_t>(
      std::min<std::size_t>(cores, next_core_ + bounds::scraped_cores_per_turn));
  for (; next_core_ < end; ++next_core_)
    totals_->add(shard_.node, CoreId{next_core_}, shard_.wall_ms / 1'000);
  if (next_core_ == cores) answer();
}

void Scrapes::answer() {
  // Those who ask because of this answer come behind.
  const std::vector<Asking> told(asking_.begin(),
                                 asking_.begin() + static_cast<std::ptrdiff_t>(answered_));
  const auto wants = [&told](Form form) {
    return std::ranges::any_of(told, [form](const Asking& each) { return each.form == form; });
  };
  const std::string text = wants(Form::text) ? metrics_text(shard_.node, *totals_) : std::string();
  const std::string json = wants(Form::json) ? this->json() : std::string();
  totals_.reset();
  asking_.erase(asking_.begin(), asking_.begin() + static_cast<std::ptrdiff_t>(answered_));
  for (const Asking& each : told) {
    Session* session = shard_.sessions.find(each.socket);
    if (session == nullptr || session->kind != SessionKind::http ||
        session->state == SessionState::draining)
      continue;
    if (each.form == Form::json) {
      shard_.exchanges.answer(*session, each.exchange, json);
    } else {
      shard_.exchanges.answer(*session, each.exchange,
                              {.status = 200,
                               .content_type = "text/plain; version=0.0.4; charset=utf-8",
                               .body = text});
    }
  }
}

std::string Scrapes::json() {
  alloc::BlockBuilder body(shard_.heap);
  proto::JsonObject answer(body);
  answer.seconds("timestamp", shard_.wall_ms);
  answer.number("uptime_s", (shard_.wall_ms - shard_.node.started_wall_ms) / 1'000);
  answer.number("cores", shard_.node.cores);
  append_metrics_json(answer.key("metrics"), *totals_);
  answer.end();
  body.append('\n');
  return std::string(body.text());
}

}  // namespace ringroom::realtime
