#include "tools/routes_command.h"

#include <cstdio>

#include "realtime/http/routes.h"
#include "tools/options.h"

namespace ringroom::tools {

int routes_command(int argc, char**) {
  if (argc > 1) {
    std::fputs("ringroom routes: it takes no options\n", stderr);
    return exit_usage;
  }
  const auto say = [](std::string_view text, int width) {
    std::printf("%-*.*s ", width, static_cast<int>(text.size()), text.data());
  };
  for (const realtime::Routes::Line& line : realtime::Routes::list()) {
    say(line.method, 6);
    say(line.path, 40);
    say(line.whom, 7);
    std::printf("%.*s\n", static_cast<int>(line.scope.size()), line.scope.data());
  }
  return 0;
}

}  // namespace ringroom::tools
