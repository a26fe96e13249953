#pragma once

#include <cstdint>
#include <memory>

#include "engine/handler.h"
#include "proto/message.h"
#include "realtime/access/api_key.h"
#include "realtime/access/grants_ref.h"
#include "realtime/http/pipeline.h"
#include "realtime/session/subscription_list.h"
#include "realtime/session/user_table.h"
#include "realtime/wire_form.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// The life of a connection (C1). Nothing is assumed: every step is a change that is counted.
//
//   connecting --upgrade--> connected --identity--> authenticated --+
//       |                       |                        |          |
//       +-----------------------+------------------------+----> draining --Closed--> closed
enum class SessionState : std::uint8_t { connecting, connected, authenticated, draining, closed };

enum class SessionKind : std::uint8_t {
  http,    // until it is upgraded; stays so for API requests
  native,  // /ws: the native protocol, in the dialect that was agreed
  raw,     // /raw/{room}: a message's bytes are the payload
  echo     // /echo
};

// Where a raw publisher's messages go.
struct RawTarget {
  RoomId room;
  OwnedName name;
  bool publishes;
};

// One client on its core: who it is, what it listens to, when it was last heard.
//
// Owner:    the session table of one core, in the slot of its socket.
// Idle cost: this struct; 32 bytes for the first room it listens to and 12 in the room's audience;
//           readers hold buffers only while a message is incomplete (docs/memory.md).
// Ordered for size: nothing here is padding.
struct Session {
  engine::SocketId socket{};
  engine::TimerId timer = engine::no_timer;
  User* user = nullptr;  // set once authenticated, except for anonymous raw and echo sessions
  SubscriptionList subscriptions;
  proto::MessageReader messages;
  // Only while needed: HTTP until the upgrade, what a token grants, a raw publisher's room.
  std::unique_ptr<Exchange> exchange;
  GrantsRef grants;
  std::unique_ptr<RawTarget> raw;
  // The chain of its user's sessions, by slot.
  std::uint32_t next_of_user = User::no_session;
  std::uint32_t previous_of_user = User::no_session;
  std::uint32_t next_ticket = 1;
  std::uint32_t heard_ms = 0;    // last bytes from the peer: low bits of the monotonic clock
  std::uint32_t accepted_s = 0;  // since 1970
  std::uint32_t expires_s = 0;   // of its token, since 1970; 0: never
  engine::PeerAddress peer{};
  std::uint16_t user_agent = 0;  // SessionTable::user_agent
  SessionKind kind : 4 = SessionKind::http;
  SessionState state : 4 = SessionState::closed;
  std::uint8_t deflate_window_bits = 0;  // 8..15 once permessage-deflate was agreed
  bool awaits_pong : 1 = false;
  bool awaits_greeting : 1 = false;  // Greetings holds what it says
  bool knows_end : 1 = false;        // it was told that its token ends soon
  bool keeps_context : 1 = false;    // DeflateContexts has its streams
  // What it speaks; json but for native connections. In rooms, compressed if that was agreed.
  WireForm dialect : 3 = WireForm::json;
  // Places it has under the limits of connections.
  bool counts_for_address : 1 = false;
  bool counts_for_user : 1 = false;
  bool counts_for_workspace : 1 = false;
  bool is_internal : 1 = false;   // came by admin-listen
  bool awaits_place : 1 = false;  // RoomPlaces keeps what it says in rooms

  Subscription* find(RoomId room) {
    for (Subscription& subscription : subscriptions)
      if (subscription.audience->room == room) return &subscription;
    return nullptr;
  }
  // By the number that room_joined gave, not 0.
  Subscription* find_number(std::uint32_t room_number) {
    for (Subscription& subscription : subscriptions)
      if (subscription.joined && subscription.audience->number == room_number) return &subscription;
    return nullptr;
  }
};

// Of whoever is in service; of the others it is the default.
inline Workspace workspace_of(const Session& session) {
  if (session.user != nullptr) return session.user->workspace();
  return session.raw != nullptr ? ScopedName(session.raw->name).workspace() : Workspace();
}

// What lists of connections and of those who have them show: a WebSocket that is not going.
inline bool is_listed(const Session& session) {
  return session.kind != SessionKind::http &&
         (session.state == SessionState::connected || session.state == SessionState::authenticated);
}

static_assert(sizeof(Session) == 112, "what an idle connection costs: docs/memory.md says it too");

}  // namespace ringroom::realtime
