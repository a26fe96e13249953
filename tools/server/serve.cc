#include "tools/server/serve.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/probe.h"
#include "realtime/access/jwks_fetch.h"
#include "realtime/node.h"
#include "realtime/shard.h"
#include "realtime/watchdog.h"
#include "tools/options.h"

namespace ringroom::tools {
namespace {

constexpr int exit_failed = 1;
// The cores cut off who is still there at the hard stop; one that hangs is not waited for.
constexpr std::uint64_t last_resort_after_ms = 750;
constexpr int exit_no_io_uring = 78;  // EX_CONFIG of sysexits.h: the machine has to change, not we

// Whoever was started without one of the three would open a socket in its place, and log into it.
void keep_standard_descriptors() {
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = dup(fd);
  if (fd >= 0) close(fd);
}

// Descriptors are what connections are made of, so take all that we may have.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::uint32_t allowed_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&cpus)));
}

// Blocked in every thread of the process and taken here, one at a time.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A peer that is gone is an error of one send, not a signal.
    signal(SIGPIPE, SIG_IGN);
  }
  int next() {
    int number = 0;
    sigwait(&set_, &number);
    return number;
  }
  // From here on the next one ends the process at once, and so does the end of `last_resort_ms`:
  // the cores cut everybody off before that, unless one of them hangs.
  void let_go(std::uint64_t last_resort_ms) {
    struct sigaction ending {};
    ending.sa_handler = [](int number) {
      constexpr std::string_view asked = "ringroom: asked again: ended at once\n";
      constexpr std::string_view late = "ringroom: the drain did not end in time: ended at once\n";
      const std::string_view text = number == SIGALRM ? late : asked;
      if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(0);
      _exit(0);
    };
    for (const int number : {SIGTERM, SIGINT, SIGALRM}) sigaction(number, &ending, nullptr);
    for (const int number : {SIGHUP, SIGUSR1}) signal(number, SIG_IGN);
    set_alarm(last_resort_ms);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }
  void done() { set_alarm(0); }

 private:
  static void set_alarm(std::uint64_t delay_ms) {
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<time_t>(delay_ms / 1'000);
    timer.it_value.tv_usec = static_cast<suseconds_t>(delay_ms % 1'000 * 1'000);
    setitimer(ITIMER_REAL, &timer, nullptr);
  }

  sigset_t set_;
};

std::string url_of(const realtime::Address& address, std::uint16_t port) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(port);
}

void say_ready(const realtime::Config& config, const engine::Engine& engine) {
  const std::string url = url_of(config.listen, engine.ports()[0]);
  std::printf("ringroom is ready on http://%s/  (%u %s, io_uring)\n", url.c_str(), engine.cores(),
              engine.cores() == 1 ? "core" : "cores");
  std::printf("  page      http://%s/  open it in two tabs\n", url.c_str());
  std::printf("  websocket ws://%s/ws%s\n", url.c_str(),
              config.insecure_dev ? "?user=NAME" : "?token=JWT");
  const std::string admin =
      config.admin ? url_of(config.admin_listen, engine.ports()[1]) : std::string();
  std::printf("  metrics   http://%s/metrics\n", (config.internal_metrics ? admin : url).c_str());
  if (config.admin) std::printf("  admin     http://%s/\n", admin.c_str());
  std::fflush(stdout);
}

// How the configuration is read, as often as it is.
struct Source {
  int argc;
  const char* const* argv;
  const char* const* environment;
};

