#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "realtime/access/jwt.h"
#include "tools/token/arguments.h"

namespace ringroom::tools {

// `ringroom token make|check`. argv[0] is "token". Exit code: 0, 1 for a token that would be
// refused, 2 for a question that makes no sense.
int token_command(int argc, const char* const* argv, const char* const* environment);

// What tokens are made with, and held against.
struct TokenKeyring {
  realtime::KeySet keys;
  realtime::TokenRules rules;
  std::optional<realtime::Key> signer;  // nothing: the first of the keys that can sign
};

// The token, held against the rules before it is given away: what we make we also take.
Result<std::string, Stop> make_token(const TokenArguments& arguments, const TokenKeyring& keyring,
                                     std::uint64_t now_s);

struct TokenReport {
  bool good;
  std::string text;  // for a person; what a refused token claims is shown as unproven
};
TokenReport check_token(std::string_view token, const TokenKeyring& keyring, std::uint64_t now_s);

}  // namespace ringroom::tools
