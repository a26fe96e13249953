#include "realtime/http/api.h"

#include <algorithm>
#include <string>

#include "proto/dialect/native_json.h"
#include "realtime/access/grants.h"
#include "realtime/bounds.h"
#include "realtime/session/connection_text.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace native_json = proto::dialect::native_json;
using proto::ErrorCode;
using proto::JsonValue;

Api::Api(Shard& shard) : shard_(shard), payload_(shard.heap) {}

void Api::refuse(Session& session, std::string_view field, std::string_view problem) {
  std::string message = "field `";
  message.append(field).append("` ").append(problem);
  shard_.exchanges.refuse(session, ErrorCode::invalid, message);
}

std::optional<JsonValue> Api::body_of(Session& session, const proto::Request& request,
                                      std::span<const std::string_view> fields) {
  const std::string_view text(reinterpret_cast<const char*>(request.body.data()),
                              request.body.size());
  const auto body = parser_.parse_copy(text);
  if (!body) {
    shard_.exchanges.refuse(session, ErrorCode::bad_request, proto::sentence_of(body.error()));
    return std::nullopt;
  }
  if (!body->is_object()) {
    shard_.exchanges.refuse(session, ErrorCode::invalid, "the body must be a JSON object");
    return std::nullopt;
  }
  for (const proto::JsonField field : body->fields()) {
    if (field.name == "workspace" || std::ranges::find(fields, field.name) != fields.end())
      continue;
    refuse(session, field.name, "is not known here; leave it out");
    return std::nullopt;
  }
  if (!enter(session, request, &*body)) return std::nullopt;
  return *body;
}

bool Api::enter(Session& session, const proto::Request& request, const JsonValue* body) {
  std::optional<std::string> said = proto::query_parameter(request.query, "workspace");
  if (const auto value = body == nullptr ? std::nullopt : body->find("workspace")) {
    const std::string_view text = value->string().value_or("");
    if (said && *said != text) {
      refuse(session, "workspace", "is another one than in the query; say it once");
      return false;
    }
    said = text;
  }
  const ApiKeys::Entry* key = session.exchange->key;
  const bool is_bound = key != nullptr && key->workspace;
  workspace_ = is_bound ? *key->workspace : OwnedWorkspace();
  if (!said) return true;
  const auto workspace = Workspace::of(*said);
  if (!workspace) {
    refuse(session, "workspace", "must be an id: 1 to 255 bytes without control characters");
    return false;
  }
  if (is_bound && !(*workspace == workspace_)) {
    shard_.counters.not_let_in(AuthRefusal::scope);
    shard_.exchanges.refuse(session, ErrorCode::forbidden,
                            "this key opens another workspace than `workspace` names; use a key of "
                            "that one");
    return false;
  }
  workspace_ = OwnedWorkspace(*workspace);
  return true;
}

std::optional<std::string_view> Api::type_in(Session& session, const JsonValue& body) {
  const auto value = body.find("type");
  const auto type = value ? value->string() : std::nullopt;
  if (!type || !native_json::is_type_name(*type)) {
    refuse(session, "type", "is required: a text that matches [a-z][a-z0-9_.:]{0,63}");
    return std::nullopt;
  }
  return type;
}

std::optional<std::string_view> Api::payload_in(Session& session, const JsonValue& body) {
  const auto value = body.find("payload");
  if (!value || !value->is_object()) {
    refuse(session, "payload", "is required: a JSON object");
    return std::nullopt;
  }
  payload_.clear();
  payload_.append(value->raw());
  native_json::blank_line_ends({payload_.data(), payload_.size()});
  return payload_.text();
}

