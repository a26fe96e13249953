#include "tools/load/coordinator.h"

#include <poll.h>
#include <sys/resource.h>

#include <cstdio>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tools/load/client.h"
#include "tools/load/process.h"

namespace ringroom::load {
namespace {

constexpr std::uint64_t s_ns = 1'000'000'000;
constexpr std::uint64_t ms_ns = 1'000'000;
constexpr int look_interval_ms = 5;

Result<std::uint64_t, RunError> raise_file_limit(std::uint64_t connections) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  getrlimit(RLIMIT_NOFILE, &files);
  constexpr std::uint64_t others = 64;  // standard streams, epoll, wake-ups, /proc
  if (connections + others > files.rlim_cur) {
    return fail(RunError{"connections: " + std::to_string(connections) +
                         " need more open files than the limit of " +
                         std::to_string(files.rlim_cur) + " (raise it with ulimit -Hn)"});
  }
  return files.rlim_cur;
}

// The client threads of one run. Ends and joins them when it goes.
class Crew {
 public:
  Crew(const Scenario& scenario, const sockaddr_in& server) : canary_(scenario.canary()) {
    char run[24];
    std::snprintf(run, sizeof run, "%llx", static_cast<unsigned long long>(wall_ms()));
    const std::uint32_t rooms = scenario.seating().rooms;
    const auto threads = static_cast<std::uint32_t>(scenario.threads);
    for (std::uint32_t i = 0; i < threads; ++i) {
      const auto first_of = [&](std::uint64_t thread) {
        return static_cast<std::uint32_t>(rooms * thread / threads);
      };
      const int cpu = scenario.pin < 0 ? -1 : static_cast<int>(scenario.pin + i);
      clients_.push_back(
          std::make_unique<Client>(scenario,
                                   ClientOptions{.server = server,
                                                 .run = run,
                                                 .first_room = first_of(i),
                                                 .rooms = first_of(i + 1) - first_of(i),
                                                 .cpu = cpu},
                                   orders_));
    }
    main_clients_ = clients_.size();
    if (canary_.connections > 0) {
      // On the CPU of the first thread, ahead of it: it must not wait for the load's own listeners.
      const auto rooms_of_canary = static_cast<std::uint32_t>(canary_.connections);
      clients_.push_back(
          std::make_unique<Client>(canary_,
                                   ClientOptions{.server = server,
                                                 .run = run,
                                                 .first_room = 0,
                                                 .rooms = rooms_of_canary,
                                                 .cpu = static_cast<int>(scenario.pin),
                                                 .goes_first = true},
                                   orders_));
    }
    for (const auto& client : clients_) threads_.emplace_back([&client] { client->run(); });
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() { dismiss(); }

  void begin(const Times& times) {
    orders_.times = times;
    orders_.begin.store(true, std::memory_order_release);
    for (const auto& client : clients_) client->wake();
  }
  void dismiss() {
    orders_.stop.store(true, std::memory_order_relaxed);
    join();
  }
  void join() {
    if (threads_.empty()) return;
    if (orders_.stop.load(std::memory_order_relaxed)) {
      for (const auto& client : clients_) client->wake();
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  std::uint64_t sum(Counter Progress::*counter) const {
    std::uint64_t total = 0;
    for (const auto& client : main()) total += (client->progress().*counter).read();
    return total;
  }
  bool ready(std::uint64_t connections) const {
    return sum(&Progress::ready) == connections &&
           (!has_canary() || canary().progress().ready.read() == canary_.connections);
  }
  bool failed() const {
    return sum(&Progress::failed) > 0 || (has_canary() && canary().progress().failed.read() > 0);
  }
  bool finished() const {
    return sum(&Progress::finished) == main_clients_ &&
           (!has_canary() || canary().progress().finished.read() == 1);
  }
  Findings findings() const {  // after join()
    Findings all;
    for (const auto& client : main()) all.merge(client->findings());
    return all;
  }
  std::optional<Findings> canary_findings() const {  // after join()
    if (!has_canary()) return std::nullopt;
    return canary().findings();
  }

 private:
  std::span<const std::unique_ptr<Client>> main() const {
    return std::span(clients_).first(main_clients_);
  }
  bool has_canary() const { return clients_.size() > main_clients_; }
  const Client& canary() const { return *clients_.back(); }

  const Scenario canary_;
  Orders orders_;
  std::size_t main_clients_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::thread> threads_;
};

// Waits for `done`; false when the deadline came first.
template <class Done>
bool wait_until(std::uint64_t deadline_ns, Done done) {
  for (;;) {
    if (done()) return true;
    const std::uint64_t now_ns = monotonic_ns();
    if (now_ns >= deadline_ns) return false;
    const std::uint64_t left_ms = (deadline_ns - now_ns + ms_ns - 1) / ms_ns;
    poll(nullptr, 0, left_ms < look_interval_ms ? static_cast<int>(left_ms) : look_interval_ms);
  }
}

// Everything that is measured as a difference.
struct Snapshot {
  std::uint64_t at_ns;
  std::uint64_t messages;
  std::uint64_t deliveries;
  std::uint64_t handshakes;
  std::uint64_t load_cpu_ns;
  std::optional<ProcessCpu> server;
};

Snapshot take_snapshot(const Crew& crew, std::uint64_t server_pid) {
  Snapshot snapshot{.at_ns = monotonic_ns(),
                    .messages = crew.sum(&Progress::sent),
                    .deliveries = crew.sum(&Progress::delivered),
                    .handshakes = crew.sum(&Progress::handshakes),
                    .load_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
                    .server = std::nullopt};
  if (server_pid != 0) {
    const auto cpu = cpu_of(server_pid);
    if (cpu) snapshot.server = *cpu;
  }
  return snapshot;
}

void subtract(Run& run, const Snapshot& from, const Snapshot& until) {
  run.window_s = static_cast<double>(until.at_ns - from.at_ns) / 1e9;
  run.window_messages = until.messages - from.messages;
  run.window_deliveries = until.deliveries - from.deliveries;
  run.window_handshakes = until.handshakes - from.handshakes;
  run.load_cpu_ns = until.load_cpu_ns - from.load_cpu_ns;
  // A server thread that ended within the window took its time out of /proc.
  if (from.server && until.server && until.server->run_ns >= from.server->run_ns &&
      until.server->waited_ns >= from.server->waited_ns) {
    run.server_cpu_ns = until.server->run_ns - from.server->run_ns;
    run.server_waited_ns = until.server->waited_ns - from.server->waited_ns;
  }
}

}  // namespace

Result<Run, RunError> run_scenario(const Scenario& scenario, const sockaddr_in& server) {
  const std::uint64_t connections = scenario.seating().connections();
  const auto limit = raise_file_limit(connections + scenario.canary_connections);
  if (!limit) return fail(limit.error());
  const bool storm = scenario.work == Work::storm;
  const bool weigh = scenario.server_pid != 0 && !storm;

  Run run;
  const auto before = weigh ? settled_bytes_of(scenario.server_pid) : 0;
  if (!before) return fail(RunError{"server-pid: no process with this number can be read"});

  const std::uint64_t open_ns = monotonic_ns();
  Crew crew(scenario, server);
  if (!storm) {
    const bool answered = wait_until(open_ns + scenario.connect_s * s_ns,
                                     [&] { return crew.ready(connections) || crew.failed(); });
    if (!crew.ready(connections)) {
      crew.dismiss();
      const Findings findings = crew.findings();
      return fail(RunError{std::to_string(findings.ready) + " of " + std::to_string(connections) +
                           " connections ready " + (answered ? "" : "at the deadline ") + "(" +
                           (findings.complaint.empty() ? "no answer" : findings.complaint) + ")"});
    }
  }
  run.open_s = static_cast<double>(monotonic_ns() - open_ns) / 1e9;
  if (weigh) {
    const auto after = settled_bytes_of(scenario.server_pid);
    if (after) {
      run.memory_bytes_per_connection =
          (static_cast<double>(*after) - static_cast<double>(*before)) /
          static_cast<double>(connections);
    }
  }

  const std::uint64_t start_ns = monotonic_ns();
  // A number of messages could end before a warm-up does; all of them are measured.
  const std::uint64_t warmup_ms = scenario.messages > 0 ? 0 : scenario.warmup_ms;
  const std::uint64_t from_ns = start_ns + warmup_ms * ms_ns;
  const std::uint64_t until_ns = from_ns + scenario.duration_s * s_ns;
  crew.begin({.start_ns = start_ns, .from_ns = from_ns, .until_ns = until_ns});
  const auto finished = [&] { return crew.finished(); };
  wait_until(from_ns, finished);
  const Snapshot from = take_snapshot(crew, scenario.server_pid);
  wait_until(until_ns, finished);
  subtract(run, from, take_snapshot(crew, scenario.server_pid));
  crew.join();
  run.findings = crew.findings();
  run.canary = crew.canary_findings();
  return run;
}

}  // namespace ringroom::load
