#pragma once

#include <cstdint>
#include <string_view>

#include "base/id.h"
#include "realtime/connection_id.h"
#include "realtime/wire_form.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// A connection and a room: it joins and leaves, and while it is there it says who it is, asks who
// else is there, and what it has heard.

struct JoinRoom {
  RoomId room;
  ScopedName room_name;
  ConnectionId connection;
  std::string_view user_id;  // empty: listens without being a member (raw dialect)
  std::string_view correlation_id;
  std::uint32_t ticket;  // tells this join from an earlier one of the same connection
  WireForm form;
  bool wants_members;
  // The position to recover from; an empty epoch: none. And how many messages to show otherwise.
  std::uint64_t recover_sequence;
  std::string_view recover_epoch;
  std::uint32_t history_limit;
  std::string_view info;              // what the user says of itself; empty: nothing new
  bool info_is_default;               // it counts only if the user is not there yet
  bool greets = false;                // the server asks, not the client: see Joined
  bool by_pattern = false;            // made by the room's home, for one who listens to a pattern
  std::string_view zone = {};         // of one that greets: the user's time zone; empty: not known
  std::string_view permissions = {};  // PermissionView::bytes of who looks back

  void each_text(auto&& f) {
    room_name.each_text(f), f(user_id), f(correlation_id), f(recover_epoch), f(info), f(zone);
    f(permissions);
  }
};

// An answer that finds nobody (the connection left or ended meanwhile) is undone by a LeaveRoom:
// the room counts exactly those it has answered, so a leave is sent only after a Joined.
struct Joined {
  ConnectionId to;
  RoomId room;
  std::uint32_t ticket;
  WireForm form;
  std::uint32_t room_number;  // what the binary dialect calls the room
  std::uint64_t sequence;     // of the room; what is delivered to the connection is behind it
  std::string_view user_id;
  std::string_view frame;  // room_joined as JSON, ready to send; empty for the raw dialect
  // Of a join that greets: the frames are what has waited for the user, behind this position.
  bool greets = false;
  std::uint64_t position = 0;
  std::string_view epoch = {};
  ScopedName room_name = {};  // of one that nobody asked for: it came by the ticket's pattern

  void each_text(auto&& f) { f(user_id), f(frame), f(epoch), room_name.each_text(f); }
};

struct LeaveRoom {
  RoomId room;
  ConnectionId connection;
  std::string_view user_id;
  std::uint32_t ticket;  // of the join
  WireForm form;
  bool is_broken;  // nobody asked to leave: the connection ended, and may come back
  bool by_pattern = false;

  void each_text(auto&& f) { f(user_id); }
};

// Another connection of the same user took its place in the room.
struct Unseat {
  RoomId room;
  ConnectionId to;
  std::uint32_t ticket;
  void each_text(auto&&) {}
};

// Before a connection is closed by a drain. Everything that was asked of the room before it, and
// everything the room said before it, is on its way when the answer comes.
struct Farewell {
  RoomId room;
  ConnectionId connection;
  void each_text(auto&&) {}
};
struct FarewellSaid {
  ConnectionId to;
  void each_text(auto&&) {}
};

// Answered with a `presence` frame as ToConnection, with Answered, or Refused.
struct ReadPresence {
  RoomId room = {};
  ScopedName room_name = {};
  Asker asker = {};
  std::string_view correlation_id = {};
  bool counts_only;

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id); }
};

// Answered with an `ack` frame as ToConnection if that is wanted, or Refused.
struct UpdatePresence {
  RoomId room;
  ScopedName room_name;
  ConnectionId from;
  std::string_view correlation_id;  // empty: no answer is wanted
  std::string_view user_id;
  std::string_view info;  // a JSON object

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id), f(user_id), f(info); }
};

// Of the room `user:<id>`: its user has everything up to here. Answered with an `ack` frame as
// ToConnection if that is wanted, or Refused.
struct Acknowledge {
  RoomId room;
  ScopedName room_name;
  ConnectionId from;
  std::string_view correlation_id;  // empty: no answer is wanted
  std::uint64_t sequence;
  std::string_view epoch;

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id), f(epoch); }
};

}  // namespace ringroom::realtime
