#include "realtime/http/system_health.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/clock.h"
#include "engine/engine.h"
#include "proto/json.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

enum class Status : std::uint8_t { ok, degraded, failing };
constexpr std::string_view status_names[] = {"ok", "degraded", "failing"};

// A JSON object per check, and the worst of them.
class Report {
 public:
  explicit Report(alloc::BlockBuilder& out) : out_(out) {}

  void begin(std::string_view name, Status status) {
    worst_ = std::max(worst_, status);
    out_.append(std::exchange(is_first_, false) ? "" : ",");
    proto::append_json_string(out_, name);
    out_.append(R"(:{"status":)");
    proto::append_json_string(out_, status_names[std::size_t(status)]);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    proto::append_number(out_, value);
  }
  // Of microseconds.
  void milliseconds(std::string_view name, std::uint64_t us) {
    key(name);
    proto::append_number(out_, us / 1'000);
    const std::string thousandths = std::to_string(1'000 + us % 1'000);
    out_.append('.');
    out_.append(std::string_view(thousandths).substr(1));
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    proto::append_json_string(out_, value);
  }
  void end() { out_.append('}'); }
  Status worst() const { return worst_; }

 private:
  void key(std::string_view name) {
    out_.append(',');
    proto::append_json_string(out_, name);
    out_.append(':');
  }

  alloc::BlockBuilder& out_;
  Status worst_ = Status::ok;
  bool is_first_ = true;
};

// Near its limit.
Status of_share(std::uint64_t used, std::uint64_t limit) {
  return limit != 0 && used > limit / 10 * 9 ? Status::degraded : Status::ok;
}

}  // namespace

std::vector<std::string> SystemHealth::reasons_against(const Node& node) {
  std::vector<std::string> out;
  if (node.draining.load(std::memory_order_relaxed)) out.push_back("draining");
  for (std::uint16_t core = 0; core < node.cores; ++core)
    if (node.beats[core]->stalled_since_ms.load(std::memory_order_relaxed) != 0)
      out.push_back("core " + std::to_string(core) + " does not come to the end of its turn");
  // Nobody with a token could come in.
  if (!node.config.token_jwks_url.empty() && node.token_keys.current()->keys().empty())
    out.push_back("token-jwks-url has not answered with keys");
  return out;
}

