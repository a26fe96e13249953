#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/close_code.h"
#include "proto/command.h"
#include "realtime/access/credentials.h"
#include "realtime/access/grants_ref.h"
#include "realtime/access/jwt.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// Who came by admin-listen is called so; no name that a room would show elsewhere.
inline constexpr std::string_view admin_user_id = "(admin)";

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
    Workspace workspace = {};  // the same
    // What it says of itself where it joins rooms: a JSON object; empty: what its token says.
    std::string_view info = {};
  };
  struct Refusal {
    proto::ErrorCode code;
    std::string_view message;                                 // constant text
    proto::CloseCode close = proto::CloseCode::unauthorized;  // if the connection ends for it
  };
  struct Identity {
    std::string zone;  // of the token; empty: it names none
  };
  void adopt_settings();
  // On success the session is authenticated and holds its grants.
  Result<Identity, Refusal> identify(Session& session, const Credentials& credentials);
  // Of admin-listen, by its key: everything is granted, in the default workspace.
  void admit_admin(Session& session);
  // What a token for a room adds there to the rights of a session in service.
  struct Loan {
    Actions actions;
    std::uint64_t until_s;
    TokenMark mark;
  };
  Result<Loan, Refusal> lend(const Session& session, std::string_view room, std::string_view token);
  // Of a session in service: the same user, with another end and other rights from here on. If it
  // is refused nothing has changed.
  Outcome<Refusal> refresh(Session& session, std::string_view token);

 private:
  // The newest edition, which another thread may just have published.
  const KeySet& keys();
  Result<Claims, Refusal> believe(const Session& session, std::string_view token);
  // Counted, and a record of its own.
  Failure<Refusal> refuse(const Session& session, TokenError error);
  Failure<Refusal> refuse(const Session& session, proto::ErrorCode code, std::string_view message);
  bool is_blocked(ScopedName user) const;
  Failure<Refusal> refuse_blocked(const Session& session);
  void grant(Session& session, Claims& claims);
  // Who has no token, where that is allowed: a user of its own.
  Identity let_in_unknown(Session& session, std::string_view info);
  // Adds what the role says, if there is one of that name.
  void add_role(std::string_view name, std::vector<RoomGrant>& rooms,
                std::vector<std::uint64_t>& permissions) const;
  GrantsRef rights_of(std::vector<RoomGrant> rooms, std::vector<std::uint64_t> permissions,
                      TokenMark mark);

  Shard& shard_;
  TokenVerifier verifier_;
  std::shared_ptr<const KeySet> keys_;
  std::uint32_t keys_edition_ = 0;
  GrantsRef everything_;  // for development
};

// What the session may do in a room, by its token; everything in development.
Actions actions_in(const Session& session, std::string_view room);

}  // namespace ringroom::realtime
