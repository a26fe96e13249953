#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "realtime/access/revocations.h"
#include "realtime/letters/rights.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// Takes rights back on every core, and says so when nobody is served by them any more.
//
//   begin() --Revoke--> every core: remembers it, closes who came by it --Revoked--> the answer
//           --RightsChange--> every core, or that of the connection --RightsChanged--> the answer
//
// What is published after the answer reaches nobody who may not hear it: they have left the rooms.
//
// Owner:   one core; of the request, the asker's.
class Revoking {
 public:
  explicit Revoking(Shard& shard) : shard_(shard) {}

  void begin(const Asker& asker, const Revocations::Order& order);
  // `number` is filled in.
  void begin(RightsChange change);
  void receive(const Revoke& item);
  void receive(const Revoked& item);
  void receive(const RightsChanged& item);

 private:
  enum class About : std::uint8_t { tokens, user, connection };
  struct Gathering {
    std::uint32_t waiting = 0;  // cores
    std::uint32_t connections = 0;
    std::uint32_t closed = 0;
    std::uint32_t left = 0;
    bool is_full = false;
    About about = About::tokens;
    std::string of = {};  // user, connection or id of the token; empty: of everybody
  };
  std::uint32_t close_those_meant(const Revocations::Order& order);
  // One core's part.
  void gather(const Asker& asker, std::uint32_t number, const Gathering& part);
  void answer(const Asker& asker, const Gathering& gathered);
  void refuse_full(Session& session, const Asker& asker, const Gathering& gathered);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Gathering> gatherings_;
};

}  // namespace ringroom::realtime
