#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/handler.h"
#include "proto/http.h"
#include "proto/message.h"
#include "realtime/access/grants.h"
#include "realtime/letters.h"
#include "realtime/room/subscribers.h"

namespace ringroom::realtime {

// The life of a connection (C1). Nothing is assumed: every step is a change that is counted.
//
//   connecting --upgrade--> connected --identity--> authenticated --+
//       |                       |                        |          |
//       +-----------------------+------------------------+----> draining --Closed--> closed
enum class SessionState : std::uint8_t { connecting, connected, authenticated, draining, closed };

enum class SessionKind : std::uint8_t {
  http,    // until it is upgraded; stays so for API requests
  native,  // /ws: the native protocol
  raw,     // /raw/{room}: a message's bytes are the payload
  echo     // /echo
};

// What a session may be in besides itself: a person on this core.
struct User {
  std::string id;
  std::vector<engine::SocketId> sessions;
};

// An HTTP request that waits for its answer from another core; requests behind it wait too.
struct Exchange {
  std::uint32_t number = 0;
  bool waiting = false;
  bool is_reading = false;  // inside the loop that takes requests off the bytes
  bool keep_alive = true;
  bool head_only = false;
  std::vector<std::byte> behind;  // received meanwhile; bounded, the socket is paused
};

// Where a raw publisher's messages go.
struct RawTarget {
  RoomId room;
  std::string name;
  bool publishes;
};

// One client on its core: who it is, what it listens to, when it was last heard.
//
// Owner:    the session table of one core, in the slot of its socket.
// Idle cost: this struct, 24 bytes for each room it listens to and 12 in the room's audience;
//           readers hold buffers only while a message is incomplete (docs/memory.md).
struct Session {
  engine::SocketId socket{};
  SessionKind kind = SessionKind::http;
  SessionState state = SessionState::closed;
  bool awaits_pong = false;
  std::uint8_t deflate_window_bits = 0;  // 9..15 once permessage-deflate was agreed
  std::uint16_t user_agent = 0;          // SessionTable::user_agent
  std::uint32_t user_position = 0;       // in user->sessions
  std::uint32_t next_ticket = 1;
  User* user = nullptr;  // set once authenticated, except for anonymous raw and echo sessions
  std::vector<Subscription> subscriptions;
  proto::MessageReader messages;
  engine::TimerId timer = engine::no_timer;
  std::uint64_t heard_ms = 0;  // last bytes from the peer, monotonic
  std::uint64_t accepted_wall_ms = 0;
  std::uint64_t quotas[2] = {};       // places it has, as keys: of its address, of its user
  std::uint64_t expires_wall_ms = 0;  // of its token; 0: never
  engine::PeerAddress peer{};
  // Only while needed: an HTTP reader and exchange until the upgrade, grants that come from a
  // token, a raw publisher's room.
  std::unique_ptr<proto::HttpReader> http;
  std::unique_ptr<Exchange> exchange;
  std::unique_ptr<const Grants> grants;
  std::unique_ptr<RawTarget> raw;

  Subscription* find(RoomId room) {
    for (Subscription& subscription : subscriptions)
      if (subscription.audience->room == room) return &subscription;
    return nullptr;
  }
};

static_assert(sizeof(Session) == 168, "what an idle connection costs: docs/memory.md says it too");

}  // namespace ringroom::realtime
