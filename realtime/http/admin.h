#pragma once

#include "alloc/block.h"
#include "realtime/config.h"

namespace ringroom::realtime {

// What the server was started with, for whoever looks after it: every option and its value as the
// file has it; of a secret only whether it is set.
//
//   {"version":"...","options":{"listen":"0.0.0.0:8000", ...}}
void append_config(alloc::BlockBuilder& out, const Config& config);

}  // namespace ringroom::realtime
