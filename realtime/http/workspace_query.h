#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringroom::realtime {

// The id that `workspace` names in a query. nullopt: it names none. One that cannot be decoded is
// the empty text, which is no id: whoever names a workspace badly is refused, and not in `default`.
std::optional<std::string> workspace_in_query(std::string_view query);

}  // namespace ringroom::realtime
