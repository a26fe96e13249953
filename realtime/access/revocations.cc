#include "realtime/access/revocations.h"

#include <algorithm>
#include <limits>
#include <string>

#include "realtime/node.h"

namespace ringroom::realtime {

namespace {

constexpr std::uint64_t ever_s = std::numeric_limits<std::uint64_t>::max();

}  // namespace

std::uint64_t Revocations::key_of(Kind kind, Workspace workspace, std::string_view name) const {
  std::string text(1, static_cast<char>('0' + static_cast<int>(kind)));
  return node_.hash(text.append(ScopedName(NameIn(workspace, name)).text()));
}

bool Revocations::add(const Order& order, std::uint64_t now_s) {
  const std::uint64_t key = key_of(order.kind, order.workspace, order.name);
  const std::uint64_t before_s = order.kind == Kind::token ? ever_s : order.issued_before_s;
  if (const auto found = entries_.find(key); found != entries_.end()) {
    // The wider of the two in both directions: nothing that was taken back comes alive again.
    found->second.issued_before_s = std::max(found->second.issued_before_s, before_s);
    found->second.until_s = std::max(found->second.until_s, order.until_s);
    return true;
  }
  if (entries_.size() >= node_.config.revocations_max)
    std::erase_if(entries_, [now_s](const auto& entry) { return entry.second.until_s <= now_s; });
  if (entries_.size() >= node_.config.revocations_max) return false;
  entries_.emplace(key, Entry{.issued_before_s = before_s, .until_s = order.until_s});
  return true;
}

const Revocations::Entry* Revocations::find(std::uint64_t key, std::uint64_t now_s) const {
  const auto found = entries_.find(key);
  return found == entries_.end() || found->second.until_s <= now_s ? nullptr : &found->second;
}

bool Revocations::covers(const Claims& claims, std::uint64_t now_s) const {
  if (entries_.empty()) return false;
  const Workspace workspace = workspace_of(claims);
  if (!claims.id.empty() && find(key_of(Kind::token, workspace, claims.id), now_s) != nullptr)
    return true;
  for (const Entry* entry : {find(key_of(Kind::user, workspace, claims.user), now_s),
                             find(key_of(Kind::all, workspace, {}), now_s)})
    if (entry != nullptr && claims.issued_s < entry->issued_before_s) return true;
  return false;
}

bool Revocations::is_meant(const Order& order, const TokenMark& mark) const {
  if (order.kind == Kind::token)
    return mark.id_hash == key_of(Kind::token, order.workspace, order.name);
  return mark.issued_s < order.issued_before_s;
}

TokenMark Revocations::mark_of(const Claims& claims) const {
  return {.id_hash = claims.id.empty() ? 0 : key_of(Kind::token, workspace_of(claims), claims.id),
          .issued_s = claims.issued_s};
}

}  // namespace ringroom::realtime
