#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/http.h"
#include "proto/upgrade.h"
#include "realtime/access/rate_limits.h"
#include "realtime/access/scope.h"
#include "realtime/feature.h"
#include "realtime/session/session.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

class Shard;
struct Access;
struct ApiCall;
struct Route;

// What each path answers: the table in routes.cc, and that of the server API's calls.
class Routes {
 public:
  explicit Routes(Shard& shard) : shard_(shard) {}

  // Of the two at most one; neither: it is the page, or there is nothing.
  struct Found {
    const Route* route = nullptr;
    const ApiCall* call = nullptr;
    bool flows = false;  // it may begin while others like it have no answer: see Exchanges
  };
  Found find(const Session& session, const proto::Request& request) const;
  void answer(Session& session, const proto::Request& request, const Found& found);

  // METHOD, path and whom it is for, of every route; for `ringroom routes`.
  struct Line {
    std::string_view method, path, whom, scope;
  };
  static std::vector<Line> list();

  // "GET /metrics", by its place in the table.
  static std::string words_for(std::size_t route);

 private:
  friend struct Route;
  void call(Session& session, const proto::Request& request, const ApiCall& call);
  void refuse_unknown(Session& session, const proto::Request& request);
  void admin_config(Session& session, const proto::Request& request);
  void admin_trace(Session& session, const proto::Request& request);
  void drain(Session& session, const proto::Request& request);
  void health(Session& session, const proto::Request& request);
  void ready(Session& session, const proto::Request& request);
  void system_health(Session& session, const proto::Request& request);
  void metrics(Session& session, const proto::Request& request);
  void native(Session& session, const proto::Request& request);
  void echo(Session& session, const proto::Request& request);
  void admin_socket(Session& session, const proto::Request& request);
  void raw(Session& session, const proto::Request& request);
  // In development: the workspace that the query names. nullopt: the refusal is out.
  std::optional<OwnedWorkspace> workspace_in(Session& session, const proto::Request& request);
  // The built-in page and its files.
  bool page(Session& session, const proto::Request& request);

  // What the request's key allows, which is one call the less now; nullopt: the refusal is out.
  std::optional<Access> access_of(Session& session, const proto::Request& request);
  // False: the refusal is out.
  bool may_use(Session& session, const proto::Request& request, Scope scope);
  bool has_scope(Session& session, const Access& access, Scope scope);
  bool offers_api(const Session& session) const;
  bool is_offered(const Route& route, const Session& session) const;
  // Behind a proxy: who the client is, as the request says, counted under its address. False: that
  // has as many connections as it may, and the refusal is out.
  bool settle_client(Session& session, const proto::Request& request);
  // False: the refusal is out, with 429 and Retry-After.
  bool is_within(Session& session, const RateLimits::Verdict& verdict);
  // What is wrong with where the page is from; empty: nothing.
  std::string_view origin_problem(const Session& session, const proto::Request& request);
  // True, and told: it is switched off.
  bool is_off(Session& session, Feature feature);
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
};

}  // namespace ringroom::realtime