std::string joined(std::span<const std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

// SIGHUP: all or nothing. Whatever is wrong in the file, in another that it names, or between the
// new options and those that have to stay, is found before anything changes.
void reload(realtime::Node& node, const Source& source) {
  const auto refuse = [&node](std::string_view because) {
    node.settings.failed();
    Log::line(Log::Level::error, "SIGHUP: the configuration stays as it was",
              {{"because", because}});
  };
  const auto wanted = load(source.argc, source.argv, source.environment);
  if (!wanted) return refuse(wanted.error().text);
  const auto now = node.settings.current();
  const auto reloaded = realtime::reload(now->config, *wanted);
  if (!reloaded) return refuse(reloaded.error().sentence);
  if (const auto keys = node.token_keys.load(reloaded->config); !keys)
    return refuse(keys.error().sentence);
  node.settings.publish(reloaded->config);
  Log::level(reloaded->config.log_level);
  Log::line(Log::Level::info, "SIGHUP: the configuration was read anew",
            {{"changed", std::string_view(joined(reloaded->changed))},
             {"keys", node.token_keys.current()->keys().size()}});
  if (!reloaded->waiting.empty())
    Log::line(Log::Level::warning, "SIGHUP: this waits for a new process, and is as it was",
              {{"options", std::string_view(joined(reloaded->waiting))}});
}

// SIGUSR1: whoever rotates logs has moved the file away.
void reopen_log(const realtime::Config& config) {
  const auto reopened = Log::reopen();
  if (!reopened)
    return Log::line(Log::Level::error, "SIGUSR1: log-file cannot be opened; the old one goes on",
                     {{"file", std::string_view(config.log_file)},
                      {"because", std::strerror(reopened.error())}});
  Log::line(
      Log::Level::info,
      config.log_file.empty() ? "SIGUSR1: there is no log-file" : "SIGUSR1: the log goes on here",
      {{"file", std::string_view(config.log_file)}});
}

// True until the process has to end.
bool serve_signal(int number, realtime::Node& node, const Source& source) {
  switch (number) {
    case SIGHUP:
      reload(node, source);
      return true;
    case SIGUSR1:
      reopen_log(node.config);
      return true;
    default:
      return false;
  }
}

int run(const realtime::Config& config, const Source& source) {
  const std::uint64_t descriptors = raise_descriptor_limit();
  if (const auto probe = engine::probe({.files = 64}); !probe) {
    std::fprintf(stderr, "ringroom: %s\n", engine::describe(probe.error()).c_str());
    return exit_no_io_uring;
  }
  const auto cores = config.cores == 0 ? allowed_cpus() : static_cast<std::uint32_t>(config.cores);
  const std::uint64_t sockets_max =
      config.connections_max == 0
          ? std::min<std::uint64_t>(descriptors, engine::bounds::sockets_max)
          : config.connections_max;
  realtime::Node node(config, cores);
  if (const auto loaded = node.token_keys.load(config); !loaded) {
    std::fprintf(stderr, "ringroom: %s\n", loaded.error().sentence.c_str());
    return exit_usage;
  }
  engine::EngineOptions options;
  options.cores = cores;
  options.listeners = {
      {.address = config.listen.host, .port = config.listen.port, .clients_speak_first = true}};
  if (config.admin)
    options.listeners.push_back({.address = config.admin_listen.host,
                                 .port = config.admin_listen.port,
                                 .clients_speak_first = true});
  // The kernel spreads connections by hash, so one core may get more than its share.
  options.sockets_per_core_max = static_cast<std::uint32_t>(sockets_max);
  // A message of any allowed size fits into an empty queue, and a second one behind it.
  options.queue_bytes_max = std::max(config.queue_bytes_max, 2 * config.message_bytes_max);
  if (config.low_latency) options.waiting = engine::Waiting::low_latency;
  if (config.low_power) options.waiting = engine::Waiting::low_power;

  Signals signals;
  node.ask_to_drain = [] { kill(getpid(), SIGTERM); };
  std::unique_ptr<realtime::JwksFetch> jwks_fetch;
  if (!config.token_jwks_url.empty())
    jwks_fetch = realtime::JwksFetch::start(node.config, node.token_keys);
  auto started = engine::Engine::start(options, [&node](CoreId core, engine::Outbox& outbox) {
    return std::make_unique<realtime::Shard>(node, core, outbox);
  });
  if (!started) {
    std::fprintf(stderr, "ringroom: %s\n", engine::describe(started.error(), options).c_str());
    return exit_failed;
  }
  engine::Engine& engine = **started;
  node.engine.store(&engine, std::memory_order_release);
  auto watchdog = std::make_unique<realtime::Watchdog>(node, config.watchdog_turn_ms);
  if (config.connections_max != 0 && engine.sockets_per_core() < config.connections_max)
    std::fprintf(stderr,
                 "ringroom: %u connections per core instead of %llu: the limit of open files is "
                 "%llu; raise it with `ulimit -n` or LimitNOFILE=\n",
                 engine.sockets_per_core(), static_cast<unsigned long long>(config.connections_max),
                 static_cast<unsigned long long>(descriptors));
  for (const std::string_view note : realtime::notes(config)) Log::line(Log::Level::warning, note);
  say_ready(config, engine);

  while (serve_signal(signals.next(), node, source)) {
  }
  const auto settings = node.settings.current();
  const realtime::Config& last = settings->config;
  Log::line(Log::Level::info,
            "draining: every connection is told to come back; a second signal ends at once",
            {{"over_ms", last.drain_ms}, {"hard_stop_ms", last.drain_hard_stop_ms}});
  node.draining.store(true, std::memory_order_relaxed);
  signals.let_go(last.drain_hard_stop_ms + last_resort_after_ms);
  engine.stop();
  engine.join();
  signals.done();
  watchdog.reset();
  node.engine.store(nullptr, std::memory_order_release);
  return 0;
}

}  // namespace

int serve(int argc, const char* const* argv, const char* const* environment) {
  const auto config = load(argc, argv, environment);
  if (!config) return report(config.error());
  keep_standard_descriptors();
  const auto log = Log::start(
      {.level = config->log_level, .format = config->log_format, .path = config->log_file});
  if (!log)
    return report({.text = "log-file " + config->log_file +
                           " cannot be opened: " + std::strerror(log.error()),
                   .exit_code = exit_usage});
  const int exit_code = run(*config, {argc, argv, environment});
  Log::stop();
  return exit_code;
}

}  // namespace ringroom::tools
