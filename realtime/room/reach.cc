#include "realtime/room/reach.h"

#include <algorithm>
#include <utility>

#include "realtime/access/grants.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// The rules of grants: a pattern reaches what is for one person only if it says so.
bool reaches(std::string_view pattern, std::string_view room) {
  return (!is_personal(room) || is_personal(pattern)) && matches(pattern, room);
}

// What the names of all rooms that match one of the patterns begin with.
std::string prefix_of(const std::vector<std::string>& patterns) {
  std::string_view prefix = patterns.front();
  for (const std::string_view pattern : patterns) {
    const auto [end, other] = std::ranges::mismatch(prefix, pattern);
    prefix = prefix.substr(0, static_cast<std::size_t>(end - prefix.begin()));
  }
  return std::string(prefix.substr(0, prefix.find('*')));
}

}  // namespace

void Reach::welcome(Room& room) {
  // A copy: who is entered may be in as many rooms as it may, and then its pattern ends.
  const std::span<const PatternTable::Listener> listeners = patterns_.matching(room.name());
  if (listeners.empty()) return;
  welcomed_.assign(listeners.begin(), listeners.end());
  for (const PatternTable::Listener& listener : welcomed_)
    shard_.rooms.enter_by_pattern(room, listener);
}

void Reach::receive(const JoinPattern& join) {
  const PatternTable::Listener listener{
      .connection = join.connection, .ticket = join.ticket, .form = join.form};
  patterns_.add(join.pattern, listener);
  walks_.push_back(
      std::make_unique<Walk>(Walk{.workspace = OwnedWorkspace(join.pattern.workspace()),
                                  .patterns = {std::string(join.pattern.shown())},
                                  .listener = listener,
                                  .to = join.connection}));
}

void Reach::receive(const LeavePattern& leave) {
  patterns_.remove(leave.pattern, leave.connection, leave.ticket);
  for (const std::unique_ptr<Walk>& walk : walks_)
    if (walk->listener && walk->listener->connection == leave.connection &&
        walk->listener->ticket == leave.ticket)
      walk->is_over = true;
}

void Reach::receive(const ReachRooms& request) {
  auto walk = std::make_unique<Walk>(Walk{.workspace = OwnedWorkspace(request.workspace),
                                          .patterns = {},
                                          .to = request.to,
                                          .number = request.number,
                                          .exclude = request.exclude,
                                          .type = std::string(request.type),
                                          .payload = std::string(request.payload),
                                          .priority = request.priority,
                                          .quiet_hours = request.quiet_hours,
                                          .permission = request.permission});
  const auto publish_by_name = [&](std::string_view name) {
    const NameIn room(request.workspace, name);
    const RoomId id = shard_.node.room_id(room);
    if (walk->named.insert(id.value).second) publish(*walk, id, room);
  };
  each_line(request.personal, publish_by_name);
  walk->reached = walk->refused = 0;
  each_line(request.rooms, [&](std::string_view room) {
    if (has_star(room)) return void(walk->patterns.emplace_back(room));
    publish_by_name(room);
  });
  if (walk->patterns.empty()) return answer(*walk);
  walks_.push_back(std::move(walk));
}

void Reach::publish(Walk& walk, RoomId room, ScopedName name) {
  // Whoever publishes without wanting an answer is refused by the count of refusals alone.
  const std::uint64_t before = shard_.counters.refused_limit_total.read();
  shard_.rooms.receive(Publish{.room = room,
                               .room_name = name,
                               .from = nobody,
                               .type = walk.type,
                               .sender = {},
                               .message_id = {},
                               .payload = walk.payload,
                               .payload_kind = PayloadKind::json,
                               .ephemeral = false,
                               .can_wait = false,
                               .wants_answer = false,
                               .exchange = 0,
                               .exclude = walk.exclude,
                               .priority = walk.priority,
                               .quiet_hours = walk.quiet_hours,
                               .permission = walk.permission});
  ++(shard_.counters.refused_limit_total.read() == before ? walk.reached : walk.refused);
}

void Reach::answer(const Walk& walk) {
  const CoreId to{walk.to.core};
  if (walk.listener)
    return shard_.send(to, PatternKnown{.to = walk.to, .ticket = walk.listener->ticket});
  shard_.send(
      to,
      RoomsReached{
          .to = walk.to, .number = walk.number, .reached = walk.reached, .refused = walk.refused});
}

bool Reach::concerns(const Walk& walk, const Room& room) const {
  if (room.is_ending || !(room.name().workspace() == walk.workspace) ||
      walk.named.contains(room.id().value))
    return false;
  return std::ranges::any_of(walk.patterns, [&](const std::string& pattern) {
    return reaches(pattern, room.shown_name());
  });
}

void Reach::begin(Walk& walk) const {
  walk.has_begun = true;
  walk.next = walk.prefix = prefix_of(walk.patterns);
  walk.serial_max = shard_.rooms.index().last_serial();
}

bool Reach::go_on(Walk& walk, std::size_t& looks, std::size_t& hits) {
  if (!walk.has_begun) begin(walk);
  const RoomIndex& index = shard_.rooms.index();
  RoomIndex::Cursor at = index.find(walk.workspace, walk.next, RoomIndex::From::at);
  while (!walk.is_over) {
    Room* const room = at.room();
    if (room == nullptr || !(room->name().workspace() == walk.workspace) ||
        !room->shown_name().starts_with(walk.prefix))
      return true;
    if (looks == 0 || hits == 0) {
      walk.next = room->shown_name();
      return false;
    }
    --looks;
    if (room->serial > walk.serial_max || !concerns(walk, *room)) {
      at.step();
      continue;
    }
    --hits;
    // What is done in it may end it.
    walk.next = room->shown_name();
    if (walk.listener) {
      shard_.rooms.enter_by_pattern(*room, *walk.listener);
    } else {
      publish(walk, room->id(), room->name());
    }
    at = index.find(walk.workspace, walk.next, RoomIndex::From::behind);
  }
  return true;
}

void Reach::walk() {
  std::size_t looks = bounds::walk_looks_per_turn, hits = bounds::walk_hits_per_turn;
  while (!walks_.empty() && go_on(*walks_.front(), looks, hits)) {
    const std::unique_ptr<Walk> done = std::move(walks_.front());
    walks_.pop_front();
    if (!done->is_over) answer(*done);
  }
}

}  // namespace ringroom::realtime
