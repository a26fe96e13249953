#include "realtime/session/event_filters.h"

#include "realtime/shard.h"

namespace ringroom::realtime {

std::uint64_t EventFilters::hash(std::string_view type) const {
  // The one value that means something else; a type that had it would be one of 2^64.
  return std::max<std::uint64_t>(1, shard_.node.hash(type));
}

// After every change, which is rare: the filter is asked for each listener of each batch.
void EventFilters::settle(EventFilter& filter) const {
  filter.hashes_.clear();
  for (const std::string& type : filter.types_) filter.hashes_.push_back(hash(type));
  std::ranges::sort(filter.hashes_);
  filter.hears_all_ = std::ranges::binary_search(filter.types_, EventFilter::every_type);
}

bool EventFilters::subscribe(const Session& session, std::span<const std::string_view> types) {
  const std::uint32_t slot = session.socket.slot;
  if (slot >= by_slot_.size()) by_slot_.resize(slot + 1);
  if (!by_slot_[slot]) by_slot_[slot] = std::make_unique<EventFilter>();
  EventFilter& filter = *by_slot_[slot];
  std::vector<std::string> wanted(filter.types_);
  wanted.insert(wanted.end(), types.begin(), types.end());
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  if (wanted.size() > EventFilter::types_max) return false;
  filter.types_ = std::move(wanted);
  settle(filter);
  return true;
}

void EventFilters::unsubscribe(const Session& session, std::span<const std::string_view> types) {
  const std::uint32_t slot = session.socket.slot;
  if (slot >= by_slot_.size() || !by_slot_[slot]) return;
  EventFilter& filter = *by_slot_[slot];
  std::erase_if(filter.types_, [types](const std::string& type) {
    return std::ranges::find(types, type) != types.end();
  });
  settle(filter);
}

void EventFilters::close(const Session& session) {
  const std::uint32_t slot = session.socket.slot;
  if (slot < by_slot_.size()) by_slot_[slot].reset();
}

}  // namespace ringroom::realtime
