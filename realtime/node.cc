#include "realtime/node.h"

#include <sys/random.h>
#include <xxhash.h>

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"

namespace ringroom::realtime {

namespace {

std::uint64_t random_word() {
  std::uint64_t word = 0;
  RR_CHECK(getrandom(&word, sizeof word, 0) == sizeof word);
  return word;
}

std::vector<QuietPolicy> compile_all(const std::vector<QuietHours>& hours) {
  std::vector<QuietPolicy> out;
  for (const QuietHours& each : hours) out.push_back(*compile(each));  // settle() has tried
  return out;
}

}  // namespace

Node::Node(const Config& config_, std::uint32_t cores_)
    : settings(config_),
      config(config_),
      quiet_policies(compile_all(config_.quiet_hours)),
      cores(cores_),
      hash_seed(random_word()),
      started_wall_ms(wall_ms()),
      busy_shards(cores_) {
  for (std::uint32_t core = 0; core < cores; ++core) {
    counters.push_back(std::make_unique<ShardCounters>());
    footprints.push_back(std::make_unique<alloc::Footprint>());
    workspace_counters.push_back(
        std::make_unique<WorkspaceCounters[]>(config.counted_workspaces.size()));
    active_users.push_back(std::make_unique<ActiveUsers>());
    beats.push_back(std::make_unique<Beat>());
  }
}

std::uint64_t Node::hash(std::string_view text) const {
  return XXH3_64bits_withSeed(text.data(), text.size(), hash_seed);
}

WorkspaceCounters* Node::counters_of(CoreId core, Workspace workspace) const {
  const auto& counted = config.counted_workspaces;
  const auto found = std::ranges::find(counted, workspace.id());
  return found == counted.end()
             ? nullptr
             : &workspace_counters[core.value][static_cast<std::size_t>(found - counted.begin())];
}

std::optional<std::uint8_t> Node::quiet_hours(std::string_view name) const {
  const auto found = std::ranges::find(config.quiet_hours, name, &QuietHours::name);
  if (found == config.quiet_hours.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - config.quiet_hours.begin() + 1);
}

bool Node::asks_for_zones() const {
  return std::ranges::any_of(quiet_policies, [](const QuietPolicy& each) { return !each.zone; });
}

}  // namespace ringroom::realtime
