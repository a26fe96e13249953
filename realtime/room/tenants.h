#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "realtime/node.h"
#include "realtime/room/history.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// What the rooms of one workspace that are at home on this core have together: their number
// (`rooms-per-workspace-max`), what they remember of each namespace (`history-total-bytes`), and
// where they are counted (`workspace-metrics`).
//
// Owner:   one core. Bounded: a workspace without rooms is forgotten.
class Tenants {
 public:
  explicit Tenants(const Node& node, CoreId core) : node_(node), core_(core) {}

  // A room comes to be, and is forgotten. The limit is of all cores; 0 is none.
  bool is_full(Workspace workspace, std::uint64_t rooms_max) const;
  // Where its publications are counted by themselves; nullptr: nowhere.
  WorkspaceCounters* begin(Workspace workspace);
  void end(Workspace workspace);

  // Of a workspace that has a room.
  History::Budget& history_of(Workspace workspace, const Namespace& rules);

 private:
  struct Tenant {
    std::uint64_t rooms = 0;
    std::unordered_map<std::string, History::Budget> history;  // by namespace
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Table = std::unordered_map<std::string, std::unique_ptr<Tenant>, TextHash, std::equal_to<>>;

  const Node& node_;
  const CoreId core_;
  Table tenants_;  // by the id
};

}  // namespace ringroom::realtime
