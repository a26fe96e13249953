#include "realtime/access/scope.h"

#include <algorithm>
#include <bitset>
#include <iterator>

namespace ringroom::realtime {

namespace {

constexpr std::string_view names[] = {"publish", "read", "rooms", "sessions", "admin"};

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t secret_bytes_min = 16;
constexpr std::size_t secret_characters_min = 6;

// What is left of a key when digits, signs and case are taken away.
constexpr std::string_view well_known[] = {
    "admin",   "adminadmin", "adminkey",    "adminpassword", "apikey",
    "change",  "changeme",   "default",     "development",   "example",
    "letmein", "password",   "placeholder", "replaceme",     "ringroom",
    "secret",  "secretkey",  "supersecret", "test",          "yoursecret",
    "yourkey", "changethis", "mysecret",    "yourapikey",    "changemeplease"};

constexpr bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The word, or the word again and again.
bool is_made_of(std::string_view letters, std::string_view word) {
  if (letters.empty() || letters.size() % word.size() != 0) return false;
  for (; !letters.empty(); letters.remove_prefix(word.size()))
    if (!letters.starts_with(word)) return false;
  return true;
}

}  // namespace

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max && std::ranges::all_of(text, [](char c) {
    return is_letter(lower(c)) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

std::string_view name_of(Scope scope) { return names[std::size_t(scope)]; }

std::optional<Scopes> Scopes::parse(std::string_view text) {
  Scopes out;
  for (;;) {
    const std::size_t plus = text.find('+');
    const auto* name = std::ranges::find(names, text.substr(0, plus));
    if (name == std::end(names)) return std::nullopt;
    out.add(static_cast<Scope>(name - names));
    if (plus == text.npos) return out;
    text.remove_prefix(plus + 1);
  }
}

Result<AccessKey, std::string_view> AccessKey::parse(std::string_view text) {
  AccessKey out{.name = {},
                .workspace = {},
                .scopes = {},
                .file = {},
                .written = std::string(text),
                .secret = {}};
  const std::size_t first = text.find(':');
  const std::size_t second = first == text.npos ? first : text.find(':', first + 1);
  if (second == text.npos || second + 1 == text.size())
    return fail(std::string_view("is no key: write NAME:SCOPE+SCOPE:FILE"));
  out.name = text.substr(0, first);
  if (const std::size_t at = out.name.find('@'); at != std::string::npos) {
    out.workspace = out.name.substr(at + 1);
    out.name.resize(at);
    if (!is_plain_name(out.workspace))
      return fail(std::string_view(
          "has behind the `@` no workspace of 1 to 64 letters, digits, `-`, `_` or `.`"));
  }
  out.file = text.substr(second + 1);
  const auto scopes = Scopes::parse(text.substr(first + 1, second - first - 1));
  if (!is_plain_name(out.name))
    return fail(std::string_view("has no name of 1 to 64 letters, digits, `-`, `_` or `.`"));
  if (!scopes)
    return fail(
        std::string_view("has a scope that there is not: publish, read, rooms, sessions or admin"));
  if (!out.workspace.empty() && scopes->has(Scope::admin))
    return fail(std::string_view(
        "is for one workspace, and `admin` is about the whole server: leave one of them out"));
  out.scopes = *scopes;
  return out;
}

bool is_guessable(std::string_view secret) {
  if (secret.size() < secret_bytes_min) return true;
  std::bitset<256> seen;
  std::string letters;
  for (const char c : secret) {
    seen.set(static_cast<unsigned char>(c));
    if (is_letter(lower(c))) letters.push_back(lower(c));
  }
  return seen.count() < secret_characters_min ||
         std::ranges::any_of(
             well_known, [&letters](std::string_view word) { return is_made_of(letters, word); });
}

}  // namespace ringroom::realtime
