#include "realtime/access/role.h"

#include <algorithm>

#include "realtime/access/bounds.h"
#include "realtime/option_table.h"

namespace ringroom::realtime {

namespace {

constexpr std::string_view kind = "role";
constexpr std::size_t roles_max = 256;  // a token's are looked for one by one

Failure<Complaint> complain(std::string_view text, std::string_view problem) {
  return fail(Complaint{"`" + std::string(text) + "` " + std::string(problem)});
}

// doc:*=join+publish
Outcome<Complaint> add_room(Role& role, std::string_view text) {
  const std::size_t equals = text.rfind('=');
  RoomGrant grant{.pattern = std::string(text.substr(0, equals)), .actions = {}};
  std::string_view actions = equals == text.npos ? std::string_view() : text.substr(equals + 1);
  for (bool is_last = false; !is_last;) {
    const std::size_t plus = actions.find('+');
    const auto action = action_of(actions.substr(0, plus));
    if (!action || !is_pattern(grant.pattern))
      return complain(text,
                      "must be a room or pattern and what may be done there, such as "
                      "doc:*=join+publish; actions are join, publish, presence, history, create, "
                      "delete, admin");
    grant.actions.add(*action);
    is_last = plus == actions.npos;
    if (!is_last) actions.remove_prefix(plus + 1);
  }
  if (role.rooms.size() == bounds::token_rows_max)
    return complain(text, "is one too many: a role has 256 patterns at most");
  role.rooms.push_back(std::move(grant));
  return Done{};
}

std::string print_rooms(const Role& role) {
  std::string out;
  for (const RoomGrant& grant : role.rooms) {
    out += (out.empty() ? "" : " ") + grant.pattern;
    char separator = '=';
    for (std::size_t i = 0; i <= std::size_t(Action::admin); ++i) {
      if (!grant.actions.has(Action(i))) continue;
      out += separator + std::string(name_of(Action(i)));
      separator = '+';
    }
  }
  return out;
}

Outcome<Complaint> add_permission(Role& role, std::string_view text) {
  if (text.empty() || text.size() > bounds::token_word_bytes_max)
    return complain(text, "must be the name of a permission, 1 to 255 bytes");
  if (role.permissions.size() == bounds::token_rows_max)
    return complain(text, "is one too many: a role has 256 permissions at most");
  role.permissions.emplace_back(text);
  return Done{};
}

std::string print_permissions(const Role& role) {
  std::string out;
  for (const std::string& each : role.permissions) out += (out.empty() ? "" : " ") + each;
  return out;
}

constexpr RoleOption rows[] = {
    {"rooms",
     RoleOption::Several{' ', "PATTERN=ACTION+ACTION PATTERN=ACTION", print_rooms, add_room},
     "What may be done in which rooms: join, publish, presence, history, create, delete, admin."},
    {"permissions", RoleOption::Several{' ', "NAME NAME", print_permissions, add_permission},
     "What is heard of messages that require a permission (`requires`)."},
};
static_assert(well_named(rows));

Result<Role*, Complaint> named(std::vector<Role>& chosen, std::string_view name) {
  return table_named(chosen, name, {"a role", "roles"}, roles_max);
}

}  // namespace

const std::span<const RoleOption> role_options = rows;

Outcome<Complaint> choose_role(std::vector<Role>& chosen, std::string_view name) {
  const auto each = named(chosen, name);
  if (!each) return fail(each.error());
  return Done{};
}

Outcome<Complaint> choose(std::vector<Role>& chosen, std::string_view name, std::string_view option,
                          std::string_view value) {
  const auto each = named(chosen, name);
  if (!each) return fail(each.error());
  return assign_in_table(kind, name, **each, role_options, option, value);
}

Outcome<Complaint> choose(std::vector<Role>& chosen, std::string_view text) {
  return choose_table(kind, text, chosen, choose_role);
}

std::string print(const Role& role) { return print_table<Role>(role, rows); }

const Role* find_role(std::span<const Role> roles, std::string_view name) {
  const auto found = std::ranges::find(roles, name, &Role::name);
  return found == roles.end() ? nullptr : &*found;
}

}  // namespace ringroom::realtime
