#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "realtime/access/grants.h"
#include "realtime/option.h"

namespace ringroom::realtime {

// Rights under a name (A3): whoever has the role, by its token (`roles`) or because everybody has
// it, may do and hear this in addition to what its token says itself. [role.NAME] in the file.
//
// Every option has a row in role.cc.
struct Role {
  std::string name;
  std::vector<RoomGrant> rooms;
  std::vector<std::string> permissions;
};

using RoleOption = OptionRow<Role>;
extern const std::span<const RoleOption> role_options;

// As for namespaces: `editor`, or `editor:rooms=doc:*=join+publish,permissions=draft:view`.
Outcome<Complaint> choose(std::vector<Role>& chosen, std::string_view text);
Outcome<Complaint> choose(std::vector<Role>& chosen, std::string_view name, std::string_view option,
                          std::string_view value);
// Without an option: it is only made, and grants nothing.
Outcome<Complaint> choose_role(std::vector<Role>& chosen, std::string_view name);
std::string print(const Role& role);

// nullptr: there is none of that name.
const Role* find_role(std::span<const Role> roles, std::string_view name);

}  // namespace ringroom::realtime
