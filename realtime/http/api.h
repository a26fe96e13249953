#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alloc/block.h"
#include "proto/http.h"
#include "proto/json.h"
#include "realtime/letters.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The server API: what a backend asks with its API key.
//
//   POST /api/publish     room, type, payload, message_id?, exclude?, requires?
//                         answers with room, sequence, epoch, message_id
//   POST /api/broadcast   type, payload, exclude?, requires?, rooms? (names, patterns), users?,
//   connections?
//                         none of the three: everybody; answers with how many rooms were reached,
//                         and how many of the others addressed
//   POST /api/revoke      jti, user or issued_before; expires?
//                         answers with how many connections were closed, when all are
//   POST /api/block       user, rooms?, expires?
//   POST /api/unblock     user, rooms?
//   POST /api/grants      user or connection, rooms?, permissions?, expires?
//                         answer with how many connections it concerns, were closed, rooms were
//                         left, when it holds on every core
//   GET  /api/ws/rooms         ?prefix= ?limit=
//   POST /api/ws/rooms         room, max_members?, public?, metadata?, owner?
//   GET, DELETE /api/ws/rooms/{room}
//
// Each is about one workspace: the one that its key opens, or of a key that opens all the one named
// by `workspace`, in the body or the query, else the default. Names have no meaning without it, and
// NameIn(workspace_, ...) is the only way from them to a room or a user.
//
// Errors: the exact field is named; a field that we do not know is refused by its name.
class Api {
 public:
  explicit Api(Shard& shard);

  void publish(Session& session, const proto::Request& request);
  void broadcast(Session& session, const proto::Request& request);
  void revoke(Session& session, const proto::Request& request);  // api_tokens.cc
  // api_rights.cc
  void block(Session& session, const proto::Request& request);
  void unblock(Session& session, const proto::Request& request);
  void grants(Session& session, const proto::Request& request);
  // api_rooms.cc
  void list_rooms(Session& session, const proto::Request& request);
  void create_room(Session& session, const proto::Request& request);
  void describe_room(Session& session, const proto::Request& request);
  void delete_room(Session& session, const proto::Request& request);

 private:
  // Of /api/ws/rooms/{room}; nullopt: the refusal is out.
  std::optional<std::string> room_in_path(Session& session, const proto::Request& request);
  Asker asker_of(Session& session);
  void block_or_unblock(Session& session, const proto::Request& request, RightsChange::Kind kind);
  // nullopt: the refusal is out.
  std::optional<std::uint64_t> until_in(Session& session, const proto::JsonValue& body);
  std::optional<std::string_view> user_in(Session& session, const proto::JsonValue& body);
  // As RightsChange has them.
  std::optional<std::string> room_changes_in(Session& session, const proto::JsonValue& body);
  std::optional<std::vector<std::uint64_t>> permissions_in(Session& session,
                                                           const proto::JsonValue& body,
                                                           std::string_view field);

  // Which workspace the request is about, in workspace_. False: the refusal is out. The body may be
  // null. body_of() and room_in_path() have done it.
  bool enter(Session& session, const proto::Request& request, const proto::JsonValue* body);
  // A body with these fields, maybe `workspace`, and no others. nullopt: the refusal is out.
  std::optional<proto::JsonValue> body_of(Session& session, const proto::Request& request,
                                          std::span<const std::string_view> fields);
  std::optional<std::string_view> type_in(Session& session, const proto::JsonValue& body);
  std::optional<std::string_view> payload_in(Session& session, const proto::JsonValue& body);
  // The names of an array of strings; nullopt: the refusal is out.
  std::optional<std::vector<std::string_view>> names_in(Session& session,
                                                        const proto::JsonValue& body,
                                                        std::string_view field);
  struct Urgency {
    std::optional<proto::Priority> priority;
    std::uint8_t quiet_hours = 0;  // as Publish has it
  };
  // nullopt: the refusal is out.
  std::optional<Urgency> urgency_in(Session& session, const proto::JsonValue& body);
  // What `requires` names; nullopt: the refusal is out.
  std::optional<std::uint64_t> permission_in(Session& session, const proto::JsonValue& body);
  std::optional<ConnectionId> exclude_in(Session& session, const proto::JsonValue& body);
  void refuse(Session& session, std::string_view field, std::string_view problem);

  Shard& shard_;
  OwnedWorkspace workspace_;  // of the request in work
  proto::JsonParser parser_;
  alloc::BlockBuilder payload_;
};

}  // namespace ringroom::realtime
