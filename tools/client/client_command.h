#pragma once

#include "tools/client/arguments.h"

namespace ringroom::tools {

// `ringroom publish`, `rooms`, `connections` and `healthcheck`: thin clients of the server API.
// Returns the exit code: 0, 1 if the server says no or nothing, 2 for what was asked wrongly.
// argv[0] is the name of the command.
int client_command(ClientArguments::Command command, int argc, const char* const* argv,
                   const char* const* environment);

}  // namespace ringroom::tools
