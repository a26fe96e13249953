#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ringroom::realtime {

// What a key of the server API may be used for. A key that says nothing may do nothing.
enum class Scope : std::uint8_t {
  publish,   // POST /api/publish, /api/broadcast
  read,      // ask about rooms
  rooms,     // make and delete them
  sessions,  // look at and end connections
  admin      // /admin/..., on the admin listener only
};
std::string_view name_of(Scope scope);

class Scopes {
 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) add(scope);
  }
  constexpr void add(Scope scope) { bits_ |= bit(scope); }
  constexpr bool has(Scope scope) const { return (bits_ & bit(scope)) != 0; }

  // "publish+read"; nullopt: a name is none.
  static std::optional<Scopes> parse(std::string_view text);

 private:
  static constexpr std::uint8_t bit(Scope scope) {
    return static_cast<std::uint8_t>(1u << std::uint8_t(scope));
  }
  std::uint8_t bits_ = 0;
};

// One further key of the server API, as an operator writes it: NAME:SCOPE+SCOPE:FILE, or
// NAME@WORKSPACE:SCOPE+SCOPE:FILE of one that opens this workspace alone. The key stands in the
// file, never in a flag or a variable.
struct AccessKey {
  std::string name;       // for logs and limits
  std::string workspace;  // its id; empty: it opens all
  Scopes scopes;
  std::string file;
  std::string written;
  std::string secret;  // from the file

  const std::string& text() const { return written; }

  // Error: what is wrong with it, to be put behind its text.
  static Result<AccessKey, std::string_view> parse(std::string_view text);
};

// 1 to 64 letters, digits, `-`, `_` or `.`: what stands well in an option, a log and a label.
bool is_plain_name(std::string_view text);

// A key that somebody could guess: short, of few characters, or one that stands in examples.
bool is_guessable(std::string_view secret);

}  // namespace ringroom::realtime