std::optional<std::vector<std::string_view>> Api::names_in(Session& session, const JsonValue& body,
                                                           std::string_view field) {
  std::vector<std::string_view> names;
  const auto value = body.find(field);
  if (!value) return names;
  if (!value->is_array()) {
    refuse(session, field, "must be an array of names");
    return std::nullopt;
  }
  for (const JsonValue item : value->items()) {
    const auto name = item.string();
    if (!name || !native_json::is_room_name(*name)) {
      refuse(session, field,
             "holds something that is no name: 1 to 255 bytes, no control characters");
      return std::nullopt;
    }
    names.push_back(*name);
  }
  return names;
}

std::optional<Api::Urgency> Api::urgency_in(Session& session, const JsonValue& body) {
  Urgency out;
  if (const auto value = body.find("priority")) {
    out.priority = proto::priority_of(value->string().value_or(""));
    if (!out.priority) {
      refuse(session, "priority", "must be low, medium, high or critical");
      return std::nullopt;
    }
  }
  if (const auto value = body.find("quiet_hours")) {
    const auto hours = shard_.node.quiet_hours(value->string().value_or(""));
    if (!hours) {
      refuse(session, "quiet_hours", "must name quiet hours of this server's configuration");
      return std::nullopt;
    }
    // What is critical does not wait.
    if (out.priority != proto::Priority::critical) out.quiet_hours = *hours;
  }
  return out;
}

std::optional<ConnectionId> Api::exclude_in(Session& session, const JsonValue& body) {
  const auto value = body.find("exclude");
  if (!value) return nobody;
  const auto id = value->string() ? ConnectionText::parse(*value->string()) : std::nullopt;
  if (!id) refuse(session, "exclude", "must be a connection_id of connection_ack");
  return id;
}

std::optional<std::uint64_t> Api::permission_in(Session& session, const JsonValue& body) {
  const auto value = body.find("requires");
  if (!value) return no_permission;
  const auto name = value->string();
  if (!name || name->empty() || name->size() > proto::permission_bytes_max) {
    refuse(session, "requires", "must be the name of a permission, 1 to 128 bytes");
    return std::nullopt;
  }
  return shard_.node.permission(*name);
}

void Api::publish(Session& session, const proto::Request& request) {
  static constexpr std::string_view fields[] = {
      "room",     "type",        "payload", "message_id",
      "exclude",  "key",         "remove",  "expected_version",
      "priority", "quiet_hours", "requires"};
  const auto body = body_of(session, request, fields);
  if (!body) return;
  const auto room_value = body->find("room");
  const auto room = room_value ? room_value->string() : std::nullopt;
  if (!room || !native_json::is_room_name(*room))
    return refuse(session, "room", "is required: 1 to 255 bytes without control characters");
  if (has_star(*room))
    return refuse(session, "room", "is a pattern; POST /api/broadcast takes those, in `rooms`");
  const auto type = type_in(session, *body);
  if (!type) return;
  const auto payload = payload_in(session, *body);
  if (!payload) return;
  std::string_view message_id;
  if (const auto value = body->find("message_id")) {
    if (!value->string() || value->string()->size() > proto::id_bytes_max)
      return refuse(session, "message_id", "must be a text of at most 128 bytes");
    message_id = *value->string();
  }
  const auto exclude = exclude_in(session, *body);
  if (!exclude) return;
  std::string_view key;
  if (const auto value = body->find("key")) {
    if (!value->string() || value->string()->empty() ||
        value->string()->size() > proto::key_bytes_max)
      return refuse(session, "key", "must be a text of 1 to 128 bytes");
    key = *value->string();
  }
  bool remove = false;
  if (const auto value = body->find("remove")) {
    if (!value->boolean() || key.empty())
      return refuse(session, "remove", "must be true or false, and names the key in `key`");
    remove = *value->boolean();
  }
  std::uint64_t expected_version = any_version;
  if (const auto value = body->find("expected_version")) {
    if (!value->unsigned_integer())
      return refuse(session, "expected_version", "must be a version; 0: no value yet");
    expected_version = *value->unsigned_integer();
  }
  const auto urgency = urgency_in(session, *body);
  if (!urgency) return;
  const auto permission = permission_in(session, *body);
  if (!permission) return;
  if (*permission != no_permission && !key.empty())
    return refuse(session, "requires",
                  "cannot be said of a value that the room keeps; leave out `key`");
  if (urgency->quiet_hours != 0 && expected_version != any_version)
    return refuse(session, "expected_version",
                  "cannot be said of what waits for quiet_hours; leave one of them out");
  const NameIn name(workspace_, *room);
  const RoomId id = shard_.node.room_id(name);
  const CoreId home = shard_.node.home_of(id);
  if (!shard_.accepts_mail(home, payload->size())) {
    shard_.counters.refused_limit_total.add();
    return shard_.exchanges.refuse(session, ErrorCode::unavailable,
                                   "the room's core does not keep up; try again shortly");
  }
  shard_.send(home, Publish{.room = id,
                            .room_name = name,
                            .from = shard_.connection_id(session),
                            .type = *type,
                            .sender = {},
                            .message_id = message_id,
                            .payload = *payload,
                            .payload_kind = PayloadKind::json,
                            .ephemeral = false,
                            .can_wait = false,
                            .wants_answer = true,
                            .exchange = shard_.exchanges.wait(session),
                            .exclude = *exclude,
                            .remove = remove,
                            .expected_version = expected_version,
                            .key = key,
                            .priority = urgency->priority,
                            .quiet_hours = urgency->quiet_hours,
                            .since = shard_.stages.stamp(),
                            .permission = *permission});
}

