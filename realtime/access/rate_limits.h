#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/command.h"
#include "realtime/access/limit.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// How much a client may ask in a time (A7), on one core: which of the limits of the process a
// command, a join, a handshake or a call falls under, and whose budgets it takes from.
//
//   command --> rules of its type, of messages, of publications --> take from each budget
//                                                       one says no: what was taken goes back
//
// Budgets of users, addresses, workspaces and keys are the process' (Settings::limits), so it does
// not matter on which core, over how many connections, or whether one came back for it.
class RateLimits {
 public:
  explicit RateLimits(Shard& shard);
  void adopt_settings();

  struct Over {
    std::uint64_t retry_ms;
    std::string_view sentence;
  };
  using Verdict = std::optional<Over>;  // nullopt: go on

  bool limits_commands() const { return limits_commands_; }
  Verdict command(const Session& session, const proto::Command& command);
  Verdict publish_raw(const Session& session);
  Verdict join(const Session& session);
  Verdict connect_from_address(const Session& session);
  // Of who says who he is: as a user, in a workspace.
  Verdict connect_as_user(const Session& session);
  Verdict call(std::uint64_t api_key);

  void accepted(const Session& session);
  // It was refused something: true if that was once too often, and it has to go.
  bool has_gone_too_far(const Session& session);

 private:
  using Rules = std::vector<std::size_t>;  // of limits_
  // The hashes by which budgets are found, made when a rule asks for them.
  struct Keys {
    std::optional<std::uint64_t> user, address, workspace;
  };
  struct Taken {
    std::array<std::pair<std::size_t, Limit::Budget>, 32> budgets;
    std::size_t count = 0;
  };

  bool take(const Rules& rules, const Session& session, Keys& keys, Taken& taken, Verdict& verdict);
  bool take_one(std::size_t rule, Limit::Budget budget, Taken& taken, Verdict& verdict);
  std::optional<Limit::Budget> budget_of(std::size_t rule, const Session& session, Keys& keys);
  Limit::Budget find(std::size_t rule, std::uint64_t key);
  Verdict of(const Rules& rules, const Session& session);

  Shard& shard_;
  std::vector<std::shared_ptr<Limit>> limits_;
  Rules messages_, publications_, types_, joins_, address_connects_, user_connects_, calls_;
  bool limits_commands_ = false;
  std::vector<std::unique_ptr<ConnectionBudgets>> of_connections_;  // by rule; null: of others
  Bucket::Shape refusals_;  // that a connection may meet; no burst: any number
  ConnectionBudgets refused_{false};
};

}  // namespace ringroom::realtime
