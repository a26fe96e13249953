#pragma once

#include "realtime/config.h"

namespace ringroom::realtime {

// A part of settle(): reads the files that hold secrets, and refuses those with which a door would
// stand open: a key that can be guessed, or none, on an address of the network.
Outcome<Complaint> settle_secrets(Config& config);

}  // namespace ringroom::realtime
