#pragma once

#include <cstdint>
#include <string_view>

#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// What calls of the server API say between cores, besides what clients' commands say too: their
// answers, what is done to sessions, and lists of those.

// To an HTTP request: its whole answer, a JSON object.
struct Answered {
  Asker asker;
  std::string_view body;
  void each_text(auto&& f) { f(body); }
};

// Something to be done with connections: those of a user, or one. To every core where they may be;
// each answers with OrderDone when it is done there.
struct SessionOrder {
  enum class Kind : std::uint8_t { join, leave, disconnect };

  Asker asker;
  std::uint32_t number;  // of the asker's core
  Kind kind;
  std::uint16_t close_code;    // of disconnect
  ConnectionId connection;     // or nobody: then those of the user
  ConnectionId except;         // or nobody
  Workspace workspace;         // nobody outside is meant
  std::string_view user_id;    // as they are shown
  std::string_view room_name;  // of join, leave
  std::string_view reason;     // of disconnect
  void each_text(auto&& f) { workspace.each_text(f), f(user_id), f(room_name), f(reason); }
};
struct OrderDone {
  Asker asker;
  std::uint32_t number;
  std::uint32_t done;     // connections it was done to
  std::uint32_t already;  // they were as wanted before
  std::uint32_t refused;  // a limit or the room's home said no
  void each_text(auto&&) {}
};

// Connections of one core, from a slot on, in the order of slots. Texts are empty where they do not
// choose.
struct ListConnections {
  Asker asker;
  std::uint32_t number;  // of the asker's core
  std::uint32_t from_slot;
  std::uint32_t limit;
  Workspace workspace;
  std::string_view user_id;
  std::string_view room_name;
  std::string_view network;  // as Network reads it
  bool is_slow;              // only those for which something is queued
  void each_text(auto&& f) { workspace.each_text(f), f(user_id), f(room_name), f(network); }
};
struct ConnectionsListed {
  Asker asker;
  std::uint32_t number;
  std::uint32_t count;
  std::uint32_t next_slot;       // where the next page goes on
  bool is_end;                   // there is nothing from there on
  std::string_view connections;  // JSON objects, commas between them
  void each_text(auto&& f) { f(connections); }
};

// The first names of one core, of those behind `after`. To every core; each answers once.
enum class NamesOf : std::uint8_t { users, workspaces, one_workspace };
struct ListNames {
  Asker asker;
  std::uint32_t number;  // of the asker's core
  NamesOf of;
  std::uint32_t limit;
  Workspace workspace;
  std::string_view prefix;
  std::string_view after;
  void each_text(auto&& f) { workspace.each_text(f), f(prefix), f(after); }
};
struct NamesListed {
  std::uint32_t number;
  std::string_view names;  // as NameLists writes them
  void each_text(auto&& f) { f(names); }
};

}  // namespace ringroom::realtime
