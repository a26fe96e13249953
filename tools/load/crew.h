#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "tools/load/client.h"
#include "tools/load/findings.h"
#include "tools/load/reading.h"
#include "tools/load/scenario.h"

namespace ringroom::load {

// The client threads of one run, and the canary's beside them. Ends and joins them when it goes.
//
// Owner: the coordinator. Signals that it has blocked are blocked in the threads too.
class Crew {
 public:
  Crew(const Scenario& scenario, const sockaddr_in& server);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() { dismiss(); }

  void begin(const Times& times);
  void end_early();  // they drain and finish
  void dismiss();    // they stop where they are
  void join();

  bool ready(std::uint64_t connections) const;
  bool failed() const;
  bool finished() const;

  // At any time, of the main load without the canary.
  std::uint64_t sum(Counter Progress::*counter) const;
  Reading read(std::uint64_t server_pid) const;

  Findings findings() const;                        // after join()
  std::optional<Findings> canary_findings() const;  // after join()

 private:
  std::span<const std::unique_ptr<Client>> main() const {
    return std::span(clients_).first(main_clients_);
  }
  bool has_canary() const { return clients_.size() > main_clients_; }
  const Client& canary() const { return *clients_.back(); }
  void wake();

  const Scenario canary_;
  Orders orders_;
  std::size_t main_clients_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::thread> threads_;
};

}  // namespace ringroom::load
