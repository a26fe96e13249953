#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "realtime/access/revocations.h"
#include "realtime/letters.h"

namespace ringroom::realtime {

class Shard;

// Takes tokens back on every core, and says so when nobody is served by one of them any more.
//
//   begin() --Revoke--> every core: remembers it, closes who came by it --Revoked--> the answer
//
// What is published after the answer reaches none of those connections: they have left their rooms.
//
// Owner:   one core; of the request, the asker's.
class Revoking {
 public:
  explicit Revoking(Shard& shard) : shard_(shard) {}

  void begin(const Asker& asker, const Revocations::Order& order);
  void receive(const Revoke& item);
  void receive(const Revoked& item);

 private:
  struct Gathering {
    std::uint32_t waiting;  // cores
    std::uint32_t closed;
    bool is_full;
    std::string of;  // user or id of the token; empty: of everybody
  };
  std::uint32_t close_those_meant(const Revocations::Order& order);
  void answer(const Asker& asker, const Gathering& gathered);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Gathering> gatherings_;
};

}  // namespace ringroom::realtime
