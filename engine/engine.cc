#include "engine/engine.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <latch>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "engine/probe.h"

namespace ringroom::engine {

namespace {

// Takes the whole of what the administrator allows.
std::uint32_t descriptor_limit() {
  rlimit limit{};
  RR_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  RR_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return static_cast<std::uint32_t>(std::min<rlim_t>(limit.rlim_cur, bounds::sockets_max));
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> out;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return out;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) out.push_back(cpu);
  }
  return out;
}

// Best effort: a container may refuse, and the core runs all the same.
void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

// The kernel may end a sleep this much late to let it end together with others. Its 50 us would
// double a minimum wait.
void wake_in_time() { prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul); }

EngineError listener_error(const ListenError& error, std::size_t listener) {
  EngineError out{.fault = EngineFault::listen_failed,
                  .error_number = error.error_number,
                  .listener = listener,
                  .ring_step = {}};
  if (error.step == ListenStep::address) {
    out.fault = EngineFault::bad_address;
  } else if (error.error_number == EADDRINUSE) {
    out.fault = EngineFault::port_taken;
  } else if (error.error_number == EACCES || error.error_number == EPERM) {
    out.fault = EngineFault::not_permitted;
  } else if (error.error_number == EADDRNOTAVAIL) {
    out.fault = EngineFault::no_such_address;
  } else if (error.error_number == EMFILE || error.error_number == ENFILE) {
    out.fault = EngineFault::out_of_descriptors;
  }
  return out;
}

EngineError plain_error(EngineFault fault, int error_number) {
  return {.fault = fault, .error_number = error_number, .listener = 0, .ring_step = {}};
}

}  // namespace

// The start of all cores is a rendezvous: each opens its ring, then all run or none does.
struct Engine::Threads {
  explicit Threads(std::uint32_t cores) : opened(cores), errors(cores) {}

  enum class Go : int { undecided, run, leave };

  std::latch opened;
  std::atomic<Go> go{Go::undecided};
  std::vector<std::optional<UringError>> errors;  // by core; written before `opened`
  std::vector<std::thread> threads;

  void decide(Go decision) {
    go.store(decision);
    go.notify_all();
  }
};

Result<std::unique_ptr<Engine>, EngineError> Engine::start(const EngineOptions& options,
                                                           HandlerFactory factory) {
  if (options.cores == 0 || options.cores > bounds::cores_max) {
    return fail(plain_error(EngineFault::bad_options, EINVAL));
  }
  std::unique_ptr<Engine> engine(new Engine(options, std::move(factory)));
  if (!engine->office_.valid()) {
    return fail(plain_error(EngineFault::out_of_descriptors, EMFILE));
  }
  if (auto done = engine->bind(options); !done) return fail(done.error());
  if (auto done = engine->run_cores(options); !done) return fail(done.error());
  return engine;
}

Engine::Engine(const EngineOptions& options, HandlerFactory factory)
    : factory_(std::move(factory)), office_(options.cores), listeners_(options.cores) {
  for (std::uint32_t i = 0; i < options.cores; ++i) {
    counters_.push_back(std::make_unique<EngineCounters>());
  }
  cpus_ = options.pin_cpus.empty() ? allowed_cpus() : options.pin_cpus;
  sockets_per_core_ = std::max(1u, std::min(options.sockets_per_core_max, descriptor_limit()));
}

Engine::~Engine() {
  if (threads_ != nullptr && !threads_->threads.empty()) {
    stop();
    join();
  }
  for (const std::vector<int>& group : listeners_) {
    for (const int fd : group) ::close(fd);
  }
}

Outcome<EngineError> Engine::bind(const EngineOptions& options) {
  for (std::size_t i = 0; i < options.listeners.size(); ++i) {
    auto group = listen_on(options.listeners[i], options.cores, options.bind_retry_ms);
    if (!group) return fail(listener_error(group.error(), i));
    for (std::size_t core = 0; core < options.cores; ++core) {
      listeners_[core].push_back(group->sockets[core]);
    }
    ports_.push_back(group->port);
  }
  return Done{};
}

