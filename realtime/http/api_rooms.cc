#include <charconv>
#include <string>

#include "proto/dialect/native_json.h"
#include "realtime/http/api.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace native_json = proto::dialect::native_json;
using proto::ErrorCode;

Asker Api::asker_of(Session& session) {
  return {.to = shard_.connection_id(session), .exchange = shard_.exchanges.wait(session)};
}

std::optional<std::string> Api::room_in_path(Session& session, const proto::Request& request) {
  constexpr std::string_view before = "/api/ws/rooms/";
  auto room = proto::percent_decoded(request.path.substr(before.size()));
  if (room && native_json::is_room_name(*room)) {
    if (!enter(session, request, nullptr)) return std::nullopt;
    return room;
  }
  shard_.exchanges.refuse(session, ErrorCode::bad_request,
                          "the path ends in a room name, percent-encoded: 1 to 255 bytes without "
                          "control characters");
  return std::nullopt;
}

void Api::list_rooms(Session& session, const proto::Request& request) {
  const std::string prefix = proto::query_parameter(request.query, "prefix").value_or("");
  std::uint32_t limit = bounds::listed_rooms_usual;
  if (const auto text = proto::query_parameter(request.query, "limit")) {
    const auto end = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (end.ec != std::errc{} || end.ptr != text->data() + text->size() ||
        limit > bounds::listed_rooms_max)
      return refuse(session, "limit", "must be a whole number of rooms, 0 to 1000");
  }
  if (!enter(session, request, nullptr)) return;
  // An HTTP connection answers one request after the other, so its last list is complete.
  RR_CHECK(shard_.listings.begin({.asker = asker_of(session),
                                  .correlation_id = {},
                                  .workspace = workspace_,
                                  .prefix = prefix,
                                  .limit = limit}));
}

void Api::create_room(Session& session, const proto::Request& request) {
  static constexpr std::string_view fields[] = {"room", "max_members", "public", "metadata",
                                                "owner"};
  const auto body = body_of(session, request, fields);
  if (!body) return;
  const auto room_value = body->find("room");
  const auto room = room_value ? room_value->string() : std::nullopt;
  if (!room || !native_json::is_room_name(*room))
    return refuse(session, "room", "is required: 1 to 255 bytes without control characters");
  std::uint64_t max_members = 0;
  if (const auto value = body->find("max_members")) {
    if (!value->unsigned_integer())
      return refuse(session, "max_members", "must be a whole number; 0: the namespace's limit");
    max_members = *value->unsigned_integer();
  }
  bool is_public = true;
  if (const auto value = body->find("public")) {
    if (!value->boolean()) return refuse(session, "public", "must be true or false");
    is_public = *value->boolean();
  }
  std::string_view metadata;
  if (const auto value = body->find("metadata")) {
    if (!value->is_object() || value->raw().size() > bounds::room_metadata_bytes_max)
      return refuse(session, "metadata", "must be a JSON object of at most 4 KiB");
    payload_.clear();
    payload_.append(value->raw());
    native_json::blank_line_ends({payload_.data(), payload_.size()});
    metadata = payload_.text();
  }
  std::string_view owner;
  if (const auto value = body->find("owner")) {
    if (!value->string() || !native_json::is_room_name(*value->string()))
      return refuse(session, "owner", "must be a user id");
    owner = *value->string();
  }
  const NameIn name(workspace_, *room);
  const RoomId id = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(id), CreateRoom{.room = id,
                                                  .asker = asker_of(session),
                                                  .room_name = name,
                                                  .correlation_id = {},
                                                  .owner = owner,
                                                  .metadata = metadata,
                                                  .max_members = max_members,
                                                  .is_public = is_public,
                                                  .by_client = false});
}

void Api::describe_room(Session& session, const proto::Request& request) {
  const auto room = room_in_path(session, request);
  if (!room) return;
  const NameIn name(workspace_, *room);
  const RoomId id = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(id),
              DescribeRoom{
                  .room = id, .asker = asker_of(session), .room_name = name, .correlation_id = {}});
}

void Api::delete_room(Session& session, const proto::Request& request) {
  const auto room = room_in_path(session, request);
  if (!room) return;
  const NameIn name(workspace_, *room);
  const RoomId id = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(id), DeleteRoom{.room = id,
                                                  .asker = asker_of(session),
                                                  .room_name = name,
                                                  .correlation_id = {},
                                                  .user_id = {},
                                                  .is_granted = true});
}

}  // namespace ringroom::realtime
