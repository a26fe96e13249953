#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "alloc/block.h"
#include "base/id.h"
#include "engine/handler.h"
#include "engine/lane.h"
#include "proto/command.h"
#include "realtime/access/permissions.h"
#include "realtime/connection_id.h"
#include "realtime/letters_calls.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// Every message between cores, one struct each, and the letter that carries a turn's worth of them.
//
//   session's core                     room's home core                listening cores
//   --------------                     ----------------                ---------------
//   JoinRoom, LeaveRoom, Publish,
//   ReadHistory, ReadPresence,
//   UpdatePresence, Acknowledge,
//   Farewell                      -->
//                                 <--  Joined, Published, Refused, ToConnection, FarewellSaid
//                                      Deliver, AuditPosition     -->  (each core with listeners)
//                                 <--  BlockReturned                   (when the last send is done)
//   ToUsers, ToConnection, ToEverybody --> the cores where such sessions may be
//
// Rooms are named with their workspace (ScopedName); users, with a room or a workspace beside them,
// as they are shown.
//
// A text in these structs is a view: of the received bytes when the receiver is this core, of the
// letter's own memory when it is another.

// What a listener gets: the dialect it speaks, and whether its connection agreed to compression.
enum class WireForm : std::uint8_t {
  json,
  raw,
  binary,         // proto/dialect/native_binary
  event,          // proto/dialect/event_json
  batched,        // JSON, several messages of a room in one message_batch
  json_deflated,  // the first of the same compressed: see deflated()
};
inline constexpr std::size_t wire_dialects = 5;
inline constexpr std::size_t wire_forms = 2 * wire_dialects;

constexpr WireForm deflated(WireForm plain) { return WireForm(std::size_t(plain) + wire_dialects); }
// Replies and everything else for one connection are in JSON.
constexpr bool is_json(WireForm dialect) {
  return dialect == WireForm::json || dialect == WireForm::batched;
}
constexpr WireForm dialect_of(WireForm form) { return WireForm(std::size_t(form) % wire_dialects); }
// Raw listeners hear payloads only: they are nobody to the others and get no answers.
constexpr bool is_raw(WireForm form) { return dialect_of(form) == WireForm::raw; }
// Event listeners hear of a batch what they have asked for.
constexpr bool is_event(WireForm form) { return dialect_of(form) == WireForm::event; }

enum class PayloadKind : std::uint8_t {
  json,
  text,
  binary,
  sealed  // the object that Sealer makes of one of these
};

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

// Answered with HistoryRead, a `history` frame, of a request with Answered, or with Refused.
struct ReadHistory {
  RoomId room;
  ScopedName room_name;
  Asker asker;
  std::string_view correlation_id;
  std::uint32_t limit;
  bool reverse;
  // Messages after this position (reversed: before it); an empty epoch: from the end that is read
  // from.
  std::uint64_t since_sequence;
  std::string_view since_epoch;
  std::string_view permissions;  // PermissionView::bytes of who asks
  std::uint32_t edition;         // of his rights

  void each_text(auto&& f) {
    room_name.each_text(f), f(correlation_id), f(since_epoch), f(permissions);
  }
};

struct HistoryRead {
  ConnectionId to;
  std::uint32_t edition;  // of the rights it was read by
  std::string_view correlation_id;
  std::string_view room_name;
  std::string_view frame;

  void each_text(auto&& f) { f(correlation_id), f(room_name), f(frame); }
};

// Room life (R1). The first three are answered with RoomDescribed or Refused.
struct CreateRoom {
  RoomId room;
  Asker asker;
  ScopedName room_name;
  std::string_view correlation_id;
  std::string_view owner;     // user id; empty: a backend's
  std::string_view metadata;  // raw JSON, an object; empty: none
  std::uint64_t max_members;  // 0: the namespace's
  bool is_public;
  bool by_client;

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id), f(owner), f(metadata); }
};
struct DeleteRoom {
  RoomId room;
  Asker asker;
  ScopedName room_name;
  std::string_view correlation_id;
  std::string_view user_id;
  bool is_granted;  // else only its owner may

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id), f(user_id); }
};
struct DescribeRoom {
  RoomId room;
  Asker asker;
  ScopedName room_name;
  std::string_view correlation_id;

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id); }
};
// Asked of every core; each answers with the first of its rooms as RoomDescribed, and one
// RoomsListed.
struct ListRooms {
  std::uint32_t listing;
  ConnectionId to;
  std::uint32_t limit;
  Workspace workspace;
  std::string_view prefix;  // of the names as they are shown
  std::string_view after;   // names behind this one, in the order of bytes; empty: all

