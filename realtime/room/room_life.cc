#include "realtime/room/room_life.h"

#include <memory>
#include <utility>

#include "realtime/letters/refusal.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

template <class Request>
void RoomLife::refuse(const Request& request, RefusedBecause reason) {
  if (reason == RefusedBecause::too_many_rooms || reason == RefusedBecause::workspace_full)
    shard_.counters.refused_limit_total.add();
  shard_.answer(refusal_of(request, reason));
}

void RoomLife::describe(const Room& room, const Question& question) {
  const Room::Profile* profile = room.profile.get();
  shard_.answer(
      RoomDescribed{.asker = question.asker,
                    .why = question.why,
                    .is_public = profile == nullptr || profile->is_public,
                    .listing = question.listing,
                    .members = room.member_count(),
                    .correlation_id = question.correlation_id,
                    .room_name = room.name(),
                    .owner = profile == nullptr ? std::string_view() : profile->owner,
                    .metadata = profile == nullptr ? std::string_view() : profile->metadata,
                    .epoch = room.epoch(),
                    .max_members = room.members_max(),
                    .sequence = room.last().value,
                    .created_ms = room.created_wall_ms});
}

void RoomLife::receive(const CreateRoom& create) {
  std::shared_ptr<const Namespace> rules = shard_.namespaces().hold(create.room_name.shown());
  if (rules == nullptr) return refuse(create, RefusedBecause::unknown_namespace);
  if (create.by_client && !rules->client_create)
    return refuse(create, RefusedBecause::no_client_rooms);
  if (shard_.rooms.holds(create.room)) return refuse(create, RefusedBecause::room_exists);
  const auto made = shard_.rooms.make(create.room, create.room_name, std::move(rules));
  if (!made) return refuse(create, made.error());
  (*made)->profile =
      std::make_unique<const Room::Profile>(Room::Profile{.owner = std::string(create.owner),
                                                          .metadata = std::string(create.metadata),
                                                          .max_members = create.max_members,
                                                          .is_public = create.is_public});
  describe(
      **made,
      {.why = Described::created, .asker = create.asker, .correlation_id = create.correlation_id});
}

void RoomLife::receive(const DeleteRoom& remove) {
  Room* room = shard_.rooms.find(remove.room, remove.room_name);
  if (room == nullptr) return refuse(remove, RefusedBecause::no_room);
  const bool is_owner =
      room->profile != nullptr && !remove.user_id.empty() && room->profile->owner == remove.user_id;
  if (!remove.is_granted && !is_owner) return refuse(remove, RefusedBecause::not_the_owner);
  describe(
      *room,
      {.why = Described::deleted, .asker = remove.asker, .correlation_id = remove.correlation_id});
  shard_.rooms.end(*room, "deleted");
}

void RoomLife::receive(const DescribeRoom& asked) {
  const Room* room = shard_.rooms.find(asked.room, asked.room_name);
  if (room == nullptr) return refuse(asked, RefusedBecause::no_room);
  describe(*room,
           {.why = Described::asked, .asker = asked.asker, .correlation_id = asked.correlation_id});
}

// The first of this core's rooms by name: all cores together have those of the page.
void RoomLife::receive(const ListRooms& list) {
  const Question question{
      .why = Described::listed, .asker = {.to = list.to, .exchange = 0}, .listing = list.listing};
  const bool is_further = list.after >= list.prefix;
  RoomIndex::Cursor at =
      shard_.rooms.index().find(list.workspace, is_further ? list.after : list.prefix,
                                is_further ? RoomIndex::From::behind : RoomIndex::From::at);
  for (std::uint32_t left = list.limit; left > 0; at.step()) {
    const Room* const room = at.room();
    if (room == nullptr || !(room->name().workspace() == list.workspace) ||
        !room->shown_name().starts_with(list.prefix))
      break;
    if (room->is_ending) continue;
    --left;
    describe(*room, question);
  }
  shard_.send(CoreId{list.to.core}, RoomsListed{.to = list.to, .listing = list.listing});
}

}  // namespace ringroom::realtime
