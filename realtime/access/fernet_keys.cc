#include "realtime/access/fernet_keys.h"

#include <algorithm>

#include "realtime/access/base64url.h"

namespace ringroom::realtime {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t key_text_bytes = 44;  // the last of them is the padding

bool read_key(std::string_view line, FernetKey& key) {
  if (line.size() != key_text_bytes || line.back() != '=') return false;
  const auto bytes = decode_base64url(line.substr(0, key_text_bytes - 1));
  if (!bytes || bytes->size() != key_bytes) return false;
  const auto half = bytes->begin() + key_bytes / 2;
  std::copy(bytes->begin(), half, key.signing.begin());
  std::copy(half, bytes->end(), key.encryption.begin());
  return true;
}

std::string_view without_blanks(std::string_view line) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t begin = std::min(line.find_first_not_of(blanks), line.size());
  line.remove_prefix(begin);
  return line.substr(0, line.find_last_not_of(blanks) + 1);
}

}  // namespace

Result<FernetKeys, std::string> FernetKeys::parse(std::string_view text) {
  FernetKeys out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_blanks(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    if (line.empty() || line.front() == '#') continue;
    if (out.keys.size() == keys_max)
      return fail("line " + std::to_string(number) + ": there are more than " +
                  std::to_string(keys_max) + " keys");
    if (!read_key(line, out.keys.emplace_back()))
      return fail("line " + std::to_string(number) +
                  ": must be a Fernet key, 32 random bytes as 44 characters of base64url");
  }
  if (out.keys.empty()) return fail(std::string("there is no key in it"));
  return out;
}

}  // namespace ringroom::realtime
