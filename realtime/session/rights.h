#pragma once

#include <cstdint>
#include <string_view>

#include "realtime/access/grants_ref.h"
#include "realtime/letters/rights.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// What sessions may do and hear: what their token grants, with what the server API has changed
// (LiveRights) put onto it. A change reaches those who are here within its turn, and what they may
// not hear any more is not delivered behind it.
//
//   RightsChange --> remembered, sessions are renewed or closed --> RightsChanged
//
// Owner: one core.
class Rights {
 public:
  explicit Rights(Shard& shard) : shard_(shard) {}

  // Of a connection of that user, by what it was granted.
  GrantsRef apply(GrantsRef granted, ScopedName user, const ConnectionId& connection);
  void receive(const RightsChange& item);
  // Of rights that are new; see GrantsRef::edition.
  std::uint32_t next_edition() { return ++edition_; }
  // What was changed for a time is as it was before, once that has passed.
  void expire();

 private:
  // Returns how many rooms it had to leave.
  std::uint32_t renew(Session& session, std::string_view reason);
  std::uint32_t close_all(ScopedName user);
  Session* find(const ConnectionId& connection);  // nullptr: nobody known is there

  Shard& shard_;
  std::uint32_t edition_ = 0;
};

}  // namespace ringroom::realtime
