#include "realtime/session/identity.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "proto/dialect/native_json.h"
#include "proto/json.h"
#include "realtime/bounds.h"
#include "realtime/session/connection_text.h"
#include "realtime/session/security_log.h"
#include "realtime/shard.h"
#include "realtime/source/topics.h"

namespace ringroom::realtime {

namespace {

using proto::ErrorCode;

TokenRules rules_of(const Config& config) {
  return {.audience = config.token_audience,
          .issuer = config.token_issuer,
          .skew_s = config.token_skew_ms / 1'000};
}

}  // namespace

Identities::Identities(Shard& shard)
    : shard_(shard),
      verifier_(rules_of(shard.config())),
      keys_(std::make_shared<const KeySet>()),
      everything_({.grants = Grants::everything(),
                   .permissions = PermissionHold(shard.permission_sets, {PermissionView::every})}) {
}

void Identities::adopt_settings() { verifier_.adopt(rules_of(shard_.config())); }

const KeySet& Identities::keys() {
  if (const std::uint32_t edition = shard_.node.token_keys.edition(); edition != keys_edition_) {
    keys_ = shard_.node.token_keys.current();
    keys_edition_ = edition;
  }
  return *keys_;
}

Failure<Identities::Refusal> Identities::refuse(const Session& session, ErrorCode code,
                                                std::string_view message) {
  shard_.counters.not_let_in(code == ErrorCode::forbidden ? AuthRefusal::other_user
                                                          : AuthRefusal::credentials);
  log_security(shard_, session, SecurityEvent::auth_failure, message);
  return fail(Refusal{code, message});
}

Failure<Identities::Refusal> Identities::refuse(const Session& session, TokenError error) {
  shard_.counters.not_let_in(error);
  log_security(shard_, session, SecurityEvent::auth_failure, row_of(error).sentence);
  Refusal out{ErrorCode::unauthorized, row_of(error).sentence};
  if (error == TokenError::expired) out.code = ErrorCode::token_expired;
  if (error == TokenError::key_awaited) {
    // Not the client's fault: it may come back with the same token.
    shard_.counters.keys_missing_total.add();
    out.code = ErrorCode::unavailable;
    out.close = proto::CloseCode::try_later;
  }
  return fail(out);
}

bool Identities::is_blocked(ScopedName user) const {
  return shard_.live_rights.is_blocked(user, shard_.wall_ms / 1'000);
}

Failure<Identities::Refusal> Identities::refuse_blocked(const Session& session) {
  constexpr std::string_view message = "this user is blocked";
  shard_.counters.not_let_in(AuthRefusal::blocked);
  log_security(shard_, session, SecurityEvent::auth_failure, message);
  return fail(Refusal{ErrorCode::forbidden, message, proto::CloseCode::forbidden});
}

Result<Claims, Identities::Refusal> Identities::believe(const Session& session,
                                                        std::string_view token) {
  const std::uint64_t now_s = shard_.wall_ms / 1000;
  auto claims = verifier_.verify(token, keys(), now_s);
  shard_.counters.signatures_checked_total.set(verifier_.signatures_checked());
  if (!claims && claims.error() == TokenError::unknown_key) {
    if (shard_.node.token_keys.may_come(shard_.now_ms))
      return refuse(session, TokenError::key_awaited);
    if (keys().empty())
      return refuse(session, ErrorCode::unauthorized,
                    "this server knows no key to check a token with; its operator has to set "
                    "token-hmac-secret, token-key-files, token-jwks-file or token-jwks-url");
  }
  if (!claims) return refuse(session, claims.error());
  if (shard_.revocations.covers(*claims, now_s)) return refuse(session, TokenError::revoked);
  if (claims->info.size() > Presence::info_bytes_max)
    return refuse(session, ErrorCode::unauthorized,
                  "the `info` of the token is longer than 1024 bytes; keep what others see of "
                  "a user short");
  return std::move(*claims);
}

void Identities::add_role(std::string_view name, std::vector<RoomGrant>& rooms,
                          std::vector<std::uint64_t>& permissions) const {
  const Role* role = name.empty() ? nullptr : find_role(shard_.config().roles, name);
  if (role == nullptr) return;
  rooms.insert(rooms.end(), role->rooms.begin(), role->rooms.end());
  for (const std::string& permission : role->permissions)
    permissions.push_back(shard_.node.permission(permission));
}

GrantsRef Identities::rights_of(std::vector<RoomGrant> rooms,
                                std::vector<std::uint64_t> permissions, TokenMark mark) {
  return GrantsRef({.grants = Grants(std::move(rooms)),
                    .mark = mark,
                    .permissions = PermissionHold(shard_.permission_sets, std::move(permissions)),
                    .edition = shard_.rights.next_edition()});
}

void Identities::grant(Session& session, Claims& claims) {
  std::vector<std::uint64_t> permissions;
  for (const std::string& name : claims.permissions)
    permissions.push_back(shard_.node.permission(name));
  for (const std::string& name : claims.roles) add_role(name, claims.rooms, permissions);
  add_role(shard_.config().default_role, claims.rooms, permissions);
  session.grants =
      shard_.rights.apply(rights_of(std::move(claims.rooms), std::move(permissions),
                                    shard_.revocations.mark_of(claims)),
                          NameIn(workspace_of(claims), claims.user), shard_.connection_id(session));
  // Whatever lies behind the year 2106 is never in our time.
  session.expires_s = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(claims.valid_until_s(), std::numeric_limits<std::uint32_t>::max()));
  session.knows_end = false;
}

Result<Identities::Identity, Identities::Refusal> Identities::identify(
    Session& session, const Credentials& credentials) {
  if (!credentials.token.empty()) {
    auto claims = believe(session, credentials.token);
    if (!claims) return fail(claims.error());
    if (!claims->room.empty())
      return refuse(
          session, ErrorCode::unauthorized,
          "this token is for one room: connect with another, and bring it with join_room");
    const NameIn user(workspace_of(*claims), claims->user);
    if (is_blocked(user)) return refuse_blocked(session);
    const std::string_view info = credentials.info.empty() ? claims->info : credentials.info;
    if (info.size() > Presence::info_bytes_max)
      return refuse(session, ErrorCode::unauthorized,
                    "`info` is longer than 1024 bytes; keep what others see of a user short");
    grant(session, *claims);
    shard_.lifecycle.authenticated(session, user);
    shard_.sessions.set_info(session, info);
    return Identity{.zone = std::move(claims->zone)};
  }
  if (!shard_.config().insecure_dev) {
    if (!shard_.config().anonymous_role.empty()) return let_in_unknown(session, credentials.info);
    return refuse(session, ErrorCode::unauthorized,
                  "a token is required: by `?token=`, an Authorization header or in `connect`");
  }
  // The rules of a room name are those of any name that is shown to others.
  if (credentials.user_id.size() > bounds::user_id_bytes_max ||
      !proto::dialect::native_json::is_room_name(credentials.user_id))
    return refuse(session, ErrorCode::unauthorized,
                  "say who you are: `/ws?user=NAME` or `user_id` in `connect`, 1 to 128 bytes of "
                  "UTF-8 without control characters");
  const NameIn user(credentials.workspace, credentials.user_id);
  if (is_blocked(user)) return refuse_blocked(session);
  session.grants = shard_.rights.apply(everything_.share(), user, shard_.connection_id(session));
  shard_.lifecycle.authenticated(session, user);
  shard_.sessions.set_info(session, credentials.info);
  return Identity{};
}

void Identities::admit_admin(Session& session) {
  session.grants = everything_.share();
  shard_.lifecycle.authenticated(session, NameIn(Workspace(), admin_user_id));
}

Identities::Identity Identities::let_in_unknown(Session& session, std::string_view info) {
  const ConnectionText connection(shard_.connection_id(session));
  const std::string id = std::string("anonymous:").append(connection);
  const NameIn user(Workspace(), id);
  std::vector<RoomGrant> rooms;
  std::vector<std::uint64_t> permissions;
  add_role(shard_.config().anonymous_role, rooms, permissions);
  session.grants = shard_.rights.apply(rights_of(std::move(rooms), std::move(permissions), {}),
                                       user, shard_.connection_id(session));
  shard_.lifecycle.authenticated(session, user);
  shard_.sessions.set_info(session, info);
  return Identity{};
}

Result<Identities::Loan, Identities::Refusal> Identities::lend(const Session& session,
                                                               std::string_view room,
                                                               std::string_view token) {
  auto claims = believe(session, token);
  if (!claims) return fail(claims.error());
  if (!(session.user->name() == NameIn(workspace_of(*claims), claims->user)))
    return refuse(session, ErrorCode::forbidden,
                  "the token is another user's, or of another workspace");
  Actions actions;
  if (!is_personal(room) && !has_star(room)) {
    actions = Grants(std::move(claims->rooms)).in(room, claims->user);
    if (claims->room == room)
      actions.add(claims->room_actions.has(Action::admin) ? Actions::all() : claims->room_actions);
  }
  if (actions.empty())
    return refuse(session, ErrorCode::forbidden, "the token grants nothing in this room");
  return Loan{.actions = actions,
              .until_s = claims->valid_until_s(),
              .mark = shard_.revocations.mark_of(*claims)};
}

Outcome<Identities::Refusal> Identities::refresh(Session& session, std::string_view token) {
  auto claims = believe(session, token);
  if (!claims) return fail(claims.error());
  if (session.user == nullptr ||
      !(session.user->name() == NameIn(workspace_of(*claims), claims->user)))
    return refuse(session, ErrorCode::forbidden,
                  "the token is another user's, or of another workspace: open another connection "
                  "for another identity");
  if (!claims->room.empty())
    return refuse(session, ErrorCode::forbidden,
                  "this token is for one room: bring it with join_room");
  const GrantsRef before = session.grants.share();
  grant(session, *claims);
  shard_.counters.token_refreshes_total.add();
  shard_.lifecycle.granted_anew(session);
  shard_.patterns.review(session, "forbidden");
  shard_.membership.review(session, before, "forbidden");
  return Done{};
}

Actions actions_in(const Session& session, std::string_view room) {
  if (!session.grants || session.user == nullptr) return {};
  if (const TopicRow* const topic = topic_of_room(room)) {
    const bool may_hear = TopicRoom::parse(room) && workspace_of(session).is_default() &&
                          session.grants.holds_known(std::size_t(topic->topic));
    return may_hear ? Actions{Action::join, Action::history} : Actions{};
  }
  return session.grants->in(room, session.user->id());
}

}  // namespace ringroom::realtime
