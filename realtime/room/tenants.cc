#include "realtime/room/tenants.h"

#include "base/check.h"

namespace ringroom::realtime {

bool Tenants::is_full(Workspace workspace, std::uint64_t rooms_max) const {
  const std::uint64_t max = node_.share_of_core(rooms_max);
  if (max == 0) return false;
  const auto found = tenants_.find(workspace.id());
  return found != tenants_.end() && found->second->rooms >= max;
}

WorkspaceCounters* Tenants::begin(Workspace workspace) {
  auto found = tenants_.find(workspace.id());
  if (found == tenants_.end())
    found = tenants_.emplace(workspace.id(), std::make_unique<Tenant>()).first;
  ++found->second->rooms;
  WorkspaceCounters* counters = node_.counters_of(core_, workspace);
  if (counters != nullptr) counters->rooms.add();
  return counters;
}

void Tenants::end(Workspace workspace) {
  const auto found = tenants_.find(workspace.id());
  RR_CHECK(found != tenants_.end());
  if (WorkspaceCounters* counters = node_.counters_of(core_, workspace)) counters->rooms.subtract();
  if (--found->second->rooms == 0) tenants_.erase(found);
}

History::Budget& Tenants::history_of(Workspace workspace, const Namespace& rules) {
  const auto found = tenants_.find(workspace.id());
  RR_CHECK(found != tenants_.end());
  History::Budget& budget = found->second->history[rules.name];
  budget.bytes_max = node_.share_of_core(rules.history_total_bytes);
  return budget;
}

}  // namespace ringroom::realtime
