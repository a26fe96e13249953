#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The types of events that a connection has asked for (R10).
//
// Owner: one connection. Bound: `types_max`.
class EventFilter {
 public:
  static constexpr std::size_t types_max = 256;
  // Stands for all of them, those nobody has thought of yet included.
  static constexpr std::string_view every_type = "*";

  // What is heard whatever one has asked for, such as that a room begins anew.
  static constexpr std::uint64_t always = 0;
  bool hears(std::uint64_t type) const {
    return hears_all_ || type == always || std::ranges::binary_search(hashes_, type);
  }
  bool empty() const { return types_.empty(); }
  std::span<const std::string> types() const { return types_; }

 private:
  friend class EventFilters;
  std::vector<std::string> types_;     // sorted
  std::vector<std::uint64_t> hashes_;  // of the same; sorted
  bool hears_all_ = false;
};

// The filters of the event connections of this core. A batch of a room says which types it holds
// and where (EventMark); a listener gets the slices that its filter hears.
//
// Owner:  one core.
// Memory: of connections that have subscribed only: the filter, and 8 bytes for every slot below
//         the highest of theirs.
class EventFilters {
 public:
  explicit EventFilters(Shard& shard) : shard_(shard) {}

  // False, and nothing is changed: more types than a connection may name.
  bool subscribe(const Session& session, std::span<const std::string_view> types);
  void unsubscribe(const Session& session, std::span<const std::string_view> types);
  void close(const Session& session);

  // Of a connection that has not subscribed: one that hears nothing.
  const EventFilter& of(std::uint32_t slot) const {
    static const EventFilter nothing;
    return slot < by_slot_.size() && by_slot_[slot] ? *by_slot_[slot] : nothing;
  }
  std::uint64_t hash(std::string_view type) const;

 private:
  void settle(EventFilter& filter) const;

  Shard& shard_;
  std::vector<std::unique_ptr<EventFilter>> by_slot_;
};

}  // namespace ringroom::realtime
