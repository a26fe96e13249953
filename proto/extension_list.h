#pragma once

#include <optional>
#include <string_view>

namespace ringroom::proto {

// Sec-WebSocket-Extensions (RFC 6455, 9.1), read left to right once:
//
//   token *( ";" token [ "=" token-or-quoted ] ) *( "," ... )
//
//   permessage-deflate; client_max_window_bits, foo; bar="b\az"
//   ^ extension         ^ parameter             ^    ^ parameter with a value
//
// Names are compared with nothing here, so `constructor` is a name like any other.
// Lifetime: what it returns are views of the text.
class ExtensionList {
 public:
  enum class Item { extension, parameter, end, malformed };

  explicit ExtensionList(std::string_view text) : rest_(text) {}

  // After `end` and `malformed` it is not called again.
  Item next();
  std::string_view name() const { return name_; }
  // Of a parameter. A quoted one is without its quotes, and still has its backslashes: each stands
  // in front of the character that is meant.
  std::optional<std::string_view> value() const { return value_; }

 private:
  void skip_blanks();
  bool take(char c);
  std::string_view take_token();   // empty: there is none
  std::string_view take_quoted();  // the same

  std::string_view rest_;
  std::string_view name_;
  std::optional<std::string_view> value_;
  bool at_start_ = true;
};

// A `token` of HTTP.
bool is_token_char(char c);

}  // namespace ringroom::proto
