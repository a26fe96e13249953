#include "tools/load/coordinator.h"

#include <sys/resource.h>

#include <string_view>

#include "base/clock.h"
#include "tools/load/crew.h"
#include "tools/load/interrupt.h"
#include "tools/load/process.h"
#include "tools/load/watch.h"

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

RunError not_ready(const Findings& findings, std::uint64_t connections, std::string_view why) {
  return {std::to_string(findings.ready) + " of " + std::to_string(connections) +
          " connections ready " + std::string(why) + "(" +
          (findings.complaint.empty() ? "no answer" : findings.complaint) + ")"};
}

// A run from the first connection to the last thread: what the coordinator waits for, in order.
class Course {
 public:
  Course(const Scenario& scenario, const sockaddr_in& server)
      : scenario_(scenario), crew_(scenario, server), watch_(scenario, crew_) {}

  Outcome<RunError> open(Run& run);
  Outcome<RunError> weigh(Run& run, std::uint64_t before_bytes);
  Outcome<RunError> measure(Run& run);

 private:
  bool storm() const { return scenario_.work == Work::storm; }
  Failure<RunError> given_up();

  // Waits for `done`, the deadline or a signal, whichever comes first.
  template <class Done>
  void wait_until(std::uint64_t deadline_ns, Done done) {
    while (signal_ == 0 && !done()) {
      const std::uint64_t now_ns = monotonic_ns();
      if (now_ns >= deadline_ns) return;
      watch_.look();
      const std::uint64_t left_ms = (deadline_ns - now_ns + ms_ns - 1) / ms_ns;
      signal_ = interrupt_.wait(left_ms < look_interval_ms ? static_cast<int>(left_ms)
                                                           : look_interval_ms);
    }
  }

  const Scenario& scenario_;
  const Interrupt interrupt_;  // before the threads, which inherit it
  Crew crew_;
  Watch watch_;
  int signal_ = 0;
};

Failure<RunError> Course::given_up() {
  crew_.dismiss();
  RunError error = not_ready(crew_.findings(), scenario_.seating().connections(), "");
  error.sentence = "interrupted, " + error.sentence;
  error.interrupted_by = signal_;
  return fail(error);
}

Outcome<RunError> Course::open(Run& run) {
  const std::uint64_t begin_ns = monotonic_ns();
  const std::uint64_t connections = scenario_.seating().connections();
  if (!storm()) {
    watch_.enter(Phase::connecting);
    wait_until(begin_ns + scenario_.connect_s * s_ns,
               [&] { return crew_.ready(connections) || crew_.failed(); });
    if (signal_ != 0) return given_up();
    if (!crew_.ready(connections)) {
      const bool answered = crew_.failed();
      crew_.dismiss();
      return fail(not_ready(crew_.findings(), connections, answered ? "" : "at the deadline "));
    }
  }
  run.open_s = static_cast<double>(monotonic_ns() - begin_ns) / 1e9;
  return Done{};
}

Outcome<RunError> Course::weigh(Run& run, std::uint64_t before_bytes) {
  watch_.enter(Phase::settling);
  const auto after = settled_bytes_of(scenario_.server_pid);
  if (after) {
    run.memory_bytes_per_connection =
        (static_cast<double>(*after) - static_cast<double>(before_bytes)) /
        static_cast<double>(scenario_.seating().connections());
  }
  signal_ = interrupt_.wait(0);
  if (signal_ != 0) return given_up();
  return Done{};
}

Outcome<RunError> Course::measure(Run& run) {
  const auto finished = [&] { return crew_.finished(); };
  const std::uint64_t start_ns = monotonic_ns();
  // A number of messages could end before a warm-up does; all of them are measured.
  const std::uint64_t warmup_ms = scenario_.messages > 0 ? 0 : scenario_.warmup_ms;
  const std::uint64_t from_ns = start_ns + warmup_ms * ms_ns;
  const std::uint64_t until_ns = from_ns + scenario_.duration_s * s_ns;
  watch_.start_from(crew_.read(scenario_.server_pid));
  crew_.begin({.start_ns = start_ns, .from_ns = from_ns, .until_ns = until_ns});
  if (warmup_ms > 0) watch_.enter(Phase::warm_up, static_cast<double>(warmup_ms) / 1e3);
  wait_until(from_ns, finished);
  if (signal_ == 0) {
    const Reading from = crew_.read(scenario_.server_pid);
    watch_.start_from(from);
    watch_.enter(Phase::measuring, static_cast<double>(scenario_.duration_s));
    wait_until(until_ns, finished);
    const Reading until = crew_.read(scenario_.server_pid);
    watch_.end_window(until);
    run.window = between(from, until);
  }
  run.interrupted_by = signal_;
  if (signal_ != 0) {
    crew_.end_early();
    watch_.interrupted();
  }
  signal_ = 0;
  watch_.enter(Phase::draining);
  wait_until(never_ns, finished);
  if (signal_ != 0) {
    crew_.dismiss();
    return fail(RunError{"interrupted while waiting for what was outstanding", signal_});
  }
  crew_.join();
  run.series.assign(watch_.series().begin(), watch_.series().end());
  run.findings = crew_.findings();
  run.canary = crew_.canary_findings();
  return Done{};
}

}  // namespace

Result<Run, RunError> run_scenario(const Scenario& scenario, const sockaddr_in& server) {
  const std::uint64_t connections = scenario.seating().connections();
  const auto limit = raise_file_limit(connections + scenario.canary_connections);
  if (!limit) return fail(limit.error());
  const bool weighs = scenario.server_pid != 0 && scenario.work != Work::storm;
  const auto before = weighs ? settled_bytes_of(scenario.server_pid) : 0;
  if (!before) return fail(RunError{"server-pid: no process with this number can be read"});

  Run run;
  Course course(scenario, server);
  auto outcome = course.open(run);
  if (outcome && weighs) outcome = course.weigh(run, *before);
  if (outcome) outcome = course.measure(run);
  if (!outcome) return fail(outcome.error());
  return run;
}

}  // namespace ringroom::load