  void each_text(auto&& f) { workspace.each_text(f), f(prefix), f(after); }
};

enum class Described : std::uint8_t { created, deleted, asked, listed };
struct RoomDescribed {
  Asker asker;
  Described why;
  bool is_public;
  std::uint32_t listing;  // of `listed`
  std::uint32_t members;
  std::string_view correlation_id;
  ScopedName room_name;
  std::string_view owner;
  std::string_view metadata;
  std::string_view epoch;
  std::uint64_t max_members;
  std::uint64_t sequence;
  std::uint64_t created_ms;

  void each_text(auto&& f) {
    f(correlation_id), room_name.each_text(f), f(owner), f(metadata), f(epoch);
  }
};
struct RoomsListed {
  ConnectionId to;
  std::uint32_t listing;
  void each_text(auto&&) {}
};

// A listener of a namespace with a lossy slow-consumer policy was left out while it did not keep
// up, and has now taken all it was sent: what of the messages after `since` it still gets.
struct CatchUp {
  RoomId room;
  ConnectionId to;
  std::uint32_t ticket;
  std::uint64_t since;
  std::string_view permissions;  // PermissionView::bytes of the listener
  void each_text(auto&& f) { f(permissions); }
};
struct CaughtUp {
  RoomId room;
  ConnectionId to;
  std::uint32_t ticket;
  std::uint64_t sequence;  // live from here on
  std::string_view frames;
  void each_text(auto&& f) { f(frames); }
};

// The room is being deleted: its listeners here leave, and are told why.
struct RoomGone {
  RoomId room;
  std::string_view reason;
  void each_text(auto&& f) { f(reason); }
};

// Answered with a `presence` frame as ToConnection, with Answered, or Refused.
struct ReadPresence {
  RoomId room;
  ScopedName room_name;
  Asker asker;
  std::string_view correlation_id;
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

inline constexpr std::uint64_t any_version = ~std::uint64_t{0};

struct Publish {
  RoomId room;
  ScopedName room_name;
  ConnectionId from;            // the answer goes there if `wants_answer`
  std::string_view type;        // "room_message", ...
  std::string_view sender;      // user id, set by us
  std::string_view message_id;  // the publisher's; comes back as correlation_id, and is known again
  std::string_view payload;
  PayloadKind payload_kind;
  bool ephemeral;  // no sequence
  bool can_wait;   // a room that is full takes it and stops reading from `from` (Throttle)
  bool wants_answer;
  std::uint32_t exchange;  // tells HTTP requests of one connection apart
  ConnectionId exclude;    // must not hear it, besides `from`; or `nobody`
  // State (R11) and edits (R12): see proto::Command.
  bool remove = false;
  std::uint64_t expected_version = any_version;
  std::string_view key = {};
  std::optional<proto::Priority> priority = {};  // nullopt: the namespace's
  std::uint8_t quiet_hours = 0;                  // the policy it waits for, counted from 1; 0: none
  bool waited = false;                           // for its hours, which are now
  std::uint32_t since = 0;                       // Stages: when it was received
  std::uint32_t user = 0;                        // User::hash() of the sender
  // Of its listeners: only who holds it hears the message.
  std::uint64_t permission = no_permission;

