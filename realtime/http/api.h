#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/http.h"
#include "proto/json.h"
#include "realtime/access/scope.h"
#include "realtime/feature.h"
#include "realtime/http/arguments.h"
#include "realtime/http/exchange.h"
#include "realtime/letters/rights.h"
#include "realtime/session/questions.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Api;
class Shard;
struct Access;

// A call of the server API: where it is, who may make it, what it says. The table in api_calls.cc
// is the list; api/openapi.yaml says the same to others, and a test holds the two together.
struct ApiCall {
  std::string_view method;
  std::string_view path;       // {room} stands for one part of it, percent-encoded: its first field
  std::optional<Scope> scope;  // nullopt: any key; the commands of a batch are looked at one by one
  std::span<const Field> fields;
  void (Api::*run)(Session&, const Arguments&);  // nullptr: Batches has it
  std::string_view command = {};        // what it is called in a batch; empty: it cannot be there
  bool flows = false;                   // several of a connection may be under way: see Exchanges
  std::optional<Feature> feature = {};  // that it is part of

  bool takes_body() const { return method == "POST"; }

  static std::span<const ApiCall> all();
  static const ApiCall* find_command(std::string_view name);

 private:
  static const ApiCall rows[];
};

// The server API: what a backend asks with its API key. Bodies and answers are JSON.
//
//   request --> body, or path and query --> Arguments --> one function of this class
//           --> letters to rooms and sessions; their answer goes to Exchanges by its number
//
// Errors: the exact field is named, by its path; a field that we do not know is refused.
class Api {
 public:
  explicit Api(Shard& shard);

  void call(Session& session, const Access& access, const proto::Request& request,
            const ApiCall& call, std::optional<std::string_view> in_path);
  // A command of a batch: its fields stand at `where` in the body.
  void call(Session& session, const Access& access, const ApiCall& call, std::string_view fields,
            std::string_view where);
  // Of a body; nullopt: the refusal is out.
  std::optional<proto::JsonValue> parse(Session& session, std::string_view text);
  void refuse(Session& session, const Arguments::Fault& fault);
  // True, and told: it is switched off.
  bool is_off(Session& session, Feature feature);

 private:
  friend struct ApiCall;
  // Messages: api_messages.cc
  void publish(Session& session, const Arguments& said);
  void publish_to_users(Session& session, const Arguments& said);
  void broadcast(Session& session, const Arguments& said);
  // Rooms: api_rooms.cc
  void list_rooms(Session& session, const Arguments& said);
  void create_room(Session& session, const Arguments& said);
  void describe_room(Session& session, const Arguments& said);
  void delete_room(Session& session, const Arguments& said);
  void presence(Session& session, const Arguments& said);
  void presence_stats(Session& session, const Arguments& said);
  void history(Session& session, const Arguments& said);
  void clear_history(Session& session, const Arguments& said);
  // Users and their connections: api_sessions.cc
  void join(Session& session, const Arguments& said);
  void leave(Session& session, const Arguments& said);
  void disconnect(Session& session, const Arguments& said);
  void list_connections(Session& session, const Arguments& said);
  void list_users(Session& session, const Arguments& said);
  void list_workspaces(Session& session, const Arguments& said);
  void revoke(Session& session, const Arguments& said);
  // What users may do while they are connected: api_rights.cc
  void block(Session& session, const Arguments& said);
  void unblock(Session& session, const Arguments& said);
  void grants(Session& session, const Arguments& said);
  // The server: api_server.cc
  void info(Session& session, const Arguments& said);
  void metrics(Session& session, const Arguments& said);

  void run(Session& session, const Access& access, const ApiCall& call);
  // Into the workspace that the call is about. False: the refusal is out.
  bool enter(Session& session, const Access& access);
  // What is told of the whole server is not for a key of one workspace. False: the refusal is out.
  bool is_for_all(Session& session);
  Questions::About about(Session& session, const Arguments& said);
  Asker asker_of(Session& session);
  std::uint64_t permission_of(const Arguments& said) const;  // that it requires
  void block_or_unblock(Session& session, const Arguments& said, RightsChange::Kind kind);
  // Until when a change holds, in seconds since 1970; nullopt: the refusal is out.
  std::optional<std::uint64_t> until_of(Session& session, const Arguments& said);

  Shard& shard_;
  proto::JsonParser parser_;
  Arguments arguments_;
  OwnedWorkspace workspace_;  // of the call in work
  bool is_bound_ = false;     // by its key, which opens no other
};

}  // namespace ringroom::realtime
