#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proto/json.h"
#include "realtime/access/fernet.h"
#include "realtime/letters/publication.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

class Shard;

// Payloads of the rooms whose namespace asks for Fernet (A8, decision 37).
//
//   comes    {"fernet":"gAAAAA..."} --open()--> what is in it; anything else is taken as it is
//   waits    clear, in this process (pace, quiet hours, ephemerals)
//   leaves   --seal()--> {"fernet":"gAAAAA..."}, once per message; so it is kept and brought again
//
// Rooms of other namespaces never come here: they pass what looks like a token untouched.
//
// Owner: the home core of the rooms.
class Sealer {
 public:
  explicit Sealer(Shard& shard) : shard_(shard) {}

  static bool is_for(const Room& room) { return room.options().fernet != nullptr; }

  // What leaves in the payload's place, of PayloadKind::sealed; valid until the next call.
  std::string_view seal(const Room& room, std::string_view payload, PayloadKind kind);
  // The publication with what its token hides; without one, as it is. Valid until the next call;
  // nullopt: it says that it is a token, and is none of the namespace.
  std::optional<Publish> open(const Room& room, const Publish& publish);

  // Of what seal() made: the token alone, which is all that raw listeners get.
  static std::string_view token_in(std::string_view sealed);

 private:
  struct Claimed {  // what a payload says of itself
    std::string_view token;
    PayloadKind kind;
  };
  std::optional<Claimed> claim_of(const Publish& publish);
  bool fits(std::string_view clear, PayloadKind kind);

  Shard& shard_;
  Fernet fernet_;
  proto::JsonParser parser_;
  std::string sealed_, clear_;
};

}  // namespace ringroom::realtime
