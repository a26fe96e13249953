#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/dialect/native_json.h"
#include "realtime/http/api.h"
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

// Lines of a letter; nullopt: it is no such object.
std::optional<std::string> room_changes_in(const JsonValue& rooms) {
  std::string lines;
  if (rooms.size() > LiveRights::room_changes_max) return std::nullopt;
  for (const JsonField room : rooms.fields()) {
    const auto allowed = is_change(room.value) ? actions_in(room.value, "allow") : std::nullopt;
    const auto denied = allowed ? actions_in(room.value, "deny") : std::nullopt;
    if (!denied || !is_room_pattern(room.name)) return std::nullopt;
    add_line(lines, {.pattern = std::string(room.name), .allowed = *allowed, .denied = *denied});
  }
  return lines;
}

// Hashes of what `field` lists; nullopt: it is no list of permissions.
std::optional<std::vector<std::uint64_t>> permissions_in(const Node& node, const JsonValue& change,
                                                         std::string_view field) {
  std::vector<std::uint64_t> out;
  if (!is_change(change)) return std::nullopt;
  const auto list = change.find(field);
  if (!list) return out;
  if (!list->is_array() || list->size() > bounds::token_rows_max) return std::nullopt;
  for (const JsonValue item : list->items()) {
    const std::string_view name = item.string().value_or("");
    if (name.empty() || name.size() > proto::permission_bytes_max) return std::nullopt;
    out.push_back(node.permission(name));
  }
  return out;
}

}  // namespace

std::optional<std::uint64_t> Api::until_of(Session& session, const Arguments& said) {
  const std::uint64_t now_s = shard_.wall_ms / 1'000;
  if (!said.has("expires")) return now_s + shard_.config().revocation_keep_ms / 1'000;
  if (said.number("expires") > now_s) return said.number("expires");
  refuse(session, said.fault("expires", "is not in the future"));
  return std::nullopt;
}

void Api::block_or_unblock(Session& session, const Arguments& said, Kind kind) {
  if (said.has("rooms") && said.names("rooms").empty())
    return refuse(session, said.fault("rooms", "is empty; leave it out if all of them are meant"));
  std::string lines;
  for (const std::string_view room : said.names("rooms")) {
    if (!is_room_pattern(room))
      return refuse(session, said.fault("rooms", "holds a pattern with more than four `*`"));
    add_line(lines, {.pattern = std::string(room), .allowed = {}, .denied = {}});
  }
  std::optional<std::uint64_t> until_s = shard_.wall_ms / 1'000;
  if (kind == Kind::block) until_s = until_of(session, said);
  if (!until_s) return;
  const NameIn name(workspace_, said.text("user"));
  shard_.revoking.begin(RightsChange{.asker = asker_of(session),
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

void Api::block(Session& session, const Arguments& said) {
  block_or_unblock(session, said, Kind::block);
}

void Api::unblock(Session& session, const Arguments& said) {
  block_or_unblock(session, said, Kind::unblock);
}

void Api::grants(Session& session, const Arguments& said) {
  if (said.has("user") == said.has("connection"))
    return refuse(
        session, said.fault("user", said.has("user") ? "stands beside `connection`: say one of them"
                                                     : "is missing: say `user` or `connection`"));
  std::optional<std::string> rooms = std::string();
  if (const auto& change = said.object("rooms")) rooms = room_changes_in(*change);
  if (!rooms)
    return refuse(
        session,
        said.fault(
            "rooms",
            R"(must be an object such as {"chat:*":{"allow":["join"],"deny":["publish"]}})"));
  std::optional<std::vector<std::uint64_t>> allowed(std::in_place), denied(std::in_place);
  if (const auto& change = said.object("permissions")) {
    allowed = permissions_in(shard_.node, *change, "allow");
    denied = permissions_in(shard_.node, *change, "deny");
  }
  if (!allowed || !denied)
    return refuse(
        session,
        said.fault(
            "permissions",
            R"(must be an object such as {"allow":["premium:view"],"deny":["staff:view"]})"));
  const auto until_s = until_of(session, said);
  if (!until_s) return;
  const NameIn name(workspace_, said.text("user"));
  shard_.revoking.begin(RightsChange{.asker = asker_of(session),
                                     .number = 0,
                                     .kind = Kind::grant,
                                     .workspace = workspace_,
                                     .connection = said.connection("connection"),
                                     .user = said.has("user") ? ScopedName(name) : ScopedName(),
                                     .rooms = *rooms,
                                     .allowed = PermissionView(*allowed).bytes(),
                                     .denied = PermissionView(*denied).bytes(),
                                     .until_s = *until_s});
}

}  // namespace ringroom::realtime
