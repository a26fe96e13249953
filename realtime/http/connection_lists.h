#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "alloc/block.h"
#include "realtime/access/network.h"
#include "realtime/http/walks.h"
#include "realtime/letters.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// Who is connected, a page at a time: one core after the other, on each by slot.
//
//   begin() --ListConnections--> a core: walk(), a share per turn
//           <--ConnectionsListed--       up to the page's end, or the core's; then the next core
//
// A connection keeps its slot as long as it lives, so one that is there from the first page to the
// last is shown exactly once, whoever comes and goes meanwhile.
//
// Owner:  one core. Bounded: bounds::connection_looks_per_turn slots are looked at in a turn; of a
//         page a core sends what fits into bounds::listed_bytes_max, and the page is shorter then.
class ConnectionLists {
 public:
  explicit ConnectionLists(Shard& shard);

  struct Cursor {
    std::uint16_t core = 0;
    std::uint32_t slot = 0;
  };
  static std::optional<Cursor> parse_cursor(std::string_view text);
  static std::string text_of(const Cursor& cursor);  // 12 hex digits

  struct Request {
    Workspace workspace;
    Cursor cursor;
    std::uint32_t limit;
    std::string_view user_id;  // of these three an empty one chooses nothing
    std::string_view room_name;
    std::string_view network;
    bool is_slow;  // only those for which something is queued
  };
  void begin(const Asker& asker, const Request& request);
  void receive(const ListConnections& asked);
  void receive(const ConnectionsListed& listed);

  // A share of what was asked of this core.
  void walk();
  bool has_more() const { return !walks_.is_empty(); }

 private:
  // At the asker's core.
  struct Page {
    Cursor cursor;
    std::uint32_t limit;
    std::uint32_t count = 0;
    OwnedWorkspace workspace;
    std::string user_id, room_name, network;
    bool is_slow;
    std::string connections;
  };
  // Here, for whoever has asked.
  struct Walk {
    Asker asker;
    std::uint32_t number;
    std::uint32_t slot;
    std::uint32_t limit;
    std::uint32_t count = 0;
    OwnedWorkspace workspace;
    std::string user_id;
    std::optional<RoomId> room;
    std::optional<Network> network;
    bool is_slow;
    std::string connections;
  };
  std::size_t bytes_max() const;
  void ask(const Asker& asker, std::uint32_t number);
  void finish(const Asker& asker, std::uint32_t number, bool is_end);
  bool is_meant(const Walk& walk, Session& session) const;
  void show(Walk& walk, const Session& session);
  std::string_view write(const Session& session);  // until the next call
  // True: it is done, and answered.
  bool go_on(Walk& walk, std::size_t& looks);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Page> pages_;
  Walks<Walk> walks_;
  alloc::BlockBuilder text_;
};

}  // namespace ringroom::realtime
