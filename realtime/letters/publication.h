#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/id.h"
#include "proto/command.h"
#include "realtime/access/permissions.h"
#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// A message on its way to the home of its room, and what its publisher is told.

enum class PayloadKind : std::uint8_t {
  json,
  text,
  binary,
  sealed  // the object that Sealer makes of one of these
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

}  // namespace ringroom::realtime
