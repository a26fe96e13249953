#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "base/id.h"
#include "proto/command.h"
#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// Why the home of a room said no. A row each: what the asker is told.
enum class RefusedBecause : std::uint8_t {
  too_many_rooms,
  workspace_full,
  overloaded,
  unknown_namespace,
  conflict,
  no_state,
  state_full,
  no_room,
  no_history,
  unrecoverable,
  room_full,
  room_exists,
  room_ends,
  room_rests,
  not_the_owner,
  no_client_rooms,
  is_a_pattern,
  no_presence,
  not_a_member,
  no_queue,
  other_epoch,
  not_said_yet,
  held_full,
  already_there,
  user_in_too_many_rooms,
  bad_fernet,
  user_blocked,
  switched_off
};

struct RefusalRow {
  RefusedBecause reason;
  proto::ErrorCode code;
  std::string_view sentence;
};
inline constexpr RefusalRow refusal_rows[] = {
    {RefusedBecause::too_many_rooms, proto::ErrorCode::unavailable,
     "the server holds as many rooms as it may; try again later"},
    {RefusedBecause::workspace_full, proto::ErrorCode::unavailable,
     "this workspace holds as many rooms as it may; try again when one has been let go"},
    {RefusedBecause::overloaded, proto::ErrorCode::unavailable,
     "the room's listeners do not keep up; try again shortly"},
    {RefusedBecause::unknown_namespace, proto::ErrorCode::not_found,
     "no namespace has rooms of this name; use a prefix that the server is configured for"},
    {RefusedBecause::conflict, proto::ErrorCode::conflict,
     "somebody else was first: look at the version that is there now, and decide again"},
    {RefusedBecause::no_state, proto::ErrorCode::invalid,
     "rooms of this namespace keep no values; leave out `key`, or set state-keys for it"},
    {RefusedBecause::state_full, proto::ErrorCode::too_large,
     "the room keeps as many keys or bytes of values as it may; remove one first"},
    {RefusedBecause::no_room, proto::ErrorCode::not_found,
     "there is no such room now; join it, or publish in it, to make it"},
    {RefusedBecause::no_history, proto::ErrorCode::unavailable,
     "rooms of this namespace keep no messages; set history-count for it"},
    {RefusedBecause::unrecoverable, proto::ErrorCode::unrecoverable,
     "messages after this position are gone: read without `since`, or take the room's state anew"},
    {RefusedBecause::room_full, proto::ErrorCode::room_full,
     "the room has as many members as it may; try again when somebody has left"},
    {RefusedBecause::room_exists, proto::ErrorCode::conflict,
     "there is a room of this name already; join it, or choose another name"},
    {RefusedBecause::room_ends, proto::ErrorCode::not_found,
     "the room is being deleted; make it anew in a moment if you want it"},
    {RefusedBecause::room_rests, proto::ErrorCode::unavailable,
     "the room is being forgotten this very moment, because nobody was in it; ask again"},
    {RefusedBecause::not_the_owner, proto::ErrorCode::forbidden,
     "only the room's owner, or who is granted `delete` for it, may delete it"},
    {RefusedBecause::no_client_rooms, proto::ErrorCode::forbidden,
     "rooms of this namespace are made by the server API only (client-create)"},
    {RefusedBecause::is_a_pattern, proto::ErrorCode::invalid,
     "a room's name has no `*`: that is a pattern, which can be joined, and reached by POST "
     "/api/broadcast"},
    {RefusedBecause::no_presence, proto::ErrorCode::invalid,
     "rooms of this namespace do not keep who is in them; set presence for it"},
    {RefusedBecause::not_a_member, proto::ErrorCode::not_joined,
     "join the room before you speak there or say who you are"},
    {RefusedBecause::no_queue, proto::ErrorCode::invalid,
     "nothing waits here to be acknowledged; set offline-count for the namespace `user`"},
    {RefusedBecause::other_epoch, proto::ErrorCode::unrecoverable,
     "the room's numbering began anew: acknowledge by the epoch of connection_ack"},
    {RefusedBecause::not_said_yet, proto::ErrorCode::invalid,
     "no message has this sequence yet; acknowledge the last one that you have heard"},
    {RefusedBecause::held_full, proto::ErrorCode::unavailable,
     "as many messages wait for these hours as may (held-count, held-bytes); try again when they "
     "begin, or say that it is critical"},
    {RefusedBecause::already_there, proto::ErrorCode::already_joined,
     "another connection of this user is in the room, which takes one at a time; leave it there "
     "first"},
    {RefusedBecause::user_in_too_many_rooms, proto::ErrorCode::forbidden,
     "this user is in as many rooms as it may be, all of its connections together; leave one "
     "first"},
    {RefusedBecause::bad_fernet, proto::ErrorCode::invalid,
     "the payload's `fernet` is no token by a key of this namespace, or too old, or hides no "
     "payload; send the payload in clear or encrypt it anew"},
    {RefusedBecause::user_blocked, proto::ErrorCode::forbidden,
     "this user is blocked, so nothing waits for it; unblock it first"},
    {RefusedBecause::switched_off, proto::ErrorCode::unavailable,
     "its operator has switched this off here; see `features` of connection_ack"},
};
constexpr const RefusalRow& row_of(RefusedBecause reason) {
  return refusal_rows[std::size_t(reason)];
}
constexpr bool refusal_rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(refusal_rows); ++i)
    if (std::size_t(refusal_rows[i].reason) != i) return false;
  return true;
}
static_assert(refusal_rows_are_in_order(), "row_of indexes by the reason");

struct Refused {
  ConnectionId to;
  RoomId room;
  std::uint32_t ticket;    // of a join, else 0
  std::uint32_t exchange;  // of an HTTP request, else 0
  std::string_view correlation_id;
  ScopedName room_name;
  RefusedBecause reason;
  std::uint64_t version = 0;  // of a conflict: what is there

  void each_text(auto&& f) { f(correlation_id), room_name.each_text(f); }
};

}  // namespace ringroom::realtime
