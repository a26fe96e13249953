#include "realtime/access/claims.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "realtime/access/members.h"

namespace ringroom::realtime {

namespace {

using proto::JsonField;
using proto::JsonValue;

bool is_word(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

// False if the claim is there but no word. Absent leaves `out` empty.
bool read_word(const Members& claims, std::string_view name, std::string& out,
               std::size_t bytes_max = bounds::token_word_bytes_max) {
  if (!claims.has(name)) return true;
  const auto text = claims.text(name);
  if (!text || !is_word(*text, bytes_max)) return false;
  out = *text;
  return true;
}

bool read_time(const Members& claims, std::string_view name, std::optional<std::uint64_t>& out) {
  constexpr double far_future_s = 1e12;  // year 33658; beyond it sums could wrap
  const auto value = claims.find(name);
  if (!value) return true;
  const auto number = value->number();
  if (!number || !std::isfinite(*number) || *number < 0 || *number > far_future_s) return false;
  out = static_cast<std::uint64_t>(*number);
  return true;
}

bool read_words(const JsonValue& list, std::vector<std::string>& out) {
  if (!list.is_array() || list.size() > bounds::token_rows_max) return false;
  for (const JsonValue item : list.items()) {
    const auto text = item.string();
    if (!text || !is_word(*text, bounds::token_word_bytes_max)) return false;
    out.emplace_back(*text);
  }
  return true;
}

bool read_actions(const JsonValue& list, Actions& out) {
  if (!list.is_array()) return false;
  for (const JsonValue item : list.items()) {
    const auto name = item.string();
    const auto action = name ? action_of(*name) : std::nullopt;
    if (!action) return false;
    out.add(*action);
  }
  return true;
}

bool read_rooms(const JsonValue& rooms, std::vector<RoomGrant>& out) {
  if (!Members::of(rooms, bounds::token_rows_max)) return false;
  for (const JsonField field : rooms.fields()) {
    if (!is_pattern(field.name)) return false;
    RoomGrant grant{.pattern = std::string(field.name), .actions = {}};
    if (!read_actions(field.value, grant.actions)) return false;
    out.push_back(std::move(grant));
  }
  return true;
}

// `aud` is a text or a list of them; ours must be among them. Who was told no audience is in none
// (RFC 7519, 4.1.3).
bool is_for(const Members& claims, std::string_view audience) {
  const auto value = claims.find("aud");
  if (!value) return audience.empty();
  if (audience.empty()) return false;
  if (value->is_string()) return value->string() == audience;
  for (const JsonValue item : value->items())
    if (item.string() == audience) return true;
  return false;
}

Outcome<TokenError> read_times(const Members& claims, const TokenRules& rules, std::uint64_t now_s,
                               Claims& out) {
  std::optional<std::uint64_t> expires_s, begins_s, issued_s;
  if (!read_time(claims, "exp", expires_s) || !read_time(claims, "nbf", begins_s) ||
      !read_time(claims, "iat", issued_s)) {
    return fail(TokenError::bad_claim);
  }
  if (!expires_s) return fail(TokenError::no_expiry);
  if (now_s >= *expires_s + rules.skew_s) return fail(TokenError::expired);
  if (begins_s && *begins_s > now_s + rules.skew_s) return fail(TokenError::not_yet_valid);
  if (issued_s && *issued_s > now_s + rules.skew_s) return fail(TokenError::issued_later);
  out.issued_s = issued_s.value_or(0);
  out.expires_s = *expires_s;
  out.skew_s = rules.skew_s;
  return Done{};
}

}  // namespace

Result<Claims, TokenError> read_claims(const proto::JsonValue& object, const TokenRules& rules,
                                       std::uint64_t now_s) {
  const auto claims = Members::of(object, bounds::token_members_max);
  if (!claims) {
    return fail(claims.error() == MembersError::twice ? TokenError::member_twice
                                                      : TokenError::malformed);
  }
  Claims out;
  if (const auto times = read_times(*claims, rules, now_s, out); !times) return fail(times.error());
  if (!is_for(*claims, rules.audience)) return fail(TokenError::wrong_audience);
  if (!rules.issuer.empty() && claims->text("iss") != rules.issuer)
    return fail(TokenError::wrong_issuer);

  if (!claims->has("sub") || !read_word(*claims, "sub", out.user, bounds::token_subject_bytes_max))
    return fail(TokenError::no_subject);
  if (!read_word(*claims, "workspace", out.workspace) || !read_word(*claims, "zone", out.zone) ||
      !read_word(*claims, "jti", out.id)) {
    return fail(TokenError::bad_claim);
  }
  // A token for a workspace that cannot be is none for the default one.
  if (!out.workspace.empty() && !Workspace::of(out.workspace)) return fail(TokenError::bad_claim);
  const auto permissions = claims->find("permissions");
  if (permissions && !read_words(*permissions, out.permissions)) return fail(TokenError::bad_claim);
  const auto roles = claims->find("roles");
  if (roles && !read_words(*roles, out.roles)) return fail(TokenError::bad_claim);
  const auto rooms = claims->find("rooms");
  if (rooms && !read_rooms(*rooms, out.rooms)) return fail(TokenError::bad_claim);
  const auto actions = claims->find("actions");
  if (!read_word(*claims, "room", out.room) || (actions && out.room.empty()) ||
      (actions && !read_actions(*actions, out.room_actions)))
    return fail(TokenError::bad_claim);
  if (!actions) out.room_actions.add(Action::join);
  if (const auto info = claims->find("info")) {
    if (!info->is_object()) return fail(TokenError::bad_claim);
    out.info = info->raw();
    // Line ends inside JSON are blanks; in a text that is spliced into others they could end a
    // line.
    std::ranges::replace_if(
        out.info, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  }
  return out;
}

}  // namespace ringroom::realtime
