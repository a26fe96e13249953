// The program `ringroom`: its subcommands, each in a file of its own.

#include <unistd.h>

#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

#include "tools/client/client_command.h"
#include "tools/config_command.h"
#include "tools/load/bench.h"
#include "tools/manual.h"
#include "tools/routes_command.h"
#include "tools/server/serve.h"
#include "tools/token/token_command.h"

namespace ringroom::tools {
namespace {

struct Subcommand {
  std::string_view name;
  std::string_view help;
  int (*run)(int argc, char** argv);
};

int version(int, char**) {
  std::puts("ringroom " RINGROOM_VERSION);
  return 0;
}

template <ClientArguments::Command command>
int as_client(int argc, char** argv) {
  return client_command(command, argc, argv, environ);
}

int completion(int, char**);
int man(int, char**);

// argv[0] of a subcommand is its name.
constexpr Subcommand subcommands[] = {
    {"serve", "Runs the server.", [](int argc, char** argv) { return serve(argc, argv, environ); }},
    {"bench", "Loads a server and measures it.",
     [](int argc, char** argv) { return load::run_bench(argc, argv); }},
    {"config", "Checks and shows the configuration.",
     [](int argc, char** argv) { return config_command(argc, argv, environ); }},
    {"token", "Makes tokens, and says why one would be refused.",
     [](int argc, char** argv) { return token_command(argc, argv, environ); }},
    {"routes", "Lists the paths that the server answers.",
     [](int argc, char** argv) { return routes_command(argc, argv); }},
    {"publish", "Says something in a room of a running server.",
     as_client<ClientArguments::Command::publish>},
    {"rooms", "Lists the rooms of a running server.", as_client<ClientArguments::Command::rooms>},
    {"connections", "Lists the connections of a running server.",
     as_client<ClientArguments::Command::connections>},
    {"healthcheck", "Ends with 0 if a server is alive, else with 1.",
     as_client<ClientArguments::Command::healthcheck>},
    {"completion", "Prints the completion of bash.", completion},
    {"man", "Prints ringroom(1).", man},
    {"version", "Prints the version.", version},
};

std::vector<CommandHelp> all_commands() {
  std::vector<CommandHelp> out;
  for (const Subcommand& command : subcommands) out.push_back({command.name, command.help});
  return out;
}

int completion(int, char**) {
  std::fputs(bash_completion(all_commands()).c_str(), stdout);
  return 0;
}

int man(int, char**) {
  std::fputs(man_page(all_commands()).c_str(), stdout);
  return 0;
}

int usage(std::FILE* out) {
  std::fputs("usage: ringroom COMMAND [options]\n\n", out);
  for (const Subcommand& command : subcommands)
    std::fprintf(out, "  %-11.*s %.*s\n", static_cast<int>(command.name.size()),
                 command.name.data(), static_cast<int>(command.help.size()), command.help.data());
  std::fputs("\n`ringroom COMMAND --help` lists the options of a command.\n", out);
  return out == stdout ? 0 : exit_usage;
}

int run(int argc, char** argv) {
  if (argc < 2) return usage(stderr);
  const std::string_view asked = argv[1];
  if (asked == "--help" || asked == "-h" || asked == "help") return usage(stdout);
  if (asked == "--version") return version(argc, argv);
  for (const Subcommand& command : subcommands)
    if (command.name == asked) return command.run(argc - 1, argv + 1);
  std::fprintf(stderr, "ringroom: there is no command `%s`; `ringroom --help` lists them\n",
               argv[1]);
  return exit_usage;
}

}  // namespace
}  // namespace ringroom::tools

int main(int argc, char** argv) { return ringroom::tools::run(argc, argv); }
