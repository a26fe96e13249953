#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/access/scope.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// A key of the server API. Keeps its hash, so the comparison takes the same time wherever two keys
// differ and however long they are.
class ApiKey {
 public:
  ApiKey() = default;  // no key: nothing matches
  explicit ApiKey(std::string_view key);

  bool matches(std::string_view candidate) const;
  bool is_set() const { return set_; }

 private:
  friend class ApiKeys;
  std::array<std::byte, 32> digest_{};
  bool set_ = false;
};

// All keys of the server API, and what each may be used for.
class ApiKeys {
 public:
  struct Entry {
    std::string name;
    Scopes scopes;
    std::optional<OwnedWorkspace> workspace;  // the only one it opens; nullopt: it opens all
    ApiKey key;
  };

  // An empty key is none.
  void add(std::string_view name, Scopes scopes, std::optional<Workspace> workspace,
           std::string_view key);
  bool is_empty() const { return entries_.empty(); }
  // Looks at all of them, so that the time does not tell which one it was nearest to. nullptr:
  // none.
  const Entry* find(std::string_view candidate) const;
  // Of keys that open one alone; several may be of the same.
  void for_each_workspace(auto&& f) const {
    for (const Entry& entry : entries_)
      if (entry.workspace) f(Workspace(*entry.workspace));
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace ringroom::realtime
