#pragma once

#include <cstdint>
#include <string_view>

#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// Who is believed no more, and what somebody may do from here on.

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

}  // namespace ringroom::realtime
