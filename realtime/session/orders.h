#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "realtime/letters/calls.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// What a backend wants done with connections: into a room, out of it, away.
//
//   begin() --SessionOrder--> every core: does it --OrderDone--> the answer, with counts
//
// An answer to a join says that the rooms have taken those connections: what is published after it
// reaches them. An answer to the others: that nothing reaches them any more.
//
// Owner: one core; of the call, the asker's.
class Orders {
 public:
  explicit Orders(Shard& shard) : shard_(shard) {}

  struct Order {
    Workspace workspace;  // nobody outside is meant
    SessionOrder::Kind kind;
    std::string_view user_id = {};
    std::string_view room_name = {};
    ConnectionId connection = nobody;  // instead of a user
    ConnectionId except = nobody;
    std::uint16_t close_code = 0;
    std::string_view reason = {};
  };
  void begin(const Asker& asker, const Order& order);
  void receive(const SessionOrder& order);
  void receive(const OrderDone& done);

  // A join that was asked for by ticket has come to its end, one way or the other; cheap where none
  // of them is an order's.
  void settled(const ConnectionId& connection, std::uint32_t ticket, bool is_in) {
    if (!joins_.empty()) settle(connection, ticket, is_in);
  }
  // Whether it is an order's, of which its client knows nothing.
  bool holds(const ConnectionId& connection, std::uint32_t ticket) const;
  void forget(const Session& session);

 private:
  // Of a call, at the asker's core.
  struct Gathering {
    SessionOrder::Kind kind;
    std::uint32_t waiting;  // cores
    std::uint32_t done = 0, already = 0, refused = 0;
  };
  // Of an order, where its connections are: what it has come to.
  struct Work {
    OrderDone result;
    std::uint32_t waiting = 0;
  };
  struct Join {
    ConnectionId connection;
    std::uint32_t ticket;
    std::uint32_t work;
  };
  std::vector<engine::SocketId> meant_by(const SessionOrder& order);
  void obey(Session& session, const SessionOrder& order, std::uint32_t work);
  void join(Session& session, const SessionOrder& order, std::uint32_t work);
  void settle(const ConnectionId& connection, std::uint32_t ticket, bool is_in);
  void end_join(std::size_t place, bool is_in);
  void tell_if_done(std::uint32_t work);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Gathering> gatherings_;
  std::uint32_t next_work_ = 1;
  std::unordered_map<std::uint32_t, Work> works_;
  std::vector<Join> joins_;  // on their way to the rooms' homes
};

}  // namespace ringroom::realtime
