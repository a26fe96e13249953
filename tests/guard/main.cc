// hot_path WORK DELIVERIES: passes messages through the server without a kernel, for counting
// instructions and for profiles (tests/guard/instructions.py, docs/profile.md).
#include <cstdio>
#include <cstdlib>

#include "tests/guard/hot_path.h"

int main(int argc, char** argv) {
  const ringroom::guard::Work* work = argc == 3 ? ringroom::guard::find_work(argv[1]) : nullptr;
  const long long deliveries = argc == 3 ? std::atoll(argv[2]) : 0;
  if (work == nullptr || deliveries <= 0) {
    std::fprintf(stderr, "usage: hot_path WORK DELIVERIES\n");
    for (const ringroom::guard::Work& each : ringroom::guard::works()) {
      std::fprintf(stderr, "  %s\n", each.name.data());
    }
    return 2;
  }
  ringroom::guard::Observer nobody;
  const auto passed = ringroom::guard::pass(*work, static_cast<std::uint64_t>(deliveries), nobody);
  std::printf("messages %llu deliveries %llu sends %llu\n",
              static_cast<unsigned long long>(passed.messages),
              static_cast<unsigned long long>(passed.deliveries),
              static_cast<unsigned long long>(passed.sends));
  return 0;
}
