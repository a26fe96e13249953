#include "realtime/namespace.h"

#include <utility>

namespace ringroom::realtime {

Namespaces::Namespaces(std::vector<Namespace> rows, bool insecure_dev) : rows_(std::move(rows)) {
  if (!rows_.empty()) return;
  Namespace& built_in = rows_.emplace_back();
  if (!insecure_dev) return;
  built_in.history_count = 100;
  built_in.presence = true;
}

const Namespace* Namespaces::find(std::string_view room) const {
  const std::string_view name = namespace_of(room);
  const Namespace* fallback = nullptr;
  for (const Namespace& row : rows_) {
    if (row.name.empty()) fallback = &row;
    if (!name.empty() && row.name == name) return &row;
  }
  return fallback;
}

}  // namespace ringroom::realtime
