#include "realtime/session/listings.h"

#include <algorithm>
#include <utility>

#include "realtime/session/identity.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

proto::RoomDescription description_of(const RoomDescribed& room) {
  return {.room = room.room_name.shown(),
          .owner = room.owner,
          .max_members = room.max_members,
          .is_public = room.is_public,
          .metadata = room.metadata.empty() ? std::string_view("{}") : room.metadata,
          .members = room.members,
          .sequence = room.sequence,
          .epoch = room.epoch,
          .created_ms = room.created_ms};
}

bool Listings::begin(const Request& request) {
  for (const auto& [number, listing] : listings_)
    if (listing.asker.to == request.asker.to) return false;
  const std::uint32_t number = next_++;
  listings_.emplace(number, Listing{.asker = request.asker,
                                    .correlation_id = std::string(request.correlation_id),
                                    .limit = request.limit,
                                    .waiting = shard_.node.cores,
                                    .rooms = {}});
  shard_.send_to_all(ListRooms{.listing = number,
                               .to = request.asker.to,
                               .limit = request.limit,
                               .workspace = request.workspace,
                               .prefix = request.prefix,
                               .after = request.after});
  return true;
}

bool Listings::may_see(const Listing& listing, const RoomDescribed& room) const {
  const Session* session = shard_.sessions.find(
      {.slot = listing.asker.to.slot, .generation = listing.asker.to.generation});
  if (session == nullptr) return false;
  if (session->kind == SessionKind::http) return true;  // it had the API key
  if (session->user == nullptr || !actions_in(*session, room.room_name.shown()).has(Action::join))
    return false;
  return room.is_public || room.owner == session->user->id();
}

void Listings::receive(const RoomDescribed& room) {
  const auto found = listings_.find(room.listing);
  if (found == listings_.end() || !may_see(found->second, room)) return;
  found->second.rooms.push_back({.room = std::string(room.room_name.shown()),
                                 .owner = std::string(room.owner),
                                 .metadata = std::string(room.metadata),
                                 .epoch = std::string(room.epoch),
                                 .description = description_of(room)});
}

void Listings::receive(const RoomsListed& end) {
  const auto found = listings_.find(end.listing);
  if (found == listings_.end() || --found->second.waiting > 0) return;
  Listing listing = std::move(found->second);
  listings_.erase(found);  // the answer may ask for the next one
  finish(listing);
}

void Listings::finish(Listing& listing) {
  Session* session = shard_.sessions.find(
      {.slot = listing.asker.to.slot, .generation = listing.asker.to.generation});
  if (session == nullptr || session->state == SessionState::draining) return;
  std::ranges::sort(listing.rooms, {}, &Kept::room);
  std::vector<proto::RoomDescription> shown;
  for (const Kept& kept : listing.rooms) {
    if (shown.size() == listing.limit) break;
    proto::RoomDescription& description = shown.emplace_back(kept.description);
    description.room = kept.room;
    description.owner = kept.owner;
    description.epoch = kept.epoch;
    if (!kept.metadata.empty()) description.metadata = kept.metadata;
  }
  const proto::RoomList list{
      .correlation_id = listing.correlation_id, .rooms = shown, .count = listing.rooms.size()};
  if (session->kind == SessionKind::http)
    return shard_.exchanges.receive(*session, listing.asker.exchange, list);
  shard_.commands.receive(*session, list);
}

}  // namespace ringroom::realtime
