#include "tools/load/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace ringroom::load {

Machine this_machine() {
  Machine machine;
  machine.cpus = sysconf(_SC_NPROCESSORS_ONLN);
  utsname name{};
  if (uname(&name) == 0) machine.kernel = std::string(name.sysname) + " " + name.release;

  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("model name")) continue;
    machine.cpu = line.substr(line.find(": ") + 2);
    break;
  }
  return machine;
}

}  // namespace ringroom::load