Outcome<EngineError> Engine::run_cores(const EngineOptions& options) {
  threads_ = std::make_unique<Threads>(options.cores);
  // Signals are for the thread that started us; a core is never interrupted.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (std::uint16_t i = 0; i < options.cores; ++i) {
    threads_->threads.emplace_back([this, i, options] { run_core(CoreId{i}, options); });
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  threads_->opened.wait();
  for (std::thread& thread : threads_->threads)
    RR_CHECK(pthread_getcpuclockid(thread.native_handle(), &clocks_.emplace_back()) == 0);
  for (const std::optional<UringError>& error : threads_->errors) {
    if (!error) continue;
    threads_->decide(Threads::Go::leave);
    join();
    return fail(EngineError{.fault = EngineFault::ring_failed,
                            .error_number = error->error_number,
                            .listener = 0,
                            .ring_step = error->step});
  }
  threads_->decide(Threads::Go::run);
  return Done{};
}

void Engine::run_core(CoreId id, const EngineOptions& options) {
  if (!cpus_.empty()) pin(cpus_[id.value % cpus_.size()]);
  wake_in_time();
  char name[16];
  std::snprintf(name, sizeof(name), "core %u", unsigned{id.value});
  pthread_setname_np(pthread_self(), name);

  CoreOptions core{.id = id,
                   .ring = {.files = sockets_per_core_,
                            .receive_buffers = options.receive_buffers,
                            .receive_buffer_bytes = options.receive_buffer_bytes},
                   .listeners = std::move(listeners_[id.value]),
                   .queue_bytes_max = options.queue_bytes_max,
                   .waiting = options.waiting,
                   .rest_after_ms = options.rest_after_ms};
  listeners_[id.value].clear();
  EngineCounters& counters = *counters_[id.value];
  auto ring = Uring::open(core.ring, counters);
  if (!ring) {
    threads_->errors[id.value] = ring.error();
    for (const int fd : core.listeners) ::close(fd);
    threads_->opened.count_down();
    return;
  }
  Core running(core, std::move(*ring), office_, counters);
  threads_->opened.count_down();
  threads_->go.wait(Threads::Go::undecided);
  if (threads_->go.load() == Threads::Go::run) running.run(factory_);
}

std::uint64_t Engine::processor_us(CoreId core) const {
  timespec used{};
  if (clock_gettime(clocks_[core.value], &used) != 0) return 0;
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000u +
         static_cast<std::uint64_t>(used.tv_nsec) / 1'000u;
}

void Engine::join() {
  for (std::thread& thread : threads_->threads) thread.join();
  threads_->threads.clear();
}

std::string describe(const EngineError& error, const EngineOptions& options) {
  const std::string reason = std::strerror(error.error_number);
  std::string where;
  if (error.listener < options.listeners.size()) {
    const ListenerOptions& listener = options.listeners[error.listener];
    where = (listener.address.empty() ? "*" : listener.address) + " port " +
            std::to_string(listener.port);
  }
  switch (error.fault) {
    case EngineFault::bad_options:
      return "The number of cores must be 1 to " + std::to_string(bounds::cores_max) + ".";
    case EngineFault::bad_address:
      return "Cannot listen on " + where + ": the address must be numeric (IPv4 or IPv6), or * .";
    case EngineFault::port_taken:
      return "Cannot listen on " + where + ": another process holds the port (tried for " +
             std::to_string(options.bind_retry_ms) +
             " ms); stop it or choose another port. `ss -ltnp` shows who it is.";
    case EngineFault::not_permitted:
      return "Cannot listen on " + where +
             ": not permitted; use a port from 1024 up or grant CAP_NET_BIND_SERVICE.";
    case EngineFault::no_such_address:
      return "Cannot listen on " + where + ": no interface of this machine has that address.";
    case EngineFault::listen_failed:
      return "Cannot listen on " + where + ": " + reason + ".";
    case EngineFault::ring_failed:
      return describe(explain({.step = error.ring_step, .error_number = error.error_number}));
    case EngineFault::out_of_descriptors:
      return "Out of file descriptors; raise the limit (ulimit -n, LimitNOFILE=).";
  }
  return reason;
}

}  // namespace ringroom::engine
