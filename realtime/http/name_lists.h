#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "alloc/block.h"
#include "realtime/http/walks.h"
#include "realtime/letters.h"
#include "realtime/session/session.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

class Shard;

// Who is there, by name, a page at a time: the users of a workspace, or the workspaces. Either may
// be on several cores, so every core says those of its names that could be on the page, and the
// asker's core adds them up.
//
//   begin() --ListNames--> every core: walk(), a share per turn --NamesListed--> the asker
//
// Workspaces are those with a connection, and those that the configuration names.
//
// Owner:  one core. Bounded: it looks at bounds::connection_looks_per_turn sessions in a turn, and
//         keeps no more names than a page has.
class NameLists {
 public:
  explicit NameLists(Shard& shard);

  struct Request {
    NamesOf of;
    std::uint32_t limit;
    Workspace workspace;
    std::string_view prefix;
    std::string_view after;  // names behind this one; empty: from the first on
  };
  void begin(const Asker& asker, const Request& request);
  void receive(const ListNames& asked);
  void receive(const NamesListed& listed);

  // A share of what was asked of this core.
  void walk();
  bool has_more() const { return !walks_.is_empty(); }

 private:
  struct Known {
    std::uint32_t connections = 0;
    std::uint32_t rooms = 0;  // of a user
  };
  // By name, the first of those behind `after`, at most as many as a page has.
  using Names = std::map<std::string, Known, std::less<>>;
  // At the asker's core.
  struct Page {
    Asker asker;
    NamesOf of;
    std::uint32_t limit;
    std::uint32_t waiting;  // cores that have not said theirs
    Names names;
  };
  // Here, for whoever has asked.
  struct Walk {
    Asker asker;
    std::uint32_t number;
    NamesOf of;
    std::uint32_t limit;
    std::uint32_t slot = 0;
    OwnedWorkspace workspace;
    std::string prefix, after;
    Names names;
  };
  void add_configured(Page& page, const Request& request) const;
  bool go_on(Walk& walk, std::size_t& looks);  // true: it is done, and answered
  static void look(Walk& walk, const Session& session);
  static void keep(Names& names, std::uint32_t limit, std::string_view name, const Known& known);
  Known known_of(const Walk& walk, std::string_view user) const;
  void finish(const Page& page);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Page> pages_;
  Walks<Walk> walks_;
  alloc::BlockBuilder text_;
};

}  // namespace ringroom::realtime
