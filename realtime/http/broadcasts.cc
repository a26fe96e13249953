#include "realtime/http/broadcasts.h"

#include <string>
#include <vector>

#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "proto/json_object.h"
#include "realtime/access/grants.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

void add_line(std::string& lines, std::string_view line) {
  if (!lines.empty()) lines += '\n';
  lines += line;
}

}  // namespace

Broadcasts::Broadcasts(Shard& shard) : shard_(shard), frame_(shard.heap), body_(shard.heap) {}

void Broadcasts::begin(Session& session, const Request& request) {
  // What each core has to look after: the names at home there, and every pattern.
  std::vector<std::string> rooms(shard_.node.cores), personal(shard_.node.cores);
  const auto home_of = [&](std::string_view room) {
    return shard_.node.home_of(shard_.node.room_id(NameIn(request.workspace, room))).value;
  };
  for (const std::string_view room : request.rooms) {
    if (has_star(room)) {
      for (std::string& lines : rooms) add_line(lines, room);
    } else {
      add_line(rooms[home_of(room)], room);
    }
  }
  // What is for a user goes to the user's room where there is one, and may wait there; else it is
  // for those who are connected.
  const bool has_personal = shard_.namespaces().personal() != nullptr;
  std::string users;
  for (const std::string_view user : request.users) {
    if (!has_personal) {
      add_line(users, user);
      continue;
    }
    const std::string room = std::string(personal_prefix).append(user);
    add_line(personal[home_of(room)], room);
  }

  const auto refuse = [&](std::string_view message) {
    shard_.counters.refused_limit_total.add();
    shard_.exchanges.refuse(session, proto::ErrorCode::unavailable, message);
  };
  if (broadcasts_.size() >= bounds::broadcasts_max)
    return refuse("as many broadcasts as may be are under way; try again shortly");
  for (std::uint16_t core = 0; core < shard_.node.cores; ++core)
    if (!shard_.accepts_mail(CoreId{core}, rooms[core].size() + personal[core].size() +
                                               users.size() + 2 * request.payload.size()))
      return refuse("a core does not keep up; try again shortly");

  const auto is_asked = [&](std::size_t core) {
    return !rooms[core].empty() || !personal[core].empty();
  };
  std::size_t waiting = request.everybody ? shard_.node.cores : 0;
  for (std::size_t core = 0; core < rooms.size(); ++core) waiting += is_asked(core) ? 1 : 0;
  const Counts counts{.users = request.users.size(),
                      .connections = request.connections.size(),
                      .everybody = request.everybody};
  const ConnectionId to = shard_.connection_id(session);
  const std::uint32_t number = next_++;
  if (waiting == 0) {
    tell(request, users, to, number);
    return shard_.exchanges.respond(
        session, {.status = 200, .content_type = "application/json", .body = write(counts)});
  }
  // Before the first is asked: rooms at home here answer at once.
  broadcasts_.emplace(number,
                      Broadcast{.asker = {.to = to, .exchange = shard_.exchanges.wait(session)},
                                .waiting = waiting,
                                .counts = counts});
  tell(request, users, to, number);
  for (std::uint16_t core = 0; core < shard_.node.cores; ++core)
    if (is_asked(core))
      shard_.send(CoreId{core}, ReachRooms{.to = to,
                                           .number = number,
                                           .workspace = request.workspace,
                                           .rooms = rooms[core],
                                           .personal = personal[core],
                                           .type = request.type,
                                           .payload = request.payload,
                                           .exclude = request.exclude,
                                           .priority = request.priority,
                                           .quiet_hours = request.quiet_hours,
                                           .permission = request.permission});
}

// Those who are not reached through a room.
void Broadcasts::tell(const Request& request, std::string_view users, const ConnectionId& to,
                      std::uint32_t number) {
  if (!request.everybody && users.empty() && request.connections.empty()) return;
  const MessageId::Text id = shard_.message_ids.next(shard_.wall_ms).text();
  frame_.clear();
  proto::dialect::native_json::append_frame(proto::Publication{.type = request.type,
                                                               .room = {},
                                                               .sequence = 0,
                                                               .message_id = {id.data(), id.size()},
                                                               .correlation_id = {},
                                                               .sender = {},
                                                               .timestamp_ms = shard_.wall_ms,
                                                               .payload = request.payload},
                                            frame_);
  if (request.everybody)
    shard_.send_to_all(ToEverybody{.to = to,
                                   .number = number,
                                   .workspace = request.workspace,
                                   .frame = frame_.text(),
                                   .exclude = request.exclude,
                                   .permission = request.permission});
  if (!users.empty())
    shard_.send_to_all(ToUsers{.workspace = request.workspace,
                               .user_ids = users,
                               .frame = frame_.text(),
                               .exclude = request.exclude,
                               .permission = request.permission});
  for (const ConnectionId& connection : request.connections)
    if (!(connection == request.exclude))
      shard_.send(CoreId{connection.core}, ToNamed{.workspace = request.workspace,
                                                   .to = connection,
                                                   .frame = frame_.text(),
                                                   .permission = request.permission});
}

void Broadcasts::receive(const RoomsReached& reached) {
  const auto found = broadcasts_.find(reached.number);
  RR_CHECK(found != broadcasts_.end());  // each core that was asked answers once
  Broadcast& broadcast = found->second;
  broadcast.counts.rooms += reached.reached;
  broadcast.counts.rooms_refused += reached.refused;
  if (--broadcast.waiting > 0) return;
  const Broadcast done = broadcast;
  broadcasts_.erase(found);  // the answer may make room for the next one
  const ConnectionId& to = done.asker.to;
  Session* session = shard_.sessions.find({.slot = to.slot, .generation = to.generation});
  if (session == nullptr || session->state == SessionState::draining) return;
  shard_.exchanges.answer(
      *session, done.asker.exchange,
      {.status = 200, .content_type = "application/json", .body = write(done.counts)});
}

std::string_view Broadcasts::write(const Counts& counts) {
  body_.clear();
  proto::JsonObject object(body_);
  object.number("rooms", counts.rooms);
  object.number_if_any("rooms_refused", counts.rooms_refused);
  object.number("users", counts.users);
  object.number("connections", counts.connections);
  object.flag("everybody", counts.everybody);
  object.end();
  body_.append('\n');
  return body_.text();
}

}  // namespace ringroom::realtime
