#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "realtime/access/grants.h"
#include "tools/options.h"

namespace ringroom::tools {

// What `ringroom token make` and `ringroom token check` are asked for.
struct TokenArguments {
  enum class Command : std::uint8_t { make, check };
  Command command = Command::make;

  // Where the keys, the audience and the issuer come from: the configuration, or these instead.
  std::string config_file;
  std::string secret_file;
  std::string key_files;  // as token-key-files
  std::string jwks_file;
  std::string audience;
  std::string issuer;

  // make
  std::string sign_with;  // ALGORITHM:KID:FILE of a private key; empty: the configured secret
  std::string user;
  std::string workspace;
  std::string id;  // `jti`
  std::uint64_t lifetime_s = 3'600;
  std::vector<realtime::RoomGrant> rooms;
  std::vector<std::string> permissions;
  std::string info;  // raw JSON object

  // check; empty: the first line of stdin, so that a token need not stand in a shell's history
  std::string token;
};

// argv[0] is "token".
Result<TokenArguments, Stop> read_token_arguments(int argc, const char* const* argv);

}  // namespace ringroom::tools
