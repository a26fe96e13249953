#include "tools/token/token_command.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "realtime/access/base64url.h"
#include "realtime/access/bounds.h"
#include "realtime/config.h"

namespace ringroom::tools {

namespace {

using realtime::Action;
using realtime::Claims;
using realtime::TokenKey;
using realtime::TokenRules;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(byte));
      out += code;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

template <class Items, class Print>
std::string joined(const Items& items, Print print) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += ',';
    out += print(item);
  }
  return out;
}

std::vector<std::string_view> names_of(realtime::Actions actions) {
  std::vector<std::string_view> out;
  for (unsigned i = 0; i <= static_cast<unsigned>(Action::admin); ++i)
    if (actions.has(static_cast<Action>(i)))
      out.push_back(realtime::name_of(static_cast<Action>(i)));
  return out;
}

std::string claims_of(const TokenArguments& arguments, const TokenRules& rules,
                      std::uint64_t now_s) {
  std::string out = "{\"sub\":" + quoted(arguments.user) + ",\"iat\":" + std::to_string(now_s) +
                    ",\"exp\":" + std::to_string(now_s + arguments.lifetime_s);
  if (!rules.audience.empty()) out += ",\"aud\":" + quoted(rules.audience);
  if (!rules.issuer.empty()) out += ",\"iss\":" + quoted(rules.issuer);
  if (!arguments.workspace.empty()) out += ",\"workspace\":" + quoted(arguments.workspace);
  if (!arguments.permissions.empty())
    out += ",\"permissions\":[" + joined(arguments.permissions, quoted) + "]";
  if (!arguments.rooms.empty())
    out += ",\"rooms\":{" +
           joined(arguments.rooms,
                  [](const realtime::RoomGrant& grant) {
                    return quoted(grant.pattern) + ":[" + joined(names_of(grant.actions), quoted) +
                           "]";
                  }) +
           "}";
  if (!arguments.info.empty()) out += ",\"info\":" + arguments.info;
  return out + "}";
}

std::string time_text(std::uint64_t wall_s) {
  const auto seconds = static_cast<std::time_t>(wall_s);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 40> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

// Somebody else's text must not be able to drive this terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

std::string describe(const Claims& claims) {
  std::string out = "valid until " + time_text(claims.expires_s) + "\nuser " + claims.user + "\n";
  if (!claims.workspace.empty()) out += "workspace " + claims.workspace + "\n";
  for (const std::string& permission : claims.permissions) out += "permission " + permission + "\n";
  for (const realtime::RoomGrant& grant : claims.rooms) {
    out += "room " + grant.pattern + ":";
    for (const std::string_view name : names_of(grant.actions)) out += " " + std::string(name);
    out += "\n";
  }
  return out;
}

// The parts of a refused token as they are written, which may be anybody's invention.
std::string unproven(std::string_view token) {
  std::string out;
  for (const std::string_view part : {"header", "claims"}) {
    const std::size_t dot = token.find('.');
    const auto text = realtime::decode_base64url(token.substr(0, dot));
    if (!text || dot == std::string_view::npos) break;
    out += "unproven " + std::string(part) + ": " + printable(*text) + "\n";
    token.remove_prefix(dot + 1);
  }
  return out;
}

Result<TokenRules, Stop> rules_of(const TokenArguments& arguments, const char* const* environment) {
  std::vector<const char*> argv{"token"};
  if (!arguments.config_file.empty()) {
    argv.push_back("--config");
    argv.push_back(arguments.config_file.c_str());
  }
  auto config = load(static_cast<int>(argv.size()), argv.data(), environment);
  if (!config) return fail(config.error());
  if (!arguments.secret_file.empty()) {
    config->token_hmac_secret.clear();
    config->token_hmac_secret_file = arguments.secret_file;
    if (const auto done = realtime::settle(*config); !done)
      return fail(Stop{.text = done.error().sentence, .exit_code = exit_usage});
  }
  if (config->token_hmac_secret.empty())
    return fail(Stop{.text = "there is no secret: give --secret-file, --config or "
                             "RINGROOM_TOKEN_HMAC_SECRET_FILE",
                     .exit_code = exit_usage});
  return TokenRules{
      .keys = {TokenKey{.id = "", .secret = config->token_hmac_secret}},
      .audience = arguments.audience.empty() ? config->token_audience : arguments.audience,
      .issuer = arguments.issuer.empty() ? config->token_issuer : arguments.issuer};
}

std::string first_line_of_stdin() {
  std::string out(realtime::bounds::token_bytes_max + 2, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), stdin));
  out.resize(std::min(out.size(), out.find_first_of("\r\n")));
  return out;
}

}  // namespace

Result<std::string, Stop> make_token(const TokenArguments& arguments, const TokenRules& rules,
                                     std::uint64_t now_s) {
  std::string token = realtime::sign_token(rules.keys.front(), claims_of(arguments, rules, now_s));
  const auto claims = realtime::TokenVerifier(rules).verify(token, now_s);
  if (claims) return token;
  return fail(Stop{.text = "the server would refuse such a token: " +
                           std::string(realtime::row_of(claims.error()).sentence),
                   .exit_code = exit_usage});
}

TokenReport check_token(std::string_view token, const TokenRules& rules, std::uint64_t now_s) {
  const auto claims = realtime::TokenVerifier(rules).verify(token, now_s);
  if (claims) return {.good = true, .text = describe(*claims)};
  const realtime::TokenErrorRow& row = realtime::row_of(claims.error());
  return {.good = false,
          .text = "refused (" + std::string(row.name) + "): " + std::string(row.sentence) + "\n" +
                  unproven(token)};
}

int token_command(int argc, const char* const* argv, const char* const* environment) {
  auto arguments = read_token_arguments(argc, argv);
  if (!arguments) return report(arguments.error());
  const auto rules = rules_of(*arguments, environment);
  if (!rules) return report(rules.error());
  const std::uint64_t now_s = wall_ms() / 1'000;

  if (arguments->command == TokenArguments::Command::make) {
    const auto token = make_token(*arguments, *rules, now_s);
    if (!token) return report(token.error());
    std::printf("%s\n", token->c_str());
    return 0;
  }
  if (arguments->token.empty()) arguments->token = first_line_of_stdin();
  const TokenReport checked = check_token(arguments->token, *rules, now_s);
  std::fputs(checked.text.c_str(), stdout);
  return checked.good ? 0 : 1;
}

}  // namespace ringroom::tools
