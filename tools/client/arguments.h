#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "tools/options.h"

namespace ringroom::tools {

// What the commands that speak to a running server are asked for: `publish`, `rooms`,
// `connections`, `healthcheck`.
struct ClientArguments {
  enum class Command : std::uint8_t { publish, rooms, connections, healthcheck };
  Command command = Command::healthcheck;

  // Where the server is and by which key: as the configuration says, or these instead.
  std::string config_file;
  std::string url;
  std::string key_file;
  std::uint64_t timeout_ms = 5'000;
  bool json = false;  // the server's answer as it is

  // publish
  std::string room, type, payload = "{}", message_id;  // payload "-": stdin
  // rooms
  std::string prefix;
  // rooms, connections; 0: the server's own
  std::uint64_t limit = 0;
  // healthcheck: not only alive, but ready for clients
  bool ready = false;
};

// argv[0] is the name of the command.
Result<ClientArguments, Stop> read_client_arguments(ClientArguments::Command command, int argc,
                                                    const char* const* argv);

}  // namespace ringroom::tools
