// Every scenario that bench/run offers can be read and fits together.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tools/load/scenario.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int read = 0;
  int wrong = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    if (entry.path().extension() != ".conf") continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    ringroom::load::Scenario scenario;
    auto outcome = ringroom::load::read_scenario(scenario, entry.path().string(), text.str());
    if (outcome) outcome = ringroom::load::check_together(scenario);
    ++read;
    if (!outcome) {
      std::printf("%s: %s\n", entry.path().c_str(), outcome.error().sentence.c_str());
      ++wrong;
    }
  }
  std::printf("%d scenarios, %d wrong\n", read, wrong);
  return read > 0 && wrong == 0 ? 0 : 1;
}