  void each_text(auto&& f) {
    room_name.each_text(f), f(type), f(sender), f(message_id), f(payload), f(key);
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

struct Published {
  ConnectionId to;
  std::uint32_t exchange;
  std::string_view correlation_id;
  ScopedName room_name;
  std::uint64_t sequence;  // 0: ephemeral
  std::string_view epoch;
  std::string_view message_id;      // ours
  bool duplicate = false;           // it was here before: this is the answer of that time
  std::uint64_t held_until_ms = 0;  // it waits for its hours, and has no number yet; 0: it does not
  bool replaced = false;            // a newer one of its type went in its place; it has no sequence
  bool is_stored = false;           // in the room's history
  std::uint32_t since = 0;          // of the Publish
  RoomId room{0};

  void each_text(auto&& f) { f(correlation_id), room_name.each_text(f), f(epoch), f(message_id); }
};

// How far it has come by then, in a word for the publisher; empty: nowhere.
constexpr std::string_view level_of(const Published& published) {
  return published.replaced ? "" : published.is_stored ? "stored" : "accepted";
}

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

// A part of a batch that one connection must not get, or none of those who may not see presence,
// or none of those who lack a permission.
struct Exclusion {
  ConnectionId connection;  // or presence_blind, or lacking(permission)
  std::uint32_t begin[wire_forms];
  std::uint32_t end[wire_forms];
};

inline constexpr ConnectionId presence_blind{0xfffe, 0, 0};
inline constexpr std::uint16_t lacking_mark = 0xfffd;
constexpr ConnectionId lacking(std::uint64_t permission) {
  return {lacking_mark, static_cast<std::uint32_t>(permission),
          static_cast<std::uint32_t>(permission >> 32)};
}
constexpr bool is_about_permission(const Exclusion& exclusion) {
  return exclusion.connection.core == lacking_mark;
}
constexpr std::uint64_t permission_of(const Exclusion& exclusion) {
  return std::uint64_t(exclusion.connection.generation) << 32 | exclusion.connection.slot;
}

// Where an event begins in a batch, in the event form and in its compressed one; it ends where the
// next one begins.
struct EventMark {
  std::uint64_t type;  // EventFilters::hash
  std::uint32_t begin[2];
};

// A room's batch in one form. The block comes with one hold, which goes back as BlockReturned.
struct FormBatch {
  alloc::Block* block;
  std::uint32_t ephemeral_begin;  // what is behind this is not for those who do not keep up
  WireForm form;
};

// The batch of a room's turn for the listeners of one core.
struct Deliver {
  RoomId room;
  std::string_view batches;  // bytes of FormBatch[]: the forms that somebody listens in there
  std::uint32_t publications;
  std::uint32_t since;  // Stages: when the room had its first message
  // Of its numbered publications; 0: it has none. A listening core knows by them that nothing is
  // missing between two batches.
  std::uint64_t first_sequence, last_sequence;
  bool starts_anew;   // the numbering did: what was before it says nothing about what follows
  engine::Lane lane;  // the highest of its publications
  std::string_view exclusions;  // bytes of Exclusion[]
  std::string_view events;      // bytes of EventMark[]: all of it, if somebody listens to events

  void each_text(auto&& f) { f(batches), f(exclusions), f(events); }
};

// A publisher whose dialect has no words for "try again": its socket is not read until the room has
// caught up.
struct Throttle {
  ConnectionId to;
  bool pause;
  void each_text(auto&&) {}
};

// A core still hands out earlier batches of the room, or has caught up again.
struct RoomBusy {
  RoomId room;
  bool busy;
  void each_text(auto&&) {}
};

// Where the room stands, now and then: a core whose listeners have not heard so far has lost
// something, and ends them with 4512 rather than stay silent.
struct AuditPosition {
  RoomId room;
  std::uint64_t sequence;
  void each_text(auto&&) {}
};

struct BlockReturned {
  alloc::Block* block;
  void each_text(auto&&) {}
};

// Names in one text, which have no control characters.
inline void each_line(std::string_view lines, auto&& f) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    f(line);
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
  }
}

struct ToUsers {
  Workspace workspace;
  std::string_view user_ids;  // one a line
  std::string_view frame;
  ConnectionId exclude;                      // must not hear it; or `nobody`
  std::uint64_t permission = no_permission;  // that is required
  void each_text(auto&& f) { workspace.each_text(f), f(user_ids), f(frame); }
};

struct ToConnection {
  ConnectionId to;
  std::string_view frame;
  void each_text(auto&& f) { f(frame); }
};

struct ToEverybody {
  Workspace workspace;
  std::string_view frame;
  ConnectionId exclude;                      // or `nobody`
  std::uint64_t permission = no_permission;  // that is required
  void each_text(auto&& f) { workspace.each_text(f), f(frame); }
};

// The same for one that a backend named: only if it is of that workspace.
struct ToNamed {
  Workspace workspace;
  ConnectionId to;
  std::string_view frame;
  std::uint64_t permission = no_permission;  // that is required
  void each_text(auto&& f) { workspace.each_text(f), f(frame); }
};

// Somebody listens to all rooms that match, from here on; each home enters the connection into its
// own, now and whenever one comes to be, before that one's first batch.
struct JoinPattern {
  ScopedName pattern;
  ConnectionId connection;
  std::uint32_t ticket;
  WireForm form;
  void each_text(auto&& f) { pattern.each_text(f); }
};
struct LeavePattern {
  ScopedName pattern;
  ConnectionId connection;
  std::uint32_t ticket;
  void each_text(auto&& f) { pattern.each_text(f); }
};
// It has been entered into all rooms that this core had.
struct PatternKnown {
  ConnectionId to;
  std::uint32_t ticket;
  void each_text(auto&&) {}
};

// A publication of a backend for rooms of this core: those named, and all that match a pattern.
struct ReachRooms {
  ConnectionId to;
  std::uint32_t number;
  Workspace workspace;
  std::string_view rooms;     // names and patterns as they are shown, one a line
  std::string_view personal;  // rooms of users, likewise; they are not counted
  std::string_view type;
  std::string_view payload;
  ConnectionId exclude;  // or `nobody`
  std::optional<proto::Priority> priority;
  std::uint8_t quiet_hours;                  // as Publish has it
  std::uint64_t permission = no_permission;  // as Publish has it
  void each_text(auto&& f) { workspace.each_text(f), f(rooms), f(personal), f(type), f(payload); }
};
struct RoomsReached {
  ConnectionId to;
  std::uint32_t number;
  std::uint64_t reached;
  std::uint64_t refused;  // they have no room for it, or may not be made
  void each_text(auto&&) {}
};

// Counts something over all cores (connections of a user, of an address, a user's rooms) on the
// key's home core.
struct AcquireQuota {
  std::uint64_t key;
  ConnectionId to;
  std::uint32_t limit;
  RoomId room{0};  // of a place for a room: which, and by which join; ticket 0: of a connection
  std::uint32_t ticket = 0;
  void each_text(auto&&) {}
};
struct QuotaAnswer {
  ConnectionId to;
  std::uint64_t key;
  RoomId room;
  std::uint32_t ticket;
  bool granted;
  void each_text(auto&&) {}
};
struct ReleaseQuota {
  std::uint64_t key;
  void each_text(auto&&) {}
};

// Tokens that are not believed any more, to every core; each answers when its connections that came
// by such a token are closed.
struct Revoke {
  Asker asker;
  std::uint32_t number;  // of the asker's core
  std::uint8_t kind;     // Revocations::Kind
  std::uint64_t issued_before_s;
  std::uint64_t until_s;
  Workspace workspace;
  std::string_view name;
  void each_text(auto&& f) { workspace.each_text(f), f(name); }
};
struct Revoked {
  Asker asker;
  std::uint32_t number;
  std::uint32_t closed;
  bool is_full;  // it is not remembered: too many are
  void each_text(auto&&) {}
};

// The server API says what somebody may do and hear from here on: of a user to every core, of a
// connection to its own. Answered with RightsChanged when that holds there.
struct RightsChange {
  enum class Kind : std::uint8_t { block, unblock, grant };
  Asker asker;
  std::uint32_t number;  // of the asker's core
  Kind kind;
  Workspace workspace;
  ConnectionId connection;           // or `nobody`, and then
  ScopedName user;                   // whose
  std::string_view rooms;            // one a line, as line_of() writes them
  std::string_view allowed, denied;  // permissions, as PermissionView::bytes
  std::uint64_t until_s;
  void each_text(auto&& f) {
    workspace.each_text(f), user.each_text(f), f(rooms), f(allowed), f(denied);
  }
};
struct RightsChanged {
  Asker asker;
  std::uint32_t number;
  std::uint32_t connections;  // that it concerns
  std::uint32_t closed;
  std::uint32_t left;  // rooms, by those who stay connected
  bool is_full;        // it is not remembered: too much is
  void each_text(auto&&) {}
};

// A user who may be connected only once has one place, kept by the user's home core. Only one who
// has to go is told.
struct TakeSeat {
  std::uint64_t key;
  ConnectionId to;
  void each_text(auto&&) {}
};
struct LeaveSeat {
  std::uint64_t key;
  ConnectionId from;
  void each_text(auto&&) {}
};
struct SeatLost {
  ConnectionId to;
  bool was_refused;  // it was the newcomer; else it was replaced
  void each_text(auto&&) {}
};
// Another connection of the same user took its place in the room.
struct Unseat {
  RoomId room;
  ConnectionId to;
  std::uint32_t ticket;
  void each_text(auto&&) {}
};

// How a core fares, asked of it by letter: whoever answers late is late for everybody.
struct AskHealth {
  ConnectionId to;
  std::uint32_t number;
  std::uint64_t asked_us;  // monotonic
  void each_text(auto&&) {}
};
struct HealthTold {
  std::uint32_t number;
  std::uint16_t core;
  std::uint64_t lag_us;      // from the question to the turn's look at it
  std::uint64_t turn_us;     // since that turn began
  std::uint64_t mail_bytes;  // texts on their way from it, to the core that has most of them
  std::uint64_t sessions;
  void each_text(auto&&) {}
};

// Whose events are looked for in the flight recorders.
struct FlightSubject {
  enum class Kind : std::uint8_t { connection, user, room };
  Kind kind = Kind::connection;
  ConnectionId connection = nobody;
  std::uint64_t hash = 0;  // of the user's id, or the RoomId
};

// Asked of every core; each answers with TraceRead, in one turn or in some.
struct ReadTrace {
  Asker asker;
  std::uint32_t number;  // of the asker's core
  std::uint32_t limit;
  std::uint64_t wall_offset_us;  // to be added to a monotonic time
  FlightSubject subject;
  void each_text(auto&&) {}
};
struct TraceRead {
  std::uint32_t number;
  std::uint16_t core;
  std::string_view lines;  // a JSON object each, the oldest first
  void each_text(auto&& f) { f(lines); }
};
// From here on, or no more.
struct WatchTrace {
  ConnectionId watcher;
  bool on;
  FlightSubject subject = {};
  void each_text(auto&&) {}
};

// Said to all who hear the server's own numbers.
struct AdminAlert {
  std::string_view payload;  // a JSON object
  proto::Priority priority;
  void each_text(auto&& f) { f(payload); }
};

using LetterItem = std::variant<
    JoinRoom, LeaveRoom, Acknowledge, Farewell, FarewellSaid, Publish, ReadHistory, HistoryRead,
    ReadPresence, UpdatePresence, CreateRoom, DeleteRoom, DescribeRoom, ListRooms, RoomDescribed,
    RoomsListed, RoomGone, CatchUp, CaughtUp, Joined, Published, Refused, Deliver, AuditPosition,
    Throttle, RoomBusy, BlockReturned, ToUsers, ToConnection, ToNamed, ReachRooms, RoomsReached,
    JoinPattern, LeavePattern, PatternKnown, ToEverybody, AcquireQuota, QuotaAnswer, ReleaseQuota,
    Revoke, Revoked, RightsChange, RightsChanged, TakeSeat, LeaveSeat, SeatLost, Unseat, AskHealth,
    HealthTold, ReadTrace, TraceRead, WatchTrace, Answered, ClearHistory, SessionOrder, OrderDone,
    ListConnections, ConnectionsListed, ListUsers, UsersListed, AdminAlert>;
static_assert(alignof(FormBatch) >= alignof(Exclusion) && alignof(FormBatch) >= alignof(EventMark),
              "keep() places bytes of each");
static_assert(sizeof(LetterItem) <= 192, "an item is at most three cache lines");

// What one core has to say to another in one turn, in order.
//
// Owner:    the sender, from make to clear(); lent to the receiver between Outbox::post and
//           hand_back(). The receiver only reads it.
// Lifetime: of the texts: until clear().
class Letter : public engine::Letter {
 public:
  template <class Item>
  void add(Item item) {
    item.each_text([this](std::string_view& text) { text = keep(text); });
    items_.push_back(item);
  }
  std::span<const LetterItem> items() const { return items_; }
  bool empty() const { return items_.empty(); }
  std::size_t text_bytes() const { return text_bytes_; }

  void hand_back() { handed_back_.store(true, std::memory_order_release); }
  bool is_handed_back() const { return handed_back_.load(std::memory_order_acquire); }
  void clear() {
    items_.clear();
    texts_.release();
    text_bytes_ = 0;
    handed_back_.store(false, std::memory_order_relaxed);
  }

 private:
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    auto* copy = static_cast<char*>(texts_.allocate(text.size(), alignof(FormBatch)));
    text.copy(copy, text.size());
    text_bytes_ += text.size();
    return {copy, text.size()};
  }

  std::vector<LetterItem> items_;
  alignas(16) char first_texts_[4096];
  std::pmr::monotonic_buffer_resource texts_{first_texts_, sizeof first_texts_};
  std::size_t text_bytes_ = 0;
  std::atomic<bool> handed_back_{false};
};

}  // namespace ringroom::realtime
