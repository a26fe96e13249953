#include "realtime/access/permissions.h"

#include "base/check.h"

namespace ringroom::realtime {

PermissionSets::Number PermissionSets::hold(std::vector<std::uint64_t> permissions) {
  if (permissions.empty()) return none;
  std::ranges::sort(permissions);
  permissions.erase(std::unique(permissions.begin(), permissions.end()), permissions.end());
  const auto [set, is_new] = numbers_.try_emplace(std::move(permissions));
  if (is_new) {
    if (spare_.empty()) {
      sets_.push_back(set);
      spare_.push_back(static_cast<Number>(sets_.size()));
    }
    set->second.number = spare_.back();
    spare_.pop_back();
    sets_[set->second.number - 1] = set;
  }
  ++set->second.holders;
  return set->second.number;
}

void PermissionSets::let_go(Number number) {
  if (number == none) return;
  const Numbers::iterator set = sets_[number - 1];
  RR_CHECK(set->second.holders > 0);
  if (--set->second.holders > 0) return;
  spare_.push_back(number);
  numbers_.erase(set);
}

}  // namespace ringroom::realtime
