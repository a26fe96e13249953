#include "realtime/access/members.h"

#include <algorithm>
#include <vector>

namespace ringroom::realtime {

Result<Members, MembersError> Members::of(const proto::JsonValue& object, std::size_t count_max) {
  if (!object.is_object()) return fail(MembersError::no_object);
  if (object.size() > count_max) return fail(MembersError::too_many);
  std::vector<std::string_view> names;
  names.reserve(object.size());
  for (const proto::JsonField field : object.fields()) names.push_back(field.name);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end()) return fail(MembersError::twice);
  return Members(object);
}

std::optional<std::string_view> Members::text(std::string_view name) const {
  const auto value = find(name);
  return value ? value->string() : std::nullopt;
}

}  // namespace ringroom::realtime
