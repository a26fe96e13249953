#pragma once

#include <array>
#include <cstddef>
#include <string_view>

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
  std::array<std::byte, 32> digest_{};
  bool set_ = false;
};

}  // namespace ringroom::realtime
