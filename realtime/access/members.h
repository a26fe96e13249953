#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "proto/json.h"

namespace ringroom::realtime {

// Why an object that a stranger wrote is not looked at. A name that is there twice would let two
// readers see two different tokens, or two keys.
enum class MembersError : std::uint8_t { no_object, twice, too_many };

// The members of a JSON object, each there once. A view, as the value is.
class Members {
 public:
  static Result<Members, MembersError> of(const proto::JsonValue& object, std::size_t count_max);

  std::optional<proto::JsonValue> find(std::string_view name) const { return object_.find(name); }
  bool has(std::string_view name) const { return find(name).has_value(); }
  // nullopt: absent, or no text.
  std::optional<std::string_view> text(std::string_view name) const;

 private:
  explicit Members(const proto::JsonValue& object) : object_(object) {}
  proto::JsonValue object_;
};

}  // namespace ringroom::realtime
