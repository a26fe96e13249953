#include "tools/token/token_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/clock.h"
#include "realtime/access/base64url.h"
#include "realtime/access/bounds.h"
#include "realtime/access/pem.h"
#include "realtime/access/token_keys.h"
#include "realtime/config.h"

namespace ringroom::tools {

namespace {

using realtime::Action;
using realtime::Claims;
using realtime::Key;
using realtime::KeySet;
using realtime::TokenError;
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
  if (!arguments.id.empty()) out += ",\"jti\":" + quoted(arguments.id);
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
  if (!claims.id.empty()) out += "id " + claims.id + "\n";
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

// The keys as their set knows them: enough to see why a `kid` or an `alg` found none.
std::string names_of(const KeySet& keys) {
  if (keys.empty()) return "there are no keys\n";
  return "keys: " +
         joined(keys.keys(),
                [](const Key& key) {
                  return (key.id().empty() ? "(no kid)" : printable(key.id())) + " " +
                         std::string(realtime::row_of(key.algorithm()).name);
                }) +
         "\n";
}

// What the sentence of a refusal is about, with its numbers.
std::string circumstances(TokenError error, const TokenKeyring& keyring, std::uint64_t now_s) {
  const TokenRules& rules = keyring.rules;
  switch (error) {
    case TokenError::unknown_key:
    case TokenError::wrong_algorithm:
    case TokenError::bad_signature:
      return names_of(keyring.keys);
    case TokenError::expired:
    case TokenError::not_yet_valid:
    case TokenError::issued_later:
      return "it is " + time_text(now_s) + "; clocks may differ by " +
             std::to_string(rules.skew_s) + " s\n";
    case TokenError::wrong_audience:
      return rules.audience.empty() ? "the server has no token-audience\n"
                                    : "the server's token-audience is " + rules.audience + "\n";
    case TokenError::wrong_issuer:
      return "the server's token-issuer is " + rules.issuer + "\n";
    default:
      return "";
  }
}

Failure<Stop> refuse(std::string sentence) {
  return fail(Stop{.text = std::move(sentence), .exit_code = exit_usage});
}

Result<Key, Stop> signer_of(const std::string& text) {
  const auto named = realtime::parse_key_file(text);
  if (!named)
    return refuse("--sign-with must be ALGORITHM:FILE or ALGORITHM:KID:FILE, not \"" + text + "\"");
  const auto pem =
      realtime::read_file("--sign-with", named->path, realtime::bounds::key_file_bytes_max);
  if (!pem) return refuse(pem.error().sentence);
  auto read = realtime::read_private_pem(*pem);
  if (!read) return refuse("--sign-with " + named->path + " is no private key as PEM");
  auto key = Key::of_private(named->algorithm, named->id, std::move(*read));
  if (!key) return refuse("--sign-with: " + std::string(realtime::sentence_of(key.error())));
  return std::move(*key);
}

Result<realtime::Config, Stop> config_of(const TokenArguments& arguments,
                                         const char* const* environment) {
  std::vector<const char*> argv{"token"};
  if (!arguments.config_file.empty()) {
    argv.push_back("--config");
    argv.push_back(arguments.config_file.c_str());
  }
  auto config = load(static_cast<int>(argv.size()), argv.data(), environment);
  if (!config) return config;
  const bool brings_keys = !arguments.secret_file.empty() || !arguments.key_files.empty() ||
                           !arguments.jwks_file.empty();
  if (!brings_keys) return config;
  config->token_hmac_secret.clear();
  config->token_hmac_secret_file = arguments.secret_file;
  config->token_key_files = arguments.key_files;
  config->token_jwks_file = arguments.jwks_file;
  if (const auto done = realtime::settle(*config); !done) return refuse(done.error().sentence);
  return config;
}

Result<TokenKeyring, Stop> keyring_of(const TokenArguments& arguments,
                                      const char* const* environment) {
  const auto config = config_of(arguments, environment);
  if (!config) return fail(config.error());
  auto keys = realtime::configured_keys(*config);
  if (!keys) return refuse(keys.error().sentence);
  TokenKeyring out{
      .keys = {},
      .rules = {.audience =
                    arguments.audience.empty() ? config->token_audience : arguments.audience,
                .issuer = arguments.issuer.empty() ? config->token_issuer : arguments.issuer,
                .skew_s = config->token_skew_ms / 1'000},
      .signer = {}};
  for (const Key& key : *keys)
    if (const auto added = out.keys.add(key); !added)
      return refuse(std::string(realtime::sentence_of(added.error())));
  if (!arguments.sign_with.empty()) {
    auto signer = signer_of(arguments.sign_with);
    if (!signer) return fail(signer.error());
    out.signer = std::move(*signer);
  }
  if (out.keys.empty() && !out.signer)
    return refuse(
        "there is no key: give --secret-file, --key-files, --jwks-file, --config or "
        "RINGROOM_TOKEN_HMAC_SECRET_FILE");
  return out;
}

std::string first_line_of_stdin() {
  std::string out(realtime::bounds::token_bytes_max + 2, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), stdin));
  out.resize(std::min(out.size(), out.find_first_of("\r\n")));
  return out;
}

}  // namespace

Result<std::string, Stop> make_token(const TokenArguments& arguments, const TokenKeyring& keyring,
                                     std::uint64_t now_s) {
  const auto keys = keyring.keys.keys();
  const auto able = std::ranges::find_if(keys, &Key::can_sign);
  if (!keyring.signer && able == keys.end())
    return refuse("there is no key to sign with: give --secret-file or --sign-with");
  const Key& signer = keyring.signer ? *keyring.signer : *able;
  const std::string token =
      realtime::sign_token(signer, claims_of(arguments, keyring.rules, now_s));
  // Its public half need not be configured here.
  KeySet own;
  const bool is_added = bool(own.add(signer));
  RR_CHECK(is_added);
  const auto claims = realtime::TokenVerifier(keyring.rules).verify(token, own, now_s);
  if (claims) return token;
  return refuse("the server would refuse such a token: " +
                std::string(realtime::row_of(claims.error()).sentence));
}

TokenReport check_token(std::string_view token, const TokenKeyring& keyring, std::uint64_t now_s) {
  const auto claims = realtime::TokenVerifier(keyring.rules).verify(token, keyring.keys, now_s);
  if (claims) return {.good = true, .text = describe(*claims)};
  const realtime::TokenErrorRow& row = realtime::row_of(claims.error());
  return {.good = false,
          .text = "refused (" + std::string(row.name) + "): " + std::string(row.sentence) + "\n" +
                  circumstances(claims.error(), keyring, now_s) + unproven(token)};
}

int token_command(int argc, const char* const* argv, const char* const* environment) {
  auto arguments = read_token_arguments(argc, argv);
  if (!arguments) return report(arguments.error());
  const auto keyring = keyring_of(*arguments, environment);
  if (!keyring) return report(keyring.error());
  const std::uint64_t now_s = wall_ms() / 1'000;

  if (arguments->command == TokenArguments::Command::make) {
    const auto token = make_token(*arguments, *keyring, now_s);
    if (!token) return report(token.error());
    std::printf("%s\n", token->c_str());
    return 0;
  }
  if (arguments->token.empty()) arguments->token = first_line_of_stdin();
  const TokenReport checked = check_token(arguments->token, *keyring, now_s);
  std::fputs(checked.text.c_str(), stdout);
  return checked.good ? 0 : 1;
}

}  // namespace ringroom::tools
