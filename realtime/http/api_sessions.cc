#include "realtime/access/grants.h"
#include "realtime/access/network.h"
#include "realtime/http/api.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void Api::join(Session& session, const Arguments& said) {
  const std::string_view room = said.text("room"), user = said.text("user");
  if (is_personal(room) && !is_personal_of(room, user))
    return refuse(session, said.fault("room", "is of another user, who alone can be in it"));
  if (has_star(room) && !is_personal(room))
    return refuse(session, said.fault("room", "is a pattern; those are joined by clients"));
  shard_.orders.begin(asker_of(session), {.workspace = workspace_,
                                          .kind = SessionOrder::Kind::join,
                                          .user_id = user,
                                          .room_name = room});
}

void Api::leave(Session& session, const Arguments& said) {
  shard_.orders.begin(asker_of(session), {.workspace = workspace_,
                                          .kind = SessionOrder::Kind::leave,
                                          .user_id = said.text("user"),
                                          .room_name = said.text("room")});
}

void Api::disconnect(Session& session, const Arguments& said) {
  if (said.has("user") == said.has("connection"))
    return refuse(
        session, said.fault("user", said.has("user") ? "stands beside `connection`: say one of them"
                                                     : "is missing: say `user` or `connection`"));
  const auto code =
      static_cast<std::uint16_t>(said.number("code", std::uint64_t(proto::CloseCode::forbidden)));
  if (!proto::is_valid_on_the_wire(code))
    return refuse(session,
                  said.fault("code", "must be 1000 to 1003, 1007 to 1014, or 3000 to 4999"));
  shard_.orders.begin(asker_of(session), {.workspace = workspace_,
                                          .kind = SessionOrder::Kind::disconnect,
                                          .user_id = said.text("user"),
                                          .connection = said.connection("connection"),
                                          .except = said.connection("except"),
                                          .close_code = code,
                                          .reason = said.text("reason")});
}

void Api::list_connections(Session& session, const Arguments& said) {
  const auto cursor = said.has("cursor") ? ConnectionLists::parse_cursor(said.text("cursor"))
                                         : ConnectionLists::Cursor{};
  if (!cursor || cursor->core >= shard_.node.cores)
    return refuse(session, said.fault("cursor", "must be the `next` of a page before"));
  if (said.has("address") && !Network::parse(said.text("address")))
    return refuse(session,
                  said.fault("address", "must be an address or a network, such as 10.0.0.0/8"));
  shard_.connection_lists.begin(
      asker_of(session),
      {.workspace = workspace_,
       .cursor = *cursor,
       .limit = static_cast<std::uint32_t>(said.number("limit", bounds::listed_connections_usual)),
       .user_id = said.text("user"),
       .room_name = said.text("room"),
       .network = said.text("address"),
       .is_slow = said.flag("slow")});
}

void Api::list_users(Session& session, const Arguments& said) {
  shard_.name_lists.begin(
      asker_of(session),
      {.of = NamesOf::users,
       .limit = static_cast<std::uint32_t>(said.number("limit", bounds::listed_names_usual)),
       .workspace = workspace_,
       .prefix = said.text("prefix"),
       .after = said.text("after")});
}

void Api::list_workspaces(Session& session, const Arguments& said) {
  shard_.name_lists.begin(
      asker_of(session),
      {.of = is_bound_ ? NamesOf::one_workspace : NamesOf::workspaces,
       .limit = static_cast<std::uint32_t>(said.number("limit", bounds::listed_names_usual)),
       .workspace = workspace_,
       .prefix = said.text("prefix"),
       .after = said.text("after")});
}

void Api::revoke(Session& session, const Arguments& said) {
  using Kind = Revocations::Kind;
  const std::uint64_t now_s = shard_.wall_ms / 1'000;
  const bool is_token = said.has("jti"), is_user = said.has("user");
  if (is_token && is_user)
    return refuse(session, said.fault("user", "stands beside `jti`: say one of the two"));
  if (is_token && said.has("issued_before"))
    return refuse(session, said.fault("issued_before", "does not go with `jti`"));
  if (!is_token && !is_user && !said.has("issued_before"))
    return refuse(session, said.fault("jti", "is missing: say `jti`, `user` or `issued_before`"));
  if (said.has("expires") && said.number("expires") <= now_s)
    return refuse(session, said.fault("expires", "is in the past"));
  const Config& config = shard_.config();
  shard_.revoking.begin(
      asker_of(session),
      {.kind = is_token  ? Kind::token
               : is_user ? Kind::user
                         : Kind::all,
       .workspace = workspace_,
       .name = is_token ? said.text("jti") : said.text("user"),
       // Tokens of this very second are not newer than the request.
       .issued_before_s = said.number("issued_before", now_s + 1),
       .until_s = said.has("expires") ? said.number("expires") + config.token_skew_ms / 1'000
                                      : now_s + config.revocation_keep_ms / 1'000});
}

}  // namespace ringroom::realtime