void Api::broadcast(Session& session, const proto::Request& request) {
  static constexpr std::string_view fields[] = {"type",     "payload",     "rooms",
                                                "users",    "connections", "exclude",
                                                "priority", "quiet_hours", "requires"};
  const auto body = body_of(session, request, fields);
  if (!body) return;
  const auto type = type_in(session, *body);
  if (!type) return;
  const auto payload = payload_in(session, *body);
  if (!payload) return;
  const auto rooms = names_in(session, *body, "rooms");
  if (!rooms) return;
  const auto users = names_in(session, *body, "users");
  if (!users) return;
  const auto names = names_in(session, *body, "connections");
  if (!names) return;
  std::vector<ConnectionId> connections;
  for (const std::string_view name : *names) {
    const auto id = ConnectionText::parse(name);
    if (!id || id->core >= shard_.node.cores)
      return refuse(session, "connections", "holds something that is no connection_id of ours");
    connections.push_back(*id);
  }

  const bool everybody = !body->find("rooms") && !body->find("users") && !body->find("connections");
  const auto urgency = urgency_in(session, *body);
  if (!urgency) return;
  const bool has_personal = shard_.node.namespaces.personal() != nullptr;
  if (urgency->quiet_hours != 0 &&
      (everybody || !connections.empty() || (!users->empty() && !has_personal)))
    return refuse(session, "quiet_hours",
                  "is for what goes to rooms: to `rooms`, or to `users` where the server has the "
                  "namespace `user`");
  for (const std::string_view room : *rooms)
    if (has_star(room) && !is_pattern(room))
      return refuse(session, "rooms", "holds a pattern with more than four `*`");
  if (static_cast<std::size_t>(std::ranges::count_if(*rooms, has_star)) >
      bounds::broadcast_patterns_max)
    return refuse(session, "rooms", "holds more than 16 patterns; make several requests of it");
  const auto exclude = exclude_in(session, *body);
  if (!exclude) return;
  const auto permission = permission_in(session, *body);
  if (!permission) return;
  shard_.broadcasts.begin(session, {.workspace = workspace_,
                                    .type = *type,
                                    .payload = *payload,
                                    .rooms = *rooms,
                                    .users = *users,
                                    .connections = connections,
                                    .everybody = everybody,
                                    .exclude = *exclude,
                                    .priority = urgency->priority,
                                    .quiet_hours = urgency->quiet_hours,
                                    .permission = *permission});
}

}  // namespace ringroom::realtime
