#include "tools/token/arguments.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <string_view>

#include "realtime/quantity.h"

namespace ringroom::tools {

namespace {

Failure<Stop> refuse(std::string sentence) {
  return fail(Stop{.text = std::move(sentence), .exit_code = exit_usage});
}

// "quote:*=join,publish". Patterns may contain '=', actions cannot.
std::optional<realtime::RoomGrant> parse_room(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos) return std::nullopt;
  realtime::RoomGrant out{.pattern = std::string(text.substr(0, equals)), .actions = {}};
  if (!realtime::is_pattern(out.pattern)) return std::nullopt;
  std::string_view rest = text.substr(equals + 1);
  while (true) {
    const std::size_t comma = rest.find(',');
    const auto action = realtime::action_of(rest.substr(0, comma));
    if (!action) return std::nullopt;
    out.actions.add(*action);
    if (comma == std::string_view::npos) return out;
    rest.remove_prefix(comma + 1);
  }
}

// A bare number is seconds, as everybody who writes tokens expects.
std::optional<std::uint64_t> parse_lifetime_s(const std::string& text) {
  if (const auto seconds = realtime::parse_quantity(text, realtime::Unit::count)) return seconds;
  const auto lifetime_ms = realtime::parse_quantity(text, realtime::Unit::milliseconds);
  if (!lifetime_ms) return std::nullopt;
  return *lifetime_ms / 1'000;
}

}  // namespace

// CLI11 throws; it is met here and nowhere else.
Result<TokenArguments, Stop> read_token_arguments(int argc, const char* const* argv) {
  TokenArguments out;
  std::vector<std::string> rooms;
  std::string lifetime = "1h";
  CLI::App app("Makes tokens, and says why one would be refused.", "ringroom token");
  CLI::App* make =
      app.add_subcommand("make", "Prints a token signed with the configured secret, or a key.");
  CLI::App* check = app.add_subcommand("check", "Says what a token allows, or why it is refused.");
  app.require_subcommand(1);
  for (CLI::App* command : {make, check}) {
    command->add_option("-c,--config", out.config_file, "Configuration file of the server.");
    command->add_option("--secret-file", out.secret_file,
                        "File that holds the secret, instead of the configured one.");
    command->add_option("--key-files", out.key_files,
                        "PEM files as token-key-files has them, instead of the configured ones.");
    command->add_option("--jwks-file", out.jwks_file,
                        "File with a JWK or JWKS, instead of the configured one.");
    command->add_option("--audience", out.audience, "`aud`, instead of the configured one.");
    command->add_option("--issuer", out.issuer, "`iss`, instead of the configured one.");
  }
  make->add_option("--sign-with", out.sign_with,
                   "ALGORITHM:FILE or ALGORITHM:KID:FILE of a private key as PEM, such as "
                   "ES256:key-1:private.pem, instead of the secret.");
  make->add_option("--sub", out.user, "The user's id.")->required();
  make->add_option("--workspace", out.workspace, "The user's workspace.");
  make->add_option("--jti", out.id, "The token's own id, by which it can be revoked.");
  make->add_option("--ttl", lifetime, "How long it is valid: 90s, 1h; a number is seconds.");
  make->add_option("--room", rooms,
                   "PATTERN=ACTION,... of join, publish, presence, history, create, delete, admin. "
                   "May be given again.");
  make->add_option("--permission", out.permissions, "A permission by name. May be given again.");
  make->add_option("--info", out.info, "A JSON object that others see in presence.");
  check->add_option("token", out.token, "The token; without it the first line of stdin.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return fail(Stop{.text = app.help(), .exit_code = 0});
  } catch (const CLI::Error& error) {
    return refuse(error.what());
  }

  out.command = check->parsed() ? TokenArguments::Command::check : TokenArguments::Command::make;
  const auto lifetime_s = parse_lifetime_s(lifetime);
  if (!lifetime_s || *lifetime_s == 0)
    return refuse("--ttl must be a time such as 90s or 1h, not \"" + lifetime + "\"");
  out.lifetime_s = *lifetime_s;
  for (const std::string& room : rooms) {
    auto grant = parse_room(room);
    if (!grant)
      return refuse("--room must be PATTERN=ACTION,... such as quote:*=join,publish, not \"" +
                    room + "\"");
    out.rooms.push_back(std::move(*grant));
  }
  return out;
}

}  // namespace ringroom::tools
