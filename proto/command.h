#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace ringroom::proto {

// What clients ask and what the server says, in the one form that every dialect decodes to and
// encodes from. All views: a Command lives as long as the text it was decoded from and the parser
// that did it; outgoing values live for the call that encodes them.

enum class CommandKind : std::uint8_t {
  connect,
  join_room,
  leave_room,
  publish,    // room_message and any custom type: stored, numbered, fanned out
  ephemeral,  // typing_indicator, cursor_position: fanned out, never stored
  ping,
  heartbeat,
  presence,
  history,
  refresh_token,
  subscribe,
  unsubscribe,
  request_metrics,
  query_request,
  query_cancel,
  message_batch,
  create_room,
  delete_room,
  list_rooms,
  room_info,
  update_presence,
  acknowledge,  // of a user's offline queue: everything up to a position has arrived
  trace,        // what happens to somebody, as it happens
  start_topic,  // the server's own numbers: start_monitoring, ...
  stop_topic,   //
  admin_alert,  // to all who hear them
};

// Of two messages for one connection that belong to different rooms, which goes first.
enum class Priority : std::uint8_t { low, medium, high, critical };
inline constexpr std::string_view priority_names[] = {"low", "medium", "high", "critical"};
constexpr std::optional<Priority> priority_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(priority_names); ++i)
    if (name == priority_names[i]) return Priority(i);
  return std::nullopt;
}

// A position in a room's history. Sequences compare only within one epoch.
struct Position {
  std::string_view epoch;
  std::uint64_t sequence;
};

struct RoomRequest {
  std::string_view room;
  std::optional<Position> recover;
};

struct Command {
  CommandKind kind{};
  std::string_view type;            // as sent: "room_message", "quote_update", ...
  std::string_view message_id;      // empty: no reply is wanted
  std::string_view correlation_id;  // query_cancel: the query's message_id
  std::string_view room;            // empty: not given (and then not required by the kind)
  // The payload as the client wrote it: valid JSON, an object, CR and LF replaced by blanks. "{}"
  // if absent.
  std::string_view payload = "{}";
  // Binary dialect: the payload is bytes that mean nothing to us; a publish or an ephemeral one.
  bool payload_is_raw = false;
  // Binary dialect: the room by the number that room_joined gave; 0: by name or not at all.
  std::uint32_t room_number = 0;

  // Of a publish: the key whose last value the room keeps, and whether the value is taken away.
  std::string_view key = {};
  bool remove = false;
  // Of a publish. nullopt: not said, which means medium unless the namespace says otherwise.
  std::optional<Priority> priority = {};
  // Of a publish: the permission a listener must have to hear it; empty: none.
  std::string_view required_permission = {};
  // What the publisher has seen last, of the key or, without one, of the room: with another version
  // there the publish is refused as a conflict.
  std::optional<std::uint64_t> expected_version = {};

  // Decoded from the payload by the kinds that have them, empty otherwise.
  std::string_view token;                // connect, refresh_token, join_room
  std::string_view user_id;              // connect, for development without tokens
  std::optional<Position> recover;       // join_room: `recover`; history: `since`
  std::optional<Position> acknowledged;  // acknowledge: the newest message that arrived
  bool want_members = false;             // join_room: `presence`
  bool want_batches = false;             // connect: `batch`
  bool counts_only = false;              // presence: `counts`
  bool reverse = false;                  // history
  std::uint32_t history_limit = 0;       // join_room: `history`; history: `limit`
  std::uint32_t list_limit = 0;          // list_rooms: `limit`; 0: not said
  std::string_view prefix;               // list_rooms: of the rooms' names
  // What others may know about this connection: connect, join_room, update_presence. Raw JSON, an
  // object; empty: not given.
  std::string_view info;
  std::string_view metadata;                      // create_room: raw JSON, an object; empty: none
  std::optional<std::uint32_t> max_members;       // create_room
  std::optional<bool> is_public;                  // create_room: `public`
  std::span<const RoomRequest> rooms;             // connect
  std::span<const std::string_view> event_types;  // subscribe, unsubscribe
  // message_batch: the raw texts of the inner messages. They are decoded one by one, with another
  // parser, because this span lives in the parser of the batch.
  std::span<const std::string_view> messages;
};

enum class ErrorCode : std::uint8_t {
  bad_request,
  invalid,
  unauthorized,
  token_expired,
  forbidden,
  not_found,
  not_joined,
  already_joined,
  room_full,
  rate_limited,
  too_large,
  conflict,
  unrecoverable,
  unavailable,
  internal,
  timeout,
  cancelled,
};

