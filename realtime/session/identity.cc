#include "realtime/session/identity.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proto/dialect/native_json.h"
#include "proto/json.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

using proto::ErrorCode;

TokenRules rules_of(const Config& config) {
  TokenRules rules;
  if (!config.token_hmac_secret.empty())
    rules.keys.push_back(
        {.id = {}, .algorithm = Algorithm::hs256, .secret = config.token_hmac_secret});
  rules.audience = config.token_audience;
  rules.issuer = config.token_issuer;
  return rules;
}

}  // namespace

Identities::Identities(Shard& shard)
    : shard_(shard), verifier_(rules_of(shard.node.config)), everything_(Grants::everything()) {}

Result<Identities::Identity, Identities::Refusal> Identities::identify(
    Session& session, const Credentials& credentials) {
  const auto refuse = [this](ErrorCode code, std::string_view message) {
    shard_.counters.auth_failures_total.add();
    return fail(Refusal{code, message});
  };
  if (!credentials.token.empty()) {
    if (!verifier_.has_keys())
      return refuse(ErrorCode::unauthorized,
                    "this server knows no key to check a token with; its operator has to set "
                    "token-hmac-secret");
    auto claims = verifier_.verify(credentials.token, shard_.wall_ms / 1000);
    if (!claims) {
      return refuse(claims.error() == TokenError::expired ? ErrorCode::token_expired
                                                          : ErrorCode::unauthorized,
                    row_of(claims.error()).sentence);
    }
    const std::string_view info = credentials.info.empty() ? claims->info : credentials.info;
    if (info.size() > Presence::info_bytes_max)
      return refuse(ErrorCode::unauthorized,
                    "the `info` of the token is longer than 1024 bytes; keep what others see of "
                    "a user short");
    session.grants = GrantsRef(Grants(std::move(claims->rooms)));
    // Whatever lies behind the year 2106 is never in our time.
    session.expires_s = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        claims->valid_until_s(), std::numeric_limits<std::uint32_t>::max()));
    shard_.lifecycle.authenticated(session, claims->user);
    shard_.sessions.set_info(session, info);
    return Identity{.zone = std::move(claims->zone)};
  }
  if (!shard_.node.config.insecure_dev)
    return refuse(ErrorCode::unauthorized,
                  "a token is required: by `?token=`, an Authorization header or in `connect`");
  // The rules of a room name are those of any name that is shown to others.
  if (credentials.user_id.size() > bounds::user_id_bytes_max ||
      !proto::dialect::native_json::is_room_name(credentials.user_id))
    return refuse(ErrorCode::unauthorized,
                  "say who you are: `/ws?user=NAME` or `user_id` in `connect`, 1 to 128 bytes of "
                  "UTF-8 without control characters");
  session.grants = everything_.share();
  shard_.lifecycle.authenticated(session, credentials.user_id);
  shard_.sessions.set_info(session, credentials.info);
  return Identity{};
}

Actions actions_in(const Session& session, std::string_view room) {
  if (!session.grants || session.user == nullptr) return {};
  return session.grants->in(room, session.user->id());
}

std::optional<std::string> token_of(const proto::Request& request) {
  if (const std::string_view token = proto::bearer_of(request); !token.empty())
    return std::string(token);
  return proto::query_parameter(request.query, "token");
}

}  // namespace ringroom::realtime
