#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/http.h"
#include "proto/upgrade.h"
#include "realtime/access/rate_limits.h"
#include "realtime/access/scope.h"
#include "realtime/http/api.h"
#include "realtime/session/session.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

class Shard;
struct Route;

// What each path answers. The table in routes.cc is the list.
class Routes {
 public:
  explicit Routes(Shard& shard) : shard_(shard), api_(shard) {}

  void answer(Session& session, const proto::Request& request);

  // "GET /metrics", by its place in the table.
  static std::string words_for(std::size_t route);

 private:
  friend struct Route;
  void admin_config(Session& session, const proto::Request& request);
  void admin_trace(Session& session, const proto::Request& request);
  void health(Session& session, const proto::Request& request);
  void ready(Session& session, const proto::Request& request);
  void system_health(Session& session, const proto::Request& request);
  void metrics(Session& session, const proto::Request& request);
  void publish(Session& session, const proto::Request& request);
  void broadcast(Session& session, const proto::Request& request);
  void revoke(Session& session, const proto::Request& request);
  void block(Session& session, const proto::Request& request);
  void unblock(Session& session, const proto::Request& request);
  void grants(Session& session, const proto::Request& request);
  void list_rooms(Session& session, const proto::Request& request);
  void create_room(Session& session, const proto::Request& request);
  void describe_room(Session& session, const proto::Request& request);
  void delete_room(Session& session, const proto::Request& request);
  void native(Session& session, const proto::Request& request);
  void echo(Session& session, const proto::Request& request);
  void raw(Session& session, const proto::Request& request);
  // In development: the workspace that the query names. nullopt: the refusal is out.
  std::optional<OwnedWorkspace> workspace_in(Session& session, const proto::Request& request);
  // The built-in page and its files.
  bool page(Session& session, const proto::Request& request);

  // False: the refusal is out.
  bool may_use(Session& session, const proto::Request& request, Scope scope);
  bool is_offered(const Route& route, const Session& session) const;
  // Behind a proxy: who the client is, as the request says, counted under its address. False: that
  // has as many connections as it may, and the refusal is out.
  bool settle_client(Session& session, const proto::Request& request);
  // False: the refusal is out, with 429 and Retry-After.
  bool is_within(Session& session, const RateLimits::Verdict& verdict);
  // What is wrong with where the page is from; empty: nothing.
  std::string_view origin_problem(const proto::Request& request);
  // Answers the handshake with 101, or says what is wrong with it: nullopt. The subprotocol that
  // was agreed to, one of ours; empty: none. Views into the request end here.
  std::optional<std::string_view> upgrade(Session& session, const proto::Request& request,
                                          SessionKind kind,
                                          std::span<const std::string_view> subprotocols);
  // The same, uncounted. `comes_back`: the client says so, and goes first.
  std::optional<std::string_view> shake_hands(Session& session, const proto::Request& request,
                                              SessionKind kind,
                                              std::span<const std::string_view> subprotocols,
                                              bool comes_back);

  Shard& shard_;
  Api api_;
};

}  // namespace ringroom::realtime
