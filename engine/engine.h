#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "engine/bounds.h"
#include "engine/core.h"
#include "engine/counters.h"
#include "engine/handler.h"
#include "engine/listener.h"
#include "engine/outbox.h"
#include "engine/uring.h"
#include "engine/wait_policy.h"

namespace ringroom::engine {

struct EngineOptions {
  std::uint32_t cores = 1;
  std::vector<ListenerOptions> listeners;
  std::uint32_t sockets_per_core_max = 10'000;              // cut by RLIMIT_NOFILE
  std::uint64_t queue_bytes_max = 1024 * 1024;              // waiting for one peer
  std::uint64_t bind_retry_ms = 5'000;                      // how long a port may stay taken
  std::vector<int> pin_cpus;                                // empty: the allowed ones in order
  std::uint32_t receive_buffers = bounds::receive_buffers;  // per core, a power of two
  std::size_t receive_buffer_bytes = bounds::receive_buffer_bytes;
  Waiting waiting = Waiting::adaptive;
  std::uint64_t rest_after_ms = bounds::rest_after_ms;  // 0: sockets never rest
};

enum class EngineFault : std::uint8_t {
  bad_options,      // no core, or more than bounds allow
  bad_address,      // not a numeric address
  port_taken,       // still in use after bind_retry_ms
  not_permitted,    // a port below 1024, without the right to it
  no_such_address,  // not an address of this machine
  listen_failed,    // anything else about a listener
  ring_failed,      // see probe.h for causes and cures
  out_of_descriptors
};

struct EngineError {
  EngineFault fault;
  int error_number;
  std::size_t listener;  // index in EngineOptions::listeners, for faults of one
  UringStep ring_step;   // for ring_failed
};

// One sentence for the operator: what happened, and what to do.
std::string describe(const EngineError& error, const EngineOptions& options);

// Starts the cores, stops them, joins them.
//
//   start() --rings open, ports bound--> running --stop()--> stopping --join()--> gone
//
// Owner:    one thread starts and joins; stop() may come from any thread and from a signal handler.
// Lifetime: join() before destruction, or the destructor stops and joins.
// Errors:   all of start(); a running engine has none.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>, EngineError> start(const EngineOptions& options,
                                                            HandlerFactory factory);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const std::vector<std::uint16_t>& ports() const { return ports_; }  // by listener
  std::uint32_t cores() const { return static_cast<std::uint32_t>(counters_.size()); }
  // What sockets_per_core_max came down to with this process' limit of descriptors.
  std::uint32_t sockets_per_core() const { return sockets_per_core_; }

  void stop() { office_.stop(); }
  void join();

  const EngineCounters& counters(CoreId core) const { return *counters_[core.value]; }
  // What the core's thread has had of its processor; 0 once it has ended. A system call.
  std::uint64_t processor_us(CoreId core) const;

 private:
  struct Threads;

  Engine(const EngineOptions& options, HandlerFactory factory);
  Outcome<EngineError> bind(const EngineOptions& options);
  Outcome<EngineError> run_cores(const EngineOptions& options);
  void run_core(CoreId id, const EngineOptions& options);

  HandlerFactory factory_;
  PostOffice office_;
  std::vector<std::unique_ptr<EngineCounters>> counters_;
  std::vector<std::vector<int>> listeners_;  // by core
  std::vector<std::uint16_t> ports_;
  std::vector<int> cpus_;
  std::vector<clockid_t> clocks_;  // of the threads, by core
  std::uint32_t sockets_per_core_ = 0;
  std::unique_ptr<Threads> threads_;
};

}  // namespace ringroom::engine
