#pragma once

namespace ringroom::load {

// The subcommand `ringroom bench [SCENARIO.conf] [--key value ...]`; argv[0] is its own name.
// Prints the report, writes --json FILE.
//
// Exit code: 0 all that must hold holds, 1 something does not or the run failed, 2 wrong usage.
int run_bench(int argc, char** argv);

}  // namespace ringroom::load