void SystemHealth::begin(Session& session) {
  if (checks_.size() >= bounds::health_checks_max)
    return shard_.exchanges.refuse(session, proto::ErrorCode::unavailable,
                                   "several checks are under way; try again in a second");
  const std::uint32_t number = next_++;
  checks_.emplace(number, Check{.socket = session.socket,
                                .exchange = shard_.exchanges.wait(session),
                                .due_ms = shard_.now_ms + bounds::health_wait_ms,
                                .cores = std::vector<std::optional<HealthTold>>(shard_.node.cores),
                                .waiting = shard_.node.cores});
  shard_.outbox.arm(bounds::health_wait_ms, bounds::health_cookie);
  shard_.send_to_all(AskHealth{
      .to = shard_.connection_id(session), .number = number, .asked_us = monotonic_ns() / 1'000});
}

void SystemHealth::receive(const AskHealth& ask) {
  const std::uint64_t now_us = monotonic_ns() / 1'000;
  shard_.send(CoreId{ask.to.core}, HealthTold{.number = ask.number,
                                              .core = shard_.core.value,
                                              .lag_us = now_us - std::min(now_us, ask.asked_us),
                                              .turn_us = now_us - std::min(now_us, shard_.now_us),
                                              .mail_bytes = shard_.mail_bytes(),
                                              .sessions = shard_.sessions.size()});
}

void SystemHealth::receive(const HealthTold& told) {
  const auto found = checks_.find(told.number);
  if (found == checks_.end()) return;  // it came too late
  found->second.cores[told.core] = told;
  if (--found->second.waiting > 0) return;
  const Check check = std::move(found->second);
  checks_.erase(found);
  finish(check);
}

void SystemHealth::fired() {
  ended_.clear();
  for (const auto& [number, check] : checks_)
    if (check.due_ms <= shard_.now_ms) ended_.push_back(number);
  for (const std::uint32_t number : ended_) finish(checks_.extract(number).mapped());
}

void SystemHealth::finish(const Check& check) {
  Session* session = shard_.sessions.find(check.socket);
  if (session == nullptr || session->kind != SessionKind::http ||
      session->state == SessionState::draining)
    return;
  const Node& node = shard_.node;
  alloc::BlockBuilder checks(shard_.heap);
  Report report(checks);

  Status cores = Status::ok;
  std::uint64_t mail_bytes = 0;
  for (const auto& told : check.cores) {
    if (!told) cores = Status::failing;
    if (told && told->lag_us > bounds::healthy_lag_us_max)
      cores = std::max(cores, Status::degraded);
    if (told) mail_bytes = std::max(mail_bytes, told->mail_bytes);
  }
  report.begin("cores", cores);
  checks.append(R"(,"list":[)");
  for (std::uint16_t core = 0; core < node.cores; ++core) {
    const auto& told = check.cores[core];
    checks.append(core == 0 ? "" : ",");
    checks.append(R"({"core":)");
    proto::append_number(checks, std::uint64_t{core});
    checks.append(told ? R"(,"answered":true)" : R"(,"answered":false)");
    if (told) {
      report.milliseconds("lag_ms", told->lag_us);
      report.milliseconds("turn_ms", told->turn_us);
      report.number("connections", told->sessions);
    } else {
      report.text("at", words_for(node.beats[core]->look()));
    }
    report.number("turns", node.beats[core]->look().turn);
    report.end();
  }
  checks.append(']');
  report.end();

  const engine::Engine* const engine = node.engine.load(std::memory_order_acquire);
  std::uint64_t mailbox_full = 0, sockets = 0;
  for (std::uint16_t core = 0; engine != nullptr && core < node.cores; ++core) {
    mailbox_full += engine->counters(CoreId{core}).mailbox_full.read();
    sockets += engine->counters(CoreId{core}).sockets_open.read();
  }
  report.begin("mailboxes", of_share(mail_bytes, bounds::mail_bytes_max));
  report.number("waiting_bytes_max", mail_bytes);
  report.number("limit_bytes", bounds::mail_bytes_max);
  report.number("full_total", mailbox_full);
  report.end();

  const WatchdogReport& watchdog = node.watchdog;
  const std::uint64_t resident = watchdog.resident_bytes.read();
  const std::uint64_t memory_limit = watchdog.memory_limit_bytes.read();
  report.begin("memory", of_share(resident, memory_limit));
  report.number("resident_bytes", resident);
  report.number("limit_bytes", memory_limit);
  report.end();

  report.begin("descriptors",
               of_share(watchdog.descriptors.read(), watchdog.descriptors_max.read()));
  report.number("open", watchdog.descriptors.read());
  report.number("limit", watchdog.descriptors_max.read());
  report.end();

  const std::uint64_t sockets_max =
      engine == nullptr ? 0 : std::uint64_t{engine->sockets_per_core()} * node.cores;
  report.begin("sockets", of_share(sockets, sockets_max));
  report.number("open", sockets);
  report.number("limit", sockets_max);
  report.end();

  const std::uint64_t beat_ms = watchdog.beat_ms.load(std::memory_order_relaxed);
  const std::uint64_t now_ms = monotonic_ms();
  const std::uint64_t age_ms = now_ms - std::min(now_ms, beat_ms);
  const bool is_watched = beat_ms != 0 && age_ms <= bounds::watchdog_silence_ms_max;
  report.begin("watchdog", is_watched ? Status::ok : Status::degraded);
  if (beat_ms != 0) report.number("looked_ms_ago", age_ms);
  report.number("cores_stalled", watchdog.cores_stalled.read());
  report.number("stalls_total", watchdog.stalls_total.read());
  report.number("late_looks_total", watchdog.late_looks_total.read());
  report.end();

  alloc::BlockBuilder body(shard_.heap);
  body.append(R"({"status":)");
  proto::append_json_string(body, status_names[std::size_t(report.worst())]);
  body.append(R"(,"version":")" RINGROOM_VERSION R"(","uptime_s":)");
  proto::append_number(body, (shard_.wall_ms - node.started_wall_ms) / 1'000);
  body.append(R"(,"checks":{)");
  body.append(checks.text());
  body.append("}}\n");
  shard_.exchanges.answer(*session, check.exchange,
                          {.status = report.worst() == Status::failing ? 503 : 200,
                           .content_type = "application/json",
                           .body = body.text()});
}

}  // namespace ringroom::realtime
