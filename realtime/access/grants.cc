#include "realtime/access/grants.h"

#include <algorithm>
#include <iterator>

#include "realtime/access/bounds.h"

namespace ringroom::realtime {

namespace {

constexpr std::string_view action_names[] = {"join",   "publish", "presence", "history",
                                             "create", "delete",  "admin"};

// What its user may do in a personal room without a grant.
constexpr Actions reading{Action::join, Action::presence, Action::history};

}  // namespace

std::string_view name_of(Action action) { return action_names[static_cast<std::size_t>(action)]; }

std::optional<Action> action_of(std::string_view name) {
  const auto found = std::ranges::find(action_names, name);
  if (found == std::end(action_names)) return std::nullopt;
  return static_cast<Action>(found - std::begin(action_names));
}

bool is_pattern(std::string_view pattern) {
  return !pattern.empty() && pattern.size() <= bounds::token_word_bytes_max &&
         static_cast<std::size_t>(std::ranges::count(pattern, '*')) <= bounds::pattern_stars_max;
}

bool matches(std::string_view pattern, std::string_view room) {
  // On a mismatch only the last star can still take more: earlier ones took the shortest that fits.
  std::size_t p = 0, r = 0;
  std::size_t star = std::string_view::npos, taken_until = 0;
  while (r < room.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken_until = r;
    } else if (p < pattern.size() && pattern[p] == room[r]) {
      ++p;
      ++r;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      r = ++taken_until;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_personal(std::string_view room) { return room.starts_with(personal_prefix); }

bool is_personal_of(std::string_view room, std::string_view user) {
  return is_personal(room) && !user.empty() && room.substr(personal_prefix.size()) == user;
}

Grants Grants::everything() { return Grants({{.pattern = "*", .actions = Actions::all()}}); }

Actions Grants::in(std::string_view room, std::string_view user) const {
  const bool personal = is_personal(room);
  if (personal && !is_personal_of(room, user)) return {};
  Actions out;
  for (const RoomGrant& row : rows_) {
    if (personal && !is_personal(row.pattern)) continue;
    if (!matches(row.pattern, room)) continue;
    out.add(row.actions.has(Action::admin) ? Actions::all() : row.actions);
  }
  if (personal) out.add(reading);
  return out;
}

// A star of the pattern is a character that only a star of the grant can match, so a grant that
// matches the pattern as if it were a name matches all that the pattern does.
Actions Grants::over(std::string_view pattern) const {
  Actions out;
  for (const RoomGrant& row : rows_)
    if (matches(row.pattern, pattern))
      out.add(row.actions.has(Action::admin) ? Actions::all() : row.actions);
  return out;
}

std::string refusal_of(Action action, std::string_view room) {
  return std::string(name_of(action)) + " is not granted for room " + std::string(room);
}

}  // namespace ringroom::realtime
