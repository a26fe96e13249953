#include "realtime/workspace.h"

#include "proto/dialect/native_command.h"

namespace ringroom::realtime {

std::optional<Workspace> Workspace::of(std::string_view id) {
  if (!proto::dialect::is_room_name(id)) return std::nullopt;
  return id == default_id ? Workspace() : Workspace(id);
}

void NameIn::join(Workspace workspace) {
  const std::string_view name = name_.text();
  const std::size_t size = workspace.id_.size() + 1 + name.size();
  RR_CHECK(size <= text_.size());
  char* end = text_.data() + workspace.id_.copy(text_.data(), workspace.id_.size());
  *end++ = ScopedName::separator;
  name.copy(end, name.size());
  name_ = ScopedName({text_.data(), size});
}

}  // namespace ringroom::realtime
