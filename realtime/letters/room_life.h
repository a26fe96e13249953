#pragma once

#include <cstdint>
#include <string_view>

#include "base/id.h"
#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// The life of rooms (R1): made, described, listed, deleted.

// Room life (R1). The first three are answered with RoomDescribed or Refused.
struct CreateRoom {
  RoomId room = {};
  Asker asker = {};
  ScopedName room_name = {};
  std::string_view correlation_id = {};
  std::string_view owner;     // user id; empty: a backend's
  std::string_view metadata;  // raw JSON, an object; empty: none
  std::uint64_t max_members;  // 0: the namespace's
  bool is_public;
  bool by_client;

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id), f(owner), f(metadata); }
};
struct DeleteRoom {
  RoomId room = {};
  Asker asker = {};
  ScopedName room_name = {};
  std::string_view correlation_id = {};
  std::string_view user_id;
  bool is_granted;  // else only its owner may

  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id), f(user_id); }
};
struct DescribeRoom {
  RoomId room = {};
  Asker asker = {};
  ScopedName room_name = {};
  std::string_view correlation_id = {};

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

// The room is being deleted: its listeners here leave, and are told why.
struct RoomGone {
  RoomId room;
  std::string_view reason;
  void each_text(auto&& f) { f(reason); }
};

}  // namespace ringroom::realtime
