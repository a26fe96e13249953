#include "tools/load/crew.h"

#include <cstdio>

#include "base/clock.h"

namespace ringroom::load {

Crew::Crew(const Scenario& scenario, const sockaddr_in& server) : canary_(scenario.canary()) {
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
    clients_.push_back(std::make_unique<Client>(canary_,
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

void Crew::wake() {
  for (const auto& client : clients_) client->wake();
}

void Crew::begin(const Times& times) {
  orders_.times = times;
  orders_.begin.store(true, std::memory_order_release);
  wake();
}

void Crew::end_early() {
  orders_.end_early.store(true, std::memory_order_relaxed);
  wake();
}

void Crew::dismiss() {
  orders_.stop.store(true, std::memory_order_relaxed);
  join();
}

void Crew::join() {
  if (threads_.empty()) return;
  if (orders_.stop.load(std::memory_order_relaxed)) wake();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool Crew::ready(std::uint64_t connections) const {
  return sum(&Progress::ready) == connections &&
         (!has_canary() || canary().progress().ready.read() == canary_.connections);
}

bool Crew::failed() const {
  return sum(&Progress::failed) > 0 || (has_canary() && canary().progress().failed.read() > 0);
}

bool Crew::finished() const {
  return sum(&Progress::finished) == main_clients_ &&
         (!has_canary() || canary().progress().finished.read() == 1);
}

std::uint64_t Crew::sum(Counter Progress::*counter) const {
  std::uint64_t total = 0;
  for (const auto& client : main()) total += (client->progress().*counter).read();
  return total;
}

Reading Crew::read(std::uint64_t server_pid) const {
  Reading reading;
  reading.at_ns = monotonic_ns();
  reading.messages = sum(&Progress::sent);
  reading.deliveries = sum(&Progress::delivered);
  reading.handshakes = sum(&Progress::handshakes);
  reading.closed = sum(&Progress::closed);
  reading.load_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  if (server_pid != 0) {
    const auto cpu = cpu_of(server_pid);
    if (cpu) reading.server = *cpu;
  }
  for (const auto& client : main()) client->add_latency_to(reading.latency);
  return reading;
}

Findings Crew::findings() const {
  Findings all;
  for (const auto& client : main()) all.merge(client->findings());
  return all;
}

std::optional<Findings> Crew::canary_findings() const {
  if (!has_canary()) return std::nullopt;
  return canary().findings();
}

}  // namespace ringroom::load
