#include "realtime/room/room_seats.h"

#include "realtime/shard.h"

namespace ringroom::realtime {

// A connection that left and came again is no second one.
const Seats::Holder* RoomSeats::other_holder(const Room& room, const JoinRoom& join) const {
  if (room.seats == nullptr || join.user_id.empty()) return nullptr;
  const Seats::Holder* holder = room.seats->find(shard_.node.hash(join.user_id));
  return holder == nullptr || holder->connection == join.connection ? nullptr : holder;
}

RoomSeats::Place RoomSeats::look(const Room& room, const JoinRoom& join) const {
  if (other_holder(room, join) == nullptr) return Place::free;
  return room.options().duplicate_sessions == DuplicateSessions::refuse ? Place::taken
                                                                        : Place::replaced;
}

std::optional<Seats::Holder> RoomSeats::take(Room& room, const JoinRoom& join) {
  if (room.seats == nullptr || join.user_id.empty()) return std::nullopt;
  std::optional<Seats::Holder> older;
  if (const Seats::Holder* holder = other_holder(room, join)) older = *holder;
  room.seats->give(shard_.node.hash(join.user_id),
                   {.connection = join.connection, .ticket = join.ticket});
  return older;
}

void RoomSeats::end(const Room& room, const Seats::Holder& older) {
  shard_.send(CoreId{older.connection.core},
              Unseat{.room = room.id(), .to = older.connection, .ticket = older.ticket});
}

void RoomSeats::leave(Room& room, const LeaveRoom& leave) {
  if (room.seats == nullptr || leave.user_id.empty()) return;
  room.seats->leave(shard_.node.hash(leave.user_id),
                    {.connection = leave.connection, .ticket = leave.ticket});
}

}  // namespace ringroom::realtime
