#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringroom::realtime {

// What an identity may do in which rooms. The default is no.
//
//   {"quote:*": ["join", "publish"], "lobby": ["join"]}
//        pattern -> actions               `*` stands for any characters, also none

enum class Action : std::uint8_t { join, publish, presence, history, create, remove, admin };

std::string_view name_of(Action action);  // as tokens spell it; remove is "delete"
std::optional<Action> action_of(std::string_view name);

// A set of actions in one byte.
class Actions {
 public:
  constexpr Actions() = default;
  constexpr Actions(std::initializer_list<Action> actions) {
    for (const Action action : actions) add(action);
  }
  static constexpr Actions all() {
    return {Action::join,   Action::publish, Action::presence, Action::history,
            Action::create, Action::remove,  Action::admin};
  }

  constexpr void add(Action action) { bits_ = static_cast<std::uint8_t>(bits_ | bit(action)); }
  constexpr void add(Actions more) { bits_ = static_cast<std::uint8_t>(bits_ | more.bits_); }
  constexpr bool has(Action action) const { return (bits_ & bit(action)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool has_all(Actions others) const { return (others.bits_ & ~bits_) == 0; }
  constexpr Actions without(Actions others) const {
    return of_bits(static_cast<std::uint8_t>(bits_ & ~others.bits_));
  }
  // As letters carry them.
  constexpr std::uint8_t bits() const { return bits_; }
  static constexpr Actions of_bits(std::uint8_t bits) {
    Actions out;
    out.bits_ = bits;
    return out;
  }
  bool operator==(const Actions&) const = default;

 private:
  static constexpr unsigned bit(Action action) { return 1u << static_cast<unsigned>(action); }
  std::uint8_t bits_ = 0;
};

struct RoomGrant {
  std::string pattern;
  Actions actions;
};

// What is changed of somebody's grants while he is here (live_rights.h).
struct RoomChange {
  std::string pattern;
  Actions allowed;
  Actions denied;  // whatever is granted or allowed elsewhere
  std::uint64_t until_s = 0;
};

// One as a line of text, and back: what is allowed and denied as two hexadecimal digits each, then
// the pattern, which has no control characters.
std::string line_of(const RoomChange& change);
RoomChange room_change_of(std::string_view line);

// False for a pattern that grants would not take: empty, too long, too many stars.
bool is_pattern(std::string_view pattern);
bool matches(std::string_view pattern, std::string_view room);
// A room's name has no star: what has one is a pattern.
constexpr bool has_star(std::string_view name) { return name.find('*') != std::string_view::npos; }

// The room that carries what is for one person only.
inline constexpr std::string_view personal_prefix = "user:";
bool is_personal(std::string_view room);
std::string_view owner_of_personal(std::string_view room);  // the user
bool is_personal_of(std::string_view room, std::string_view user);

// Owner:    sessions of one core, through GrantsRef.
// Personal: `user:<id>` is its user's, who joins and reads it with or without a grant. Nobody else
//           may do anything there, whatever is granted. A pattern reaches one's own such room only
//           if it begins with `user:`.
// Admin:    who may `admin` a room may do everything else there as well.
// Changes:  add to the grants, and take away; what one takes away no other gives. One's own
//           personal room they leave alone.
class Grants {
 public:
  Grants() = default;
  explicit Grants(std::vector<RoomGrant> rows) : rows_(std::move(rows)) {}
  static Grants everything();  // for development; personal rooms stay personal
  // The same grants with these changes and no others.
  Grants changed(std::vector<RoomChange> changes) const;

  // All that `user` may do in `room`. Computed once per subscription and kept there.
  Actions in(std::string_view room, std::string_view user) const;
  // What holds in every room that the pattern matches; of personal rooms it says nothing.
  Actions over(std::string_view pattern) const;
  // What is taken away in the room, whatever grants it.
  Actions denied_in(std::string_view room) const;
  bool may(Action action, std::string_view room, std::string_view user) const {
    return in(room, user).has(action);
  }

 private:
  Actions with_changes(Actions granted, std::string_view room) const;

  std::vector<RoomGrant> rows_;
  std::vector<RoomChange> changes_;  // mostly none
};

// What a refusal tells the client: "join is not granted for room quote:1".
std::string refusal_of(Action action, std::string_view room);

}  // namespace ringroom::realtime