struct ErrorRow {
  ErrorCode code;
  std::string_view name;
  bool retryable;  // the same request may succeed later, unchanged
  int http_status;
};

inline constexpr ErrorRow error_rows[] = {
    {ErrorCode::bad_request, "bad_request", false, 400},
    {ErrorCode::invalid, "invalid", false, 422},
    {ErrorCode::unauthorized, "unauthorized", false, 401},
    {ErrorCode::token_expired, "token_expired", false, 401},
    {ErrorCode::forbidden, "forbidden", false, 403},
    {ErrorCode::not_found, "not_found", false, 404},
    {ErrorCode::not_joined, "not_joined", false, 409},
    {ErrorCode::already_joined, "already_joined", false, 409},
    {ErrorCode::room_full, "room_full", true, 409},
    {ErrorCode::rate_limited, "rate_limited", true, 429},
    {ErrorCode::too_large, "too_large", false, 413},
    {ErrorCode::conflict, "conflict", false, 409},
    {ErrorCode::unrecoverable, "unrecoverable", false, 410},
    {ErrorCode::unavailable, "unavailable", true, 503},
    {ErrorCode::internal, "internal", true, 500},
    {ErrorCode::timeout, "timeout", true, 504},
    {ErrorCode::cancelled, "cancelled", false, 499},
};

constexpr bool error_rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(error_rows); ++i)
    if (std::size_t(error_rows[i].code) != i) return false;
  return std::size(error_rows) == std::size_t(ErrorCode::cancelled) + 1;
}
static_assert(error_rows_are_in_order(), "row_of indexes by the code");

constexpr const ErrorRow& row_of(ErrorCode code) { return error_rows[std::size_t(code)]; }

// Why a text did not become a command. Views: into the text, the parser or constant text.
struct DecodeError {
  ErrorCode code;                   // bad_request: no JSON; invalid: JSON, but not a command
  std::string_view correlation_id;  // the message_id, where it could be read
  std::string_view path;            // "type", "payload.rooms"; empty: the whole message
  std::string_view message;         // what is wrong and what to do
};

// ---- what the server says ----------------------------------------------------------------------

// A message of a room, encoded once and shared by all its listeners: nothing in it depends on who
// reads it. Also a step of a query: no room, correlation_id and sequence within it.
struct Publication {
  std::string_view type;
  std::string_view room = {};  // empty: none
  std::uint64_t sequence = 0;  // 0: not stored
  // Where not everybody hears every number: the newest before it that whoever hears this one has
  // heard too. nullopt: the one before.
  std::optional<std::uint64_t> previous = {};
  std::string_view message_id = {};      // empty: none
  std::string_view correlation_id = {};  // the publisher's message_id; empty: none
  std::string_view sender = {};          // empty: the server
  std::uint64_t timestamp_ms = 0;
  std::string_view payload = "{}";  // raw JSON, an object
  // The publisher sent bytes. The binary dialect says them as they are; for the others the payload
  // is {"base64": ...}, and the envelope marks it.
  bool payload_is_raw = false;
  std::uint32_t room_number = 0;  // what the binary dialect calls the room; 0: nothing yet
  std::string_view key = {};      // whose value this is; empty: none
  bool removed = false;           // the key has no value any more
  // The change of the key's value as an RFC 7396 merge patch, said instead of the payload where
  // that is smaller; empty: none.
  std::string_view patch = {};
};

struct Ack {
  std::string_view correlation_id;
  std::string_view room = {};  // empty: the request had none
  std::uint64_t sequence = 0;  // 0: nothing was stored
  std::string_view epoch = {};
  std::string_view level = {};  // "accepted", "stored": what has happened; empty: not said
  bool duplicate = false;       // a message of this id was taken before; this is its position
  bool replaced = false;        // it will never be heard: a newer one of its type took its place
};

struct Refusal {
  ErrorCode code;
  std::string_view correlation_id;
  std::string_view room;
  std::string_view message;  // what is wrong and what to do
  std::optional<std::uint64_t> retry_after_ms = {};
  std::optional<std::uint64_t> version = {};  // of a conflict: what is there; 0: nothing
};

struct InvalidField {
  std::string_view path, message;
};
struct Invalid {
  std::string_view correlation_id;
  std::span<const InvalidField> errors;
};

struct RoomPosition {
  std::string_view room;
  std::string_view epoch;
  std::uint64_t sequence;
  std::uint64_t room_id = 0;  // for the binary dialect; 0: none
};
struct ConnectionAck {
  std::string_view correlation_id;  // of `connect`; empty if none was sent
  std::string_view connection_id;
  std::string_view user_id;
  std::uint32_t heartbeat_interval_s;
  std::uint64_t max_message_bytes;
  std::uint64_t timestamp_ms;
  std::span<const RoomPosition> rooms = {};  // joined for the client, such as user:<id>
  std::string_view workspace_id = "default";
  std::span<const std::string_view> features_off = {};
};

