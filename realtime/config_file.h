#pragma once

#include <string_view>

#include "base/result.h"
#include "realtime/config.h"

namespace ringroom::realtime {

// Reads a configuration file: TOML, one key per option, in the option's own type. What it does not
// name stays as it is.
//
//   listen = "0.0.0.0:8000"
//   max-message-bytes = "1MiB"     # or 1048576
//   echo = true
//   [namespace.quote]              # and one key per option of a namespace
//   history-count = 100
//
// Errors: the first that is found, as "file:line:column: sentence". The values read before it have
//         been assigned, so a config that was refused is thrown away.
Outcome<Complaint> read_file_text(Config& config, std::string_view text, std::string_view file);

}  // namespace ringroom::realtime
