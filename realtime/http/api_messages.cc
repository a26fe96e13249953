#include <algorithm>

#include "realtime/access/grants.h"
#include "realtime/http/api.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// What is critical does not wait.
std::uint8_t hours_of(const Arguments& said) {
  return said.priority("priority") == proto::Priority::critical
             ? std::uint8_t{0}
             : static_cast<std::uint8_t>(said.number("quiet_hours"));
}

}  // namespace

std::uint64_t Api::permission_of(const Arguments& said) const {
  return said.has("requires") ? shard_.node.permission(said.text("requires")) : no_permission;
}

void Api::publish(Session& session, const Arguments& said) {
  const std::string_view room = said.text("room");
  if (has_star(room))
    return refuse(session,
                  said.fault("room", "is a pattern; POST /api/broadcast takes those, in `rooms`"));
  const bool remove = said.flag("remove");
  if (remove && !said.has("key"))
    return refuse(session, said.fault("remove", "takes a value away: say whose, in `key`"));
  if (said.has("quiet_hours") && is_off(session, Feature::quiet_hours)) return;
  const std::uint8_t quiet_hours = hours_of(said);
  if (quiet_hours != 0 && said.has("expected_version"))
    return refuse(
        session, said.fault("expected_version",
                            "cannot be said of what waits for quiet_hours; leave one of them out"));
  if (said.has("requires") && said.has("key"))
    return refuse(session, said.fault("requires",
                                      "cannot be said of a value that the room keeps; "
                                      "leave out `key`"));
  const std::string_view payload = said.text("payload");
  const NameIn name(workspace_, room);
  const RoomId id = shard_.node.room_id(name);
  const CoreId home = shard_.node.home_of(id);
  if (!shard_.accepts_mail(home, payload.size())) {
    shard_.counters.refused_limit_total.add();
    return shard_.exchanges.refuse(session, proto::ErrorCode::unavailable,
                                   "the room's core does not keep up; try again shortly");
  }
  shard_.send(home, Publish{.room = id,
                            .room_name = name,
                            .from = shard_.connection_id(session),
                            .type = said.text("type"),
                            .sender = {},
                            .message_id = said.text("message_id"),
                            .payload = payload,
                            .payload_kind = PayloadKind::json,
                            .ephemeral = false,
                            .can_wait = false,
                            .wants_answer = true,
                            .exchange = shard_.exchanges.wait(session),
                            .exclude = said.connection("exclude"),
                            .remove = remove,
                            .expected_version = said.number("expected_version", any_version),
                            .key = said.text("key"),
                            .priority = said.priority("priority"),
                            .quiet_hours = quiet_hours,
                            .since = shard_.stages.stamp(),
                            .permission = permission_of(said)});
}

void Api::publish_to_users(Session& session, const Arguments& said) {
  if (said.has("quiet_hours") && is_off(session, Feature::quiet_hours)) return;
  const std::uint8_t quiet_hours = hours_of(said);
  if (quiet_hours != 0 && shard_.namespaces().personal() == nullptr)
    return refuse(session, said.fault("quiet_hours",
                                      "needs the namespace `user`, in which what is for users "
                                      "waits"));
  shard_.broadcasts.begin(session, {.workspace = workspace_,
                                    .type = said.text("type"),
                                    .payload = said.text("payload"),
                                    .rooms = {},
                                    .users = said.names("users"),
                                    .connections = {},
                                    .everybody = false,
                                    .exclude = said.connection("exclude"),
                                    .priority = said.priority("priority"),
                                    .quiet_hours = quiet_hours,
                                    .permission = permission_of(said)});
}

void Api::broadcast(Session& session, const Arguments& said) {
  const auto rooms = said.names("rooms");
  const auto users = said.names("users");
  const auto connections = said.connections("connections");
  const bool everybody = !said.has("rooms") && !said.has("users") && !said.has("connections");
  if (said.has("quiet_hours") && is_off(session, Feature::quiet_hours)) return;
  const std::uint8_t quiet_hours = hours_of(said);
  const bool has_personal = shard_.namespaces().personal() != nullptr;
  if (quiet_hours != 0 && (everybody || !connections.empty() || (!users.empty() && !has_personal)))
    return refuse(session, said.fault("quiet_hours",
                                      "is for what goes to rooms: to `rooms`, or to `users` where "
                                      "the server has the namespace `user`"));
  for (const std::string_view room : rooms)
    if (has_star(room) && !is_pattern(room))
      return refuse(session, said.fault("rooms", "holds a pattern with more than four `*`"));
  if (static_cast<std::size_t>(std::ranges::count_if(rooms, has_star)) >
      bounds::broadcast_patterns_max)
    return refuse(session,
                  said.fault("rooms", "holds more than 16 patterns; make several requests of it"));
  shard_.broadcasts.begin(session, {.workspace = workspace_,
                                    .type = said.text("type"),
                                    .payload = said.text("payload"),
                                    .rooms = rooms,
                                    .users = users,
                                    .connections = connections,
                                    .everybody = everybody,
                                    .exclude = said.connection("exclude"),
                                    .priority = said.priority("priority"),
                                    .quiet_hours = quiet_hours,
                                    .permission = permission_of(said)});
}

}  // namespace ringroom::realtime
