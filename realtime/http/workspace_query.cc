#include "realtime/http/workspace_query.h"

#include "proto/http.h"

namespace ringroom::realtime {

std::optional<std::string> workspace_in_query(std::string_view query) {
  constexpr std::string_view name = "workspace";
  if (auto said = proto::query_parameter(query, name)) return said;
  std::string names;  // without their values
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size() == query.size() ? pair.size() : pair.size() + 1);
    names.append(pair.substr(0, pair.find('='))).append("&");
  }
  return proto::query_parameter(names, name);
}

}  // namespace ringroom::realtime
