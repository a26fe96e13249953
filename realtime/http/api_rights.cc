#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/dialect/native_json.h"
#include "realtime/http/api.h"
#include "realtime/session/connection_text.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

using Kind = RightsChange::Kind;
using proto::JsonField;
using proto::JsonValue;

// Room names and patterns alike; a line of a letter.
bool is_room_pattern(std::string_view text) {
  return proto::dialect::native_json::is_room_name(text) && is_pattern(text);
}

void add_line(std::string& lines, const RoomChange& change) {
  if (!lines.empty()) lines += '\n';
  lines += line_of(change);
}

// An array of names of actions; absent is none. nullopt: it is something else.
std::optional<Actions> actions_in(const JsonValue& object, std::string_view field) {
  Actions out;
  const auto list = object.find(field);
  if (!list) return out;
  if (!list->is_array()) return std::nullopt;
  for (const JsonValue item : list->items()) {
    const auto action = action_of(item.string().value_or(""));
    if (!action) return std::nullopt;
    out.add(*action);
  }
  return out;
}

// Only `allow` and `deny`, at least one.
bool is_change(const JsonValue& value) {
  if (!value.is_object() || value.size() == 0) return false;
  for (const JsonField field : value.fields())
    if (field.name != "allow" && field.name != "deny") return false;
  return true;
}

}  // namespace

std::optional<std::uint64_t> Api::until_in(Session& session, const JsonValue& body) {
  const std::uint64_t now_s = shard_.wall_ms / 1'000;
  const auto value = body.find("expires");
  if (!value) return now_s + shard_.node.config.revocation_keep_ms / 1'000;
  const auto number = value->number();
  if (!number || !(*number > static_cast<double>(now_s)) || *number > 1e12) {
    refuse(session, "expires", "must be seconds since 1970, in the future");
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*number);
}

std::optional<std::string_view> Api::user_in(Session& session, const JsonValue& body) {
  const auto value = body.find("user");
  const auto name = value ? value->string() : std::nullopt;
  if (!name || !proto::dialect::native_json::is_room_name(*name) ||
      name->size() > bounds::token_subject_bytes_max) {
    refuse(session, "user", "is required: 1 to 128 bytes without control characters");
    return std::nullopt;
  }
  return name;
}

void Api::block_or_unblock(Session& session, const proto::Request& request, Kind kind) {
  static constexpr std::string_view fields[] = {"user", "rooms", "expires"};
  const bool is_block = kind == Kind::block;
  const auto body =
      body_of(session, request, std::span(fields).first(is_block ? std::size(fields) : 2));
  if (!body) return;
  const auto user = user_in(session, *body);
  if (!user) return;
  const auto rooms = names_in(session, *body, "rooms");
  if (!rooms) return;
  if (body->find("rooms") && rooms->empty())
    return refuse(session, "rooms", "is empty; leave it out if all of them are meant");
  if (rooms->size() > LiveRights::room_changes_max)
    return refuse(session, "rooms", "holds more than 256 names");
  std::string lines;
  for (const std::string_view room : *rooms) {
    if (!is_room_pattern(room))
      return refuse(session, "rooms", "holds a pattern with more than four `*`");
    add_line(lines, {.pattern = std::string(room), .allowed = {}, .denied = {}});
  }
  const auto until_s = until_in(session, *body);
  if (!until_s) return;
  const NameIn name(workspace_, *user);
  const Asker asker = asker_of(session);
  shard_.revoking.begin(RightsChange{.asker = asker,
                                     .number = 0,
                                     .kind = kind,
                                     .workspace = workspace_,
                                     .connection = nobody,
                                     .user = name,
                                     .rooms = lines,
                                     .allowed = {},
                                     .denied = {},
                                     .until_s = *until_s});
}

void Api::block(Session& session, const proto::Request& request) {
  block_or_unblock(session, request, Kind::block);
}

void Api::unblock(Session& session, const proto::Request& request) {
  block_or_unblock(session, request, Kind::unblock);
}

std::optional<std::string> Api::room_changes_in(Session& session, const JsonValue& body) {
  static constexpr std::string_view what =
      R"(must be an object such as {"chat:*":{"allow":["join"],"deny":["publish"]}})";
  std::string lines;
  const auto rooms = body.find("rooms");
  if (!rooms) return lines;
  if (!rooms->is_object() || rooms->size() > LiveRights::room_changes_max) {
    refuse(session, "rooms", what);
    return std::nullopt;
  }
  for (const JsonField room : rooms->fields()) {
    const auto allowed = is_change(room.value) ? actions_in(room.value, "allow") : std::nullopt;
    const auto denied = allowed ? actions_in(room.value, "deny") : std::nullopt;
    if (!denied || !is_room_pattern(room.name)) {
      refuse(session, "rooms", what);
      return std::nullopt;
    }
    add_line(lines, {.pattern = std::string(room.name), .allowed = *allowed, .denied = *denied});
  }
  return lines;
}

std::optional<std::vector<std::uint64_t>> Api::permissions_in(Session& session,
                                                              const JsonValue& body,
                                                              std::string_view field) {
  std::vector<std::uint64_t> out;
  const auto change = body.find("permissions");
  const auto list = change ? change->find(field) : std::nullopt;
  bool is_good = !change || is_change(*change);
  if (list) {
    is_good = is_good && list->is_array() && list->size() <= bounds::token_rows_max;
    if (is_good)
      for (const JsonValue item : list->items()) {
        const std::string_view name = item.string().value_or("");
        is_good = is_good && !name.empty() && name.size() <= proto::permission_bytes_max;
        out.push_back(shard_.node.permission(name));
      }
  }
  if (!is_good) {
    refuse(session, "permissions",
           R"(must be an object such as {"allow":["premium:view"],"deny":["staff:view"]})");
    return std::nullopt;
  }
  return out;
}

void Api::grants(Session& session, const proto::Request& request) {
  static constexpr std::string_view fields[] = {"user", "connection", "rooms", "permissions",
                                                "expires"};
  const auto body = body_of(session, request, fields);
  if (!body) return;
  std::string_view user;
  ConnectionId connection = nobody;
  if (const auto value = body->find("connection")) {
    const auto id = value->string() ? ConnectionText::parse(*value->string()) : std::nullopt;
    if (!id || id->core >= shard_.node.cores || body->find("user"))
      return refuse(session, "connection",
                    "must be a connection_id of connection_ack, and stands instead of `user`");
    connection = *id;
  } else {
    const auto name = user_in(session, *body);
    if (!name) return;
    user = *name;
  }
  const auto rooms = room_changes_in(session, *body);
  if (!rooms) return;
  const auto allowed = permissions_in(session, *body, "allow");
  if (!allowed) return;
  const auto denied = permissions_in(session, *body, "deny");
  if (!denied) return;
  const auto until_s = until_in(session, *body);
  if (!until_s) return;
  const NameIn name(workspace_, user);
  const bool is_of_user = connection == nobody;
  const Asker asker = asker_of(session);
  shard_.revoking.begin(RightsChange{.asker = asker,
                                     .number = 0,
                                     .kind = Kind::grant,
                                     .workspace = workspace_,
                                     .connection = connection,
                                     .user = is_of_user ? ScopedName(name) : ScopedName(),
                                     .rooms = *rooms,
                                     .allowed = PermissionView(*allowed).bytes(),
                                     .denied = PermissionView(*denied).bytes(),
                                     .until_s = *until_s});
}

}  // namespace ringroom::realtime
