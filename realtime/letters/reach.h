#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/command.h"
#include "realtime/access/permissions.h"
#include "realtime/connection_id.h"
#include "realtime/wire_form.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// To whoever may be anywhere: frames for connections and users, and many rooms at once.

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

// A share of them in each turn; RoomsReached says that all here have it.
struct ToEverybody {
  ConnectionId to;  // who asks
  std::uint32_t number;
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

}  // namespace ringroom::realtime
