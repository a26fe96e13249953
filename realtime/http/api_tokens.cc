#include <limits>
#include <optional>
#include <string_view>

#include "proto/dialect/native_command.h"
#include "realtime/http/api.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

using Kind = Revocations::Kind;

// What must be said, and what it means.
struct KindRow {
  std::string_view field;
  Kind kind;
};
constexpr KindRow kinds[] = {{"jti", Kind::token}, {"user", Kind::user}};

// Seconds since 1970, also as JSON numbers with a fraction; nullopt: not that.
std::optional<std::uint64_t> time_of(const proto::JsonValue& value) {
  const auto number = value.number();
  if (!number || !(*number >= 0) || *number > 1e12) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

void Api::revoke(Session& session, const proto::Request& request) {
  static constexpr std::string_view fields[] = {"jti", "user", "issued_before", "expires"};
  const auto body = body_of(session, request, fields);
  if (!body) return;
  const std::uint64_t now_s = shard_.wall_ms / 1'000;
  Revocations::Order order{.kind = Kind::all,
                           .workspace = workspace_,
                           .name = {},
                           // Tokens of this very second are not newer than the request.
                           .issued_before_s = now_s + 1,
                           .until_s = now_s + shard_.node.config.revocation_keep_ms / 1'000};
  for (const KindRow& row : kinds) {
    const auto value = body->find(row.field);
    if (!value) continue;
    if (order.kind != Kind::all)
      return refuse(session, row.field, "stands beside `jti`: say one of the two");
    const auto name = value->string();
    if (!name || !proto::dialect::is_name(*name, bounds::token_word_bytes_max))
      return refuse(session, row.field, "must be 1 to 255 bytes without control characters");
    order.kind = row.kind;
    order.name = *name;
  }
  const auto before = body->find("issued_before");
  if (before) {
    const auto time_s = time_of(*before);
    if (!time_s || order.kind == Kind::token)
      return refuse(session, "issued_before",
                    "must be seconds since 1970, and does not go with `jti`");
    order.issued_before_s = *time_s;
  }
  if (order.kind == Kind::all && !before)
    return refuse(session, "jti", "is missing: say `jti`, `user` or `issued_before`");
  if (const auto value = body->find("expires")) {
    const auto time_s = time_of(*value);
    if (!time_s || *time_s <= now_s)
      return refuse(session, "expires", "must be seconds since 1970, in the future");
    order.until_s = *time_s + shard_.node.config.token_skew_ms / 1'000;
  }
  const Asker asker = asker_of(session);
  shard_.revoking.begin(asker, order);
}

}  // namespace ringroom::realtime
