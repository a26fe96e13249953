#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/handler.h"
#include "realtime/letters/server.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

struct Node;
class Shard;

// GET /api/system-health: what can be measured, measured when it is asked.
//
//   begin() --AskHealth--> every core --HealthTold--> receive(): how long that took, what it has
//                                 a core that does not answer within a second is failing
//
// Owner:  the asker's core. Bounded: health_checks_max under way; a check is one letter to each
//         core, which answers with numbers that it has anyway.
class SystemHealth {
 public:
  explicit SystemHealth(Shard& shard) : shard_(shard) {}

  void begin(Session& session);
  void receive(const AskHealth& ask);
  void receive(const HealthTold& told);
  void fired();  // health_cookie: some have waited long enough

  // Why no client should be sent here now; empty: there is no reason not to. For /ready.
  static std::vector<std::string> reasons_against(const Node& node);

 private:
  struct Check {
    engine::SocketId socket;
    std::uint32_t exchange;
    std::uint64_t due_ms;
    std::vector<std::optional<HealthTold>> cores;  // empty: not answered
    std::size_t waiting;
  };
  void finish(const Check& check);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Check> checks_;
  std::vector<std::uint32_t> ended_;  // scratch
};

}  // namespace ringroom::realtime
