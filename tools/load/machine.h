#pragma once

#include <string>

namespace ringroom::load {

// Where a number was measured; a report without it says nothing.
struct Machine {
  std::string cpu;
  std::string kernel;
  long cpus = 0;
};

Machine this_machine();

}  // namespace ringroom::load
