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
#include "proto/accept.h"
#include "proto/json_object.h"
#include "realtime/bounds.h"
#include "realtime/node.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

struct FormRow {
  std::string_view content_type;
  std::span<const proto::HttpHeader> headers;
};
constexpr proto::HttpHeader by_accept[] = {{"Vary", "Accept"}};
constexpr FormRow form_rows[] = {
    {"text/plain; version=0.0.4; charset=utf-8", by_accept},
    {"application/openmetrics-text; version=1.0.0; charset=utf-8", by_accept},
    {"application/json", {}},
};
static_assert(std::size(form_rows) == std::size_t(MetricsForm::json) + 1);

enum class Type : std::uint8_t { counter, gauge, histogram, info };
constexpr std::string_view type_names[] = {"counter", "gauge", "histogram", "info"};

Type type_of(CounterKind kind) { return kind == CounterKind::gauge ? Type::gauge : Type::counter; }

// Lines of either text format. The lines of one name stand together, behind one HELP and one TYPE.
// Samples are the same in both: whoever changes from one to the other keeps all series.
class Writer {
 public:
  Writer(std::string& out, MetricsForm form)
      : out_(out), is_open_(form == MetricsForm::openmetrics) {}

  // With its whole name.
  void begin_named(std::string_view name, Type type, std::string_view help) {
    if (name == name_) return;
    name_ = name;
    // OpenMetrics calls a family by what its samples share: a counter without its `_total`.
    std::string_view family = name;
    if (is_open_ && type == Type::counter) family = without(family, "_total");
    if (is_open_ && type == Type::info) family = without(family, "_info");
    if (!is_open_ && type == Type::info) type = Type::gauge;
    head("HELP", family);
    for (const char each : help) {
      if (each == '\\' || (each == '"' && is_open_)) out_.push_back('\\');
      out_.push_back(each);
    }
    out_.append("\n");
    head("TYPE", family).append(type_names[std::size_t(type)]).append("\n");
    for (const std::string_view unit : {"_seconds", "_bytes"})
      if (is_open_ && family.ends_with(unit))
        head("UNIT", family).append(unit.substr(1)).append("\n");
  }
  void begin(std::string_view name, Type type, std::string_view help) {
    begin_named(std::string("ringroom_").append(name), type, help);
  }
  void begin(std::string_view name, CounterKind kind, std::string_view help) {
    begin(name, type_of(kind), help);
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
  void end() {
    if (is_open_) out_.append("# EOF\n");
  }

  template <class Counters>
  void histogram(const HistogramRow<Counters>& row, const HistogramSum& sum) {
    begin(row.name, Type::histogram, row.help);
    std::uint64_t passed = 0;
    std::size_t bucket = 0;
    for (std::size_t power = row.first; power <= row.last; ++power) {
      for (; bucket <= Histogram::bucket_at(power); ++bucket) passed += sum.buckets[bucket];
      std::string bound = "le=\"";
      append_number(bound, std::uint64_t{1} << power, row.is_time);
      if (!row.is_time) bound.append(".0");  // OpenMetrics wants a float
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
  static std::string_view without(std::string_view name, std::string_view end) {
    return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : name;
  }
  std::string& head(std::string_view what, std::string_view family) {
    return out_.append("# ").append(what).append(" ").append(family).append(" ");
  }
  void line(std::string_view suffix, std::string_view label, std::string_view second) {
    out_.append(name_).append(suffix);
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
  const bool is_open_;
  std::string name_;
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

void append_process(Writer& out, const Node& node) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000u +
           static_cast<std::uint64_t>(t.tv_usec);
  };
  out.begin_named("process_cpu_seconds_total", Type::counter, "User and system CPU time.");
  out.value({}, CounterKind::microseconds, micros(usage.ru_utime) + micros(usage.ru_stime));
  out.begin_named("process_resident_memory_bytes", Type::gauge, "Resident memory.");
  out.value({}, CounterKind::gauge, resident_bytes());
  out.begin_named("process_start_time_seconds", Type::gauge, "Start of the process since 1970.");
  out.value({}, CounterKind::microseconds, node.started_wall_ms * 1'000);
  out.begin("build_info", Type::info, "Version of the running program.");
  out.value("version=\"" RINGROOM_VERSION "\",io_backend=\"io_uring\"", CounterKind::gauge, 1);
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

std::string metrics_text(const Node& node, Totals& totals, MetricsForm form) {
  std::string text;
  text.reserve(64 * 1024);
  Writer out(text, form);
  append_process(out, node);
  append_settings(out, node.settings);
  append_log(out);
  append_keys(out, node.token_keys);
  append_watchdog(out, node.watchdog);
  out.begin("ready", Type::gauge, "1 if clients should be sent here, as /ready says; 0 if not.");
  out.value({}, CounterKind::gauge, SystemHealth::reasons_against(node).empty() ? 1 : 0);
  append_rows<ShardCounters>(out, shard_counters, totals.shard);
  append_families(out, totals.shard);
  for (std::size_t i = 0; i < std::size(shard_histograms); ++i)
    out.histogram(shard_histograms[i], totals.histograms[i]);
  append_users(out, totals);
  append_rows<alloc::Footprint>(out, alloc::footprint_rows, totals.memory);
  append_rows<engine::EngineCounters>(out, engine::engine_counter_rows, totals.engine);
  append_workspaces(out, node);
  append_cores(out, node);
  out.end();
  return text;
}

MetricsForm metrics_form_of(const proto::Request& request) {
  constexpr proto::MediaType text{.type = "text", .subtype = "plain", .version = "0.0.4"};
  constexpr proto::MediaType openmetrics{
      .type = "application", .subtype = "openmetrics-text", .version = "1.0.0"};
  // Who likes both as much, or neither, gets what it always got.
  return accepted_quality(request, openmetrics) > accepted_quality(request, text)
             ? MetricsForm::openmetrics
             : MetricsForm::text;
}

void Scrapes::begin(Session& session, MetricsForm form) {
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
  std::array<std::string, std::size(form_rows)> bodies;  // of the forms that somebody wants
  for (const Asking& each : told) {
    std::string& body = bodies[std::size_t(each.form)];
    if (!body.empty()) continue;
    body = each.form == MetricsForm::json ? json() : metrics_text(shard_.node, *totals_, each.form);
  }
  totals_.reset();
  asking_.erase(asking_.begin(), asking_.begin() + static_cast<std::ptrdiff_t>(answered_));
  for (const Asking& each : told) {
    Session* session = shard_.sessions.find(each.socket);
    if (session == nullptr || session->kind != SessionKind::http ||
        session->state == SessionState::draining)
      continue;
    const FormRow& row = form_rows[std::size_t(each.form)];
    shard_.exchanges.answer(*session, each.exchange,
                            {.status = 200,
                             .content_type = row.content_type,
                             .body = bodies[std::size_t(each.form)],
                             .headers = row.headers});
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
