#pragma once

#include <string>

namespace ringroom::tools {

// `ringroom config show|check|defaults|docs`: what a configuration means, without starting
// anything. show and check take the flags of `serve`. argv[0] is "config". Returns the exit code.
int config_command(int argc, const char* const* argv, const char* const* environment);

// docs/config.md.
std::string config_markdown();
// A file that sets every option to its default.
std::string config_defaults();

}  // namespace ringroom::tools