struct KeyValue {
  std::string_view key;
  std::string_view json;  // an object
  std::uint64_t version;
};

struct RoomJoined {
  std::string_view correlation_id;
  std::string_view room;
  std::uint64_t room_id;  // for the binary dialect; 0: none
  std::uint64_t sequence;
  std::string_view epoch;
  std::optional<bool> recovered = {};               // only if recovery was asked for
  std::span<const std::string_view> messages = {};  // recovered or history: raw envelopes, in order
  // With `presence`: the users. Large rooms list some of them and count all.
  std::optional<std::span<const std::string_view>> members = {};
  std::optional<std::uint64_t> member_count = {};
  // Of a room that keeps state: every key's value at this position.
  std::optional<std::span<const KeyValue>> state = {};
};

struct RoomLeft {
  std::string_view correlation_id;  // empty: nobody asked, see the reason
  std::string_view room;
  std::string_view reason = {};  // empty: asked for. "deleted", "forbidden", ...
};

// The numbering of a room began anew: forget the position, take this one.
struct RoomReset {
  std::string_view room;
  std::string_view epoch;
  std::uint64_t sequence;
  std::string_view reason;
};

// What is known about a room.
struct RoomDescription {
  std::string_view room;
  std::string_view owner = {};       // user id; empty: nobody
  std::uint64_t max_members = 0;     // 0: no limit of its own
  bool is_public = false;            // anybody who may list rooms sees it
  std::string_view metadata = "{}";  // raw JSON, an object
  std::uint64_t members = 0;         // users in it
  std::uint64_t sequence = 0;
  std::string_view epoch = {};
  std::uint64_t created_ms = 0;
};
struct RoomCreated {
  std::string_view correlation_id;
  RoomDescription room;
};
// The answer to who deleted it; its members get a RoomLeft with the reason.
struct RoomDeleted {
  std::string_view correlation_id;
  std::string_view room;
};
struct RoomInfo {
  std::string_view correlation_id;
  RoomDescription room;
};
struct RoomList {
  std::string_view correlation_id;
  std::span<const RoomDescription> rooms;
  std::uint64_t count;  // of rooms that match, listed or not
};

// Which events a connection hears from now on: all that it has asked for and not let go.
struct Subscribed {
  std::string_view correlation_id;
  std::span<const std::string_view> event_types;
};
struct Unsubscribed {
  std::string_view correlation_id;
  std::span<const std::string_view> event_types;
};

struct PresenceMember {
  std::string_view user_id;
  std::optional<std::uint32_t> connections = {};  // in lists
  std::string_view info = {};                     // raw JSON; empty: none
};
struct PresenceList {
  std::string_view correlation_id;
  std::string_view room;
  std::optional<std::span<const PresenceMember>> members;  // nullopt: only counts were asked for
  std::uint64_t count;                                     // of users, listed or not
  std::uint64_t connections;                               // of all of them
};
// What changed in a room too large to tell each coming and going at once.
struct PresenceDiff {
  std::string_view room;
  struct Names {
    std::span<const PresenceMember> joined;
    std::span<const std::string_view> left;   // user ids
    std::span<const PresenceMember> updated;  // what they say of themselves
  };
  std::optional<Names> names;  // nullopt: more than may be named at once
  std::uint64_t count;         // of users, after the change
};

struct HistoryPage {
  std::string_view correlation_id;
  std::string_view room;
  std::span<const std::string_view> messages;  // raw envelopes
  std::uint64_t sequence;
  std::string_view epoch;
};

struct Pong {
  std::string_view correlation_id;
  std::uint64_t timestamp_ms;
};
struct Heartbeat {
  std::string_view correlation_id;
  std::uint64_t timestamp_ms;
};

struct SystemMessage {
  std::string_view type = "system_message";  // or notification, service_degradation
  std::string_view code;                     // for programs: "token_expires_soon"
  std::string_view message;                  // for people
  std::uint64_t timestamp_ms;
  std::optional<std::uint64_t> count = {};  // of what it is about: messages lost to an overflow
};

// Come back, not all at once: each client gets a delay of its own.
struct Reconnect {
  std::uint64_t delay_ms;
  std::string_view reason;
};

// For clients that asked for batches: several raw envelopes in one message.
struct MessageBatch {
  std::string_view batch_id;
  std::uint64_t timestamp_ms;
  std::span<const std::string_view> messages;
};

}  // namespace ringroom::proto
