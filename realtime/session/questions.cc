#include "realtime/session/questions.h"

#include "realtime/shard.h"

namespace ringroom::realtime {

void Questions::create(const About& about, const Creation& creation) {
  const NameIn name(about.workspace, about.room);
  const RoomId room = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(room), CreateRoom{.room = room,
                                                    .asker = about.asker,
                                                    .room_name = name,
                                                    .correlation_id = about.correlation_id,
                                                    .owner = creation.owner,
                                                    .metadata = creation.metadata,
                                                    .max_members = creation.max_members,
                                                    .is_public = creation.is_public,
                                                    .by_client = creation.by_client});
}

void Questions::remove(const About& about, const Removal& removal) {
  const NameIn name(about.workspace, about.room);
  const RoomId room = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(room), DeleteRoom{.room = room,
                                                    .asker = about.asker,
                                                    .room_name = name,
                                                    .correlation_id = about.correlation_id,
                                                    .user_id = removal.user_id,
                                                    .is_granted = removal.is_granted});
}

void Questions::describe(const About& about) {
  const NameIn name(about.workspace, about.room);
  const RoomId room = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(room), DescribeRoom{.room = room,
                                                      .asker = about.asker,
                                                      .room_name = name,
                                                      .correlation_id = about.correlation_id});
}

void Questions::presence(const About& about, Presence what) {
  const NameIn name(about.workspace, about.room);
  const RoomId room = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(room), ReadPresence{.room = room,
                                                      .room_name = name,
                                                      .asker = about.asker,
                                                      .correlation_id = about.correlation_id,
                                                      .counts_only = what == Presence::counts});
}

void Questions::history(const About& about, const Page& page) {
  const NameIn name(about.workspace, about.room);
  const RoomId room = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(room), ReadHistory{.room = room,
                                                     .room_name = name,
                                                     .asker = about.asker,
                                                     .correlation_id = about.correlation_id,
                                                     .limit = page.limit,
                                                     .reverse = page.reverse,
                                                     .since_sequence = page.since.sequence,
                                                     .since_epoch = page.since.epoch,
                                                     .permissions = page.permissions,
                                                     .edition = page.edition});
}

void Questions::clear_history(const About& about) {
  const NameIn name(about.workspace, about.room);
  const RoomId room = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(room), ClearHistory{.room = room,
                                                      .asker = about.asker,
                                                      .room_name = name,
                                                      .correlation_id = about.correlation_id});
}

}  // namespace ringroom::realtime
