#pragma once

#include <cstdint>
#include <string_view>

#include "base/log.h"

namespace ringroom::realtime {

class Shard;
struct Session;

// What somebody who watches over the server has to see (ASVS 16.3): one record each, whose `event`
// is the name below. Who did it is in `conn`, `address` and, if it is known, `user`; never a token.
// The fourth of them, `revocation`, is written where all cores have answered (revoking.cc).
enum class SecurityEvent : std::uint8_t {
  auth_failure,   // not who it says it is
  authz_refusal,  // may not do that
  limit_hit       // too much in a time, or at a time
};

// Bursts are counted by the place of the call, as for any record.
void log_security(const Shard& shard, const Session& session, SecurityEvent event,
                  std::string_view because, std::string_view room = {},
                  Log::Site site = Log::Site::here());

}  // namespace ringroom::realtime
