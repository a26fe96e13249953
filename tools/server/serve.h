#pragma once

namespace ringroom::tools {

// `ringroom serve`: configuration, probe, engine, one shard per core, signals. Returns the exit
// code: 0 after a drain, 1 if it could not start, 2 for a wrong option, 78 where io_uring is
// forbidden.
int serve(int argc, const char* const* argv, const char* const* environment);

}  // namespace ringroom::tools
