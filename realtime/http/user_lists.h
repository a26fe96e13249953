#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "alloc/block.h"
#include "realtime/letters.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

class Shard;

// Who is there, by name, a page at a time. A user may be on several cores, so every core says those
// of its users that could be on the page, and the asker's core adds them up.
//
//   begin() --ListUsers--> every core: walk(), a share per turn --UsersListed--> the asker
//
// Owner:  one core. Bounded: it looks at bounds::connection_looks_per_turn sessions in a turn, and
//         keeps no more names than a page has.
class UserLists {
 public:
  explicit UserLists(Shard& shard);

  struct Request {
    std::uint32_t limit;
    Workspace workspace;
    std::string_view prefix;
    std::string_view after;  // names behind this one; empty: from the first on
  };
  void begin(const Asker& asker, const Request& request);
  void receive(const ListUsers& asked);
  void receive(const UsersListed& listed);

  // A share of what was asked of this core.
  void walk();
  bool has_more() const { return !walks_.empty(); }

 private:
  struct Known {
    std::uint32_t connections = 0;
    std::uint32_t rooms = 0;
  };
  // By name, the first of those behind `after`, at most as many as a page has.
  using Users = std::map<std::string, Known, std::less<>>;
  // At the asker's core.
  struct Page {
    Asker asker;
    std::uint32_t limit;
    std::uint32_t waiting;  // cores that have not said theirs
    Users users;
  };
  // Here, for whoever has asked.
  struct Walk {
    Asker asker;
    std::uint32_t number;
    std::uint32_t limit;
    std::uint32_t slot = 0;
    OwnedWorkspace workspace;
    std::string prefix, after;
    Users users;
  };
  bool go_on(Walk& walk, std::size_t& looks);  // true: it is done, and answered
  static void keep(Users& users, std::uint32_t limit, std::string_view name, const Known& known);
  Known known_of(const Walk& walk, std::string_view name) const;
  void finish(Page& page);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Page> pages_;
  std::vector<Walk> walks_;
  alloc::BlockBuilder text_;
};

}  // namespace ringroom::realtime
