#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/command.h"
#include "proto/http.h"
#include "realtime/access/grants_ref.h"
#include "realtime/access/jwt.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// Who a client is: from its token, or in development from the name it gives itself. The answer is
// no unless one of the two says otherwise.
//
// Owner: one core.
class Identities {
 public:
  explicit Identities(Shard& shard);

  struct Credentials {
    std::string_view token;
    std::string_view user_id;  // believed with --insecure-dev only
    // What it says of itself where it joins rooms: a JSON object; empty: what its token says.
    std::string_view info = {};
  };
  struct Refusal {
    proto::ErrorCode code;
    std::string_view message;  // constant text
  };
  struct Identity {
    std::string zone;  // of the token; empty: it names none
  };
  // On success the session is authenticated and holds its grants.
  Result<Identity, Refusal> identify(Session& session, const Credentials& credentials);

 private:
  Shard& shard_;
  TokenVerifier verifier_;
  GrantsRef everything_;  // for development
};

// What the session may do in a room, by its token; everything in development.
Actions actions_in(const Session& session, std::string_view room);

// From `Authorization: Bearer` or `?token=`.
std::optional<std::string> token_of(const proto::Request& request);

}  // namespace ringroom::realtime
