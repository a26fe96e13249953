#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "realtime/access/token_bucket.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// Who may come in now, when too many want to (C7). Each core decides for itself, by its share of
// the process' limits: no lock, no question to another core.
//
//   handshakes   handshakes-per-second-max   503 with Retry-After, before the upgrade
//   joins        joins-per-second-max        rate_limited with retry_after
//   strangers    handshakes-pending-max      whoever has not said longest who he is must go
//
// Those who come back go first (token_bucket.h). Who waits for a slow head or a late identity is
// never in the way of those who are quick: it is the oldest that is closed, not the newest that is
// refused.
class Admission {
 public:
  explicit Admission(Shard& shard);

  void adopt_settings();

  using Who = TokenBucket::Who;
  // 0: come in. Otherwise the milliseconds after which to try again: a place of the asker's own, so
  // that they do not come back at once.
  std::uint64_t handshake(Who who);
  std::uint64_t join(Who who);

  // A connection is a stranger from its accept until it is in service, was answered over HTTP, or
  // has ended.
  void arrived(const Session& session);
  void known() { --strangers_; }
  void withdrawn(const Session& session);  // ends; a stranger or not
  // At the end of a turn: whoever was quick is known by now.
  void close_oldest();

 private:
  Shard& shard_;
  std::uint64_t handshakes_per_second_, joins_per_second_;
  TokenBucket handshakes_, joins_;
  std::size_t strangers_max_;  // 0: no limit
  std::size_t strangers_ = 0;
  std::deque<engine::SocketId> arrivals_;  // oldest first, with those who are known since
};

}  // namespace ringroom::realtime
