#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "realtime/letters/places.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// How many connections a user, a workspace or an address may have, over all cores: the count is
// kept by the key's home core, and each connection asks there once.
//
//   ask()  --AcquireQuota-->  home of the key: counts  --QuotaAnswer-->  keep the place, or close
//   give_back()  --ReleaseQuota-->
//
// A connection serves while its question is on the way (microseconds); beyond the limit it is then
// closed with 4413, or as HTTP with 503. So a limit can be exceeded only by questions in flight.
//
// A user's rooms are counted here as well; RoomPlaces asks.
class Quotas {
 public:
  explicit Quotas(Shard& shard) : shard_(shard) {}

  void ask_for_address(Session& session);
  // Of who has just said who he is: for the user and for the workspace.
  void ask_for_user(Session& session);
  void give_back(Session& session);  // all that it has

  void receive(const AcquireQuota& asked);
  void receive(const QuotaAnswer& answer);
  void receive(const ReleaseQuota& released);

 private:
  void ask(Session& session, std::uint64_t key, std::uint64_t limit);
  std::uint64_t key_of_address(const Session& session) const;
  std::uint64_t key_of_user(const Session& session) const;
  std::uint64_t key_of_workspace(const Session& session) const;

  Shard& shard_;
  std::unordered_map<std::uint64_t, std::uint32_t> counts_;  // of keys at home here
};

}  // namespace ringroom::realtime
