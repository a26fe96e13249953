#pragma once

namespace ringroom::load {

// The subcommand `ringroom bench [SCENARIO.conf] [--key value ...]`; argv[0] is its own name.
// Prints the report, writes --json, --html and --svg FILE; how far it is goes to standard error.
//
// Exit code: 0 all that must hold holds, 1 something does not or the run failed, 2 wrong usage, 128
// and the number of the signal that ended it early.
int run_bench(int argc, char** argv);

}  // namespace ringroom::load
