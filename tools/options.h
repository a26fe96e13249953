#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "realtime/config.h"

namespace ringroom::tools {

// Where the value of an option comes from; a later one wins.
enum class Origin : std::uint8_t { defaults, file, environment, flag };

struct Loaded {
  realtime::Config config;
  std::vector<Origin> origins;  // one per row of realtime::options
  // The same of each chosen namespace, in the order of config.chosen_namespaces.
  std::vector<std::vector<Origin>> namespace_origins;
};

// Why the program ends before it began: a sentence for stderr and exit code 2, or the help that was
// asked for, for stdout and exit code 0.
struct Stop {
  std::string text;  // ends without a newline
  int exit_code;
};

inline constexpr int exit_usage = 2;

// The whole configuration of `ringroom serve`: flags over environment over file over defaults, then
// checked. argv[0] is the name of the command; the file is named by -c, --config or
// RINGROOM_CONFIG.
//
// A variable RINGROOM_* that no option is called is an error like any other unknown name, except
// for those that Kubernetes and Docker set for a service called ringroom (RINGROOM_PORT*,
// RINGROOM_SERVICE_*).
Result<realtime::Config, Stop> load(int argc, const char* const* argv,
                                    const char* const* environment);
Result<Loaded, Stop> load_with_origins(int argc, const char* const* argv,
                                       const char* const* environment);

// Writes the text where it belongs and returns the exit code.
int report(const Stop& stop);

}  // namespace ringroom::tools
