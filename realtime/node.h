#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "alloc/footprint.h"
#include "base/id.h"
#include "realtime/access/token_keys.h"
#include "realtime/beat.h"
#include "realtime/config.h"
#include "realtime/counters.h"
#include "realtime/session/active_users.h"
#include "realtime/settings.h"
#include "realtime/watchdog.h"
#include "realtime/workspace.h"
#include "realtime/workspace_counters.h"

namespace ringroom::engine {
class Engine;
}

namespace ringroom::realtime {

// Of EngineOptions::listeners, in their order.
enum class Entrance : std::uint16_t { clients, admin };

// What all shards of this process share: constants after start, counters, three words about its
// end, one limit, and editions of what may change: settings and keys. Everything else a shard knows
// is its own.
//
// Owner:    main; outlives the engine.
// Threads:  any may read; the atomics say who writes.
struct Node {
  Node(const Config& config, std::uint32_t cores);

  RoomId room_id(ScopedName room) const { return RoomId{hash(room.text())}; }
  std::uint64_t hash(std::string_view text) const;
  // What a permission of that name is called within this process; never no_permission.
  std::uint64_t permission(std::string_view name) const {
    return std::max<std::uint64_t>(1, hash(name));
  }
  CoreId home_of(std::uint64_t key) const {
    return CoreId{static_cast<std::uint16_t>(key % cores)};
  }
  // nullptr: the workspace is not counted by itself.
  WorkspaceCounters* counters_of(CoreId core, Workspace workspace) const;
  // Of a limit of the whole process, what one core may take without asking the others; 0: no limit.
  std::uint64_t share_of_core(std::uint64_t limit) const { return (limit + cores - 1) / cores; }
  // What Publish::quiet_hours says for the policy of that name; nullopt: there is none.
  std::optional<std::uint8_t> quiet_hours(std::string_view name) const;
  // Whether it matters where users are.
  bool asks_for_zones() const;
  CoreId home_of(RoomId room) const { return home_of(room.value); }

  // The newest edition. What a shard goes by is its own hold of one (Shard::config()).
  SettingsEditions settings;
  const Config config;  // as it was at the start; for what only a new process can change
  const std::vector<QuietPolicy> quiet_policies;  // in the order of config.quiet_hours
  const std::uint32_t cores;
  // Random per process: nobody outside can choose names that collide.
  const std::uint64_t hash_seed;
  const std::uint64_t started_wall_ms;

  // One per core, written by it.
  std::vector<std::unique_ptr<ShardCounters>> counters;
  std::vector<std::unique_ptr<alloc::Footprint>> footprints;
  std::vector<std::unique_ptr<ActiveUsers>> active_users;
  std::vector<std::unique_ptr<Beat>> beats;
  WatchdogReport watchdog;
  // By core, and then in the order of config.counted_workspaces; the same.
  std::vector<std::unique_ptr<WorkspaceCounters[]>> workspace_counters;
  // Set by main once the engine runs; for /metrics.
  std::atomic<const engine::Engine*> engine{nullptr};

  // What POST /admin/drain calls, on a core; null: whoever runs this node does not offer it. Set by
  // main before the engine runs.
  void (*ask_to_drain)() = nullptr;
  // Draining: /ready says no. Written by main.
  std::atomic<bool> draining{false};
  // Shards that still have sessions, mail or lent blocks. A shard leaves when it is zero.
  std::atomic<std::uint32_t> busy_shards;

  // What tokens are held against. Changed by main and by the thread that fetches keys.
  TokenKeys token_keys;

  // Connections that keep a compression context, of compression-contexts-max. Written by any shard,
  // at a handshake and at its connection's end.
  std::atomic<std::uint64_t> deflate_contexts{0};
};

}  // namespace ringroom::realtime
