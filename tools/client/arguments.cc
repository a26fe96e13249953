#include "tools/client/arguments.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <string_view>

#include "realtime/quantity.h"

namespace ringroom::tools {

namespace {

using Command = ClientArguments::Command;

struct Row {
  std::string_view name, help;
};
constexpr Row rows[] = {{"publish", "Says something in a room of a running server."},
                        {"rooms", "Lists the rooms of a running server."},
                        {"connections", "Lists the connections of a running server."},
                        {"healthcheck", "Ends with 0 if a server is alive, else with 1."}};

void add_own(CLI::App& app, Command command, ClientArguments& out) {
  switch (command) {
    case Command::publish:
      app.add_option("room", out.room, "The room's name.")->required();
      app.add_option("type", out.type, "The message's type.")->required();
      app.add_option("payload", out.payload, "A JSON object; - reads it from stdin.");
      app.add_option("--message-id", out.message_id,
                     "By which the room knows it again: sent twice it is said once.");
      return;
    case Command::rooms:
      app.add_option("--prefix", out.prefix, "Only those whose names begin so.");
      [[fallthrough]];
    case Command::connections:
      app.add_option("--limit", out.limit, "At most so many.");
      return;
    case Command::healthcheck:
      app.add_flag("--ready", out.ready, "Asks whether it takes clients, too.");
      return;
  }
}

}  // namespace

// CLI11 throws; it is met here and nowhere else.
Result<ClientArguments, Stop> read_client_arguments(Command command, int argc,
                                                    const char* const* argv) {
  const Row& row = rows[static_cast<std::size_t>(command)];
  ClientArguments out;
  out.command = command;
  std::string timeout = "5s";
  CLI::App app(std::string(row.help), "ringroom " + std::string(row.name));
  app.footer(
      "Where the server is and its key are read as `ringroom serve` reads them: from the "
      "file and the variables.");
  app.add_option("-c,--config", out.config_file, "Configuration file of the server.");
  app.add_option("--url", out.url, "The server, such as http://127.0.0.1:8000, instead.");
  app.add_option("--api-key-file", out.key_file, "File that holds the API key, instead.");
  app.add_option("--timeout", timeout, "How long to wait for the answer.");
  if (command != Command::healthcheck)
    app.add_flag("--json", out.json, "Prints the server's answer as it is.");
  add_own(app, command, out);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return fail(Stop{.text = app.help(), .exit_code = 0});
  } catch (const CLI::Error& error) {
    return fail(Stop{.text = error.what(), .exit_code = exit_usage});
  }
  const auto timeout_ms = realtime::parse_quantity(timeout, realtime::Unit::milliseconds);
  if (!timeout_ms || *timeout_ms == 0)
    return fail(
        Stop{.text = "--timeout must be a time such as 500ms or 5s, not \"" + timeout + "\"",
             .exit_code = exit_usage});
  out.timeout_ms = *timeout_ms;
  return out;
}

}  // namespace ringroom::tools
