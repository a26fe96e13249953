#include "realtime/access/grants.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <utility>

#include "realtime/access/bounds.h"
#include "realtime/source/topics.h"

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

std::string line_of(const RoomChange& change) {
  char digits[5];
  std::snprintf(digits, sizeof digits, "%02x%02x", change.allowed.bits(), change.denied.bits());
  return digits + change.pattern;
}

RoomChange room_change_of(std::string_view line) {
  const auto actions_at = [&line](std::size_t at) {
    std::uint8_t bits = 0;
    std::from_chars(line.data() + at, line.data() + at + 2, bits, 16);
    return Actions::of_bits(bits);
  };
  return {
      .pattern = std::string(line.substr(4)), .allowed = actions_at(0), .denied = actions_at(2)};
}

bool is_personal(std::string_view room) { return room.starts_with(personal_prefix); }

std::string_view owner_of_personal(std::string_view room) {
  return room.substr(personal_prefix.size());
}

bool is_personal_of(std::string_view room, std::string_view user) {
  return is_personal(room) && !user.empty() && room.substr(personal_prefix.size()) == user;
}

Grants Grants::everything() { return Grants({{.pattern = "*", .actions = Actions::all()}}); }

Grants Grants::changed(std::vector<RoomChange> changes) const {
  Grants out(rows_);
  out.changes_ = std::move(changes);
  return out;
}

Actions Grants::in(std::string_view room, std::string_view user) const {
  const bool personal = is_personal(room);
  if (personal && !is_personal_of(room, user)) return {};
  Actions out;
  for (const RoomGrant& row : rows_) {
    if (personal && !is_personal(row.pattern)) continue;
    if (!matches(row.pattern, room)) continue;
    out.add(row.actions.has(Action::admin) ? Actions::all() : row.actions);
  }
  if (personal) {
    out.add(reading);
    return out;
  }
  return with_changes(out, room);
}

Actions Grants::denied_in(std::string_view room) const {
  Actions denied;
  for (const RoomChange& change : changes_)
    if (matches(change.pattern, room)) denied.add(change.denied);
  return denied;
}

// Also for a pattern: as below, a change that matches it concerns all that it does.
Actions Grants::with_changes(Actions granted, std::string_view room) const {
  Actions denied;
  for (const RoomChange& change : changes_) {
    if (!matches(change.pattern, room)) continue;
    granted.add(change.allowed.has(Action::admin) ? Actions::all() : change.allowed);
    denied.add(change.denied);
  }
  return granted.without(denied);
}

// A star of the pattern is a character that only a star of the grant can match, so a grant that
// matches the pattern as if it were a name matches all that the pattern does.
Actions Grants::over(std::string_view pattern) const {
  Actions out;
  for (const RoomGrant& row : rows_)
    if (matches(row.pattern, pattern))
      out.add(row.actions.has(Action::admin) ? Actions::all() : row.actions);
  return with_changes(out, pattern);
}

std::string refusal_of(Action action, std::string_view room) {
  if (const TopicRow* const topic = topic_of_room(room)) {
    if (action != Action::join && action != Action::history)
      return "in " + std::string(topic->room) + " the server speaks, nobody else";
    return "to hear " + std::string(room) + " takes the permission `" +
           std::string(topic->permission) +
           "`, in the workspace `default`; an interval is written " + std::string(topic->room) +
           ":30s";
  }
  return std::string(name_of(action)) + " is not granted for room " + std::string(room);
}

}  // namespace ringroom::realtime
