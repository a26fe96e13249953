// Tokens of strangers open nothing, whatever they are; what is signed by our key opens or is
// refused, and is what was hidden. Key files are read or refused.
//
//   input: byte 0 says what the rest is: a token; a text to hide; a key file

#include <string>
#include <string_view>

#include "base/check.h"
#include "realtime/access/base64url.h"
#include "realtime/access/fernet.h"

namespace ringroom::realtime {
namespace {

constexpr std::uint64_t now_s = 1'700'000'000;

const FernetKeys& keys() {
  static const FernetKeys made = *FernetKeys::parse("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=");
  return made;
}

void judge_token(std::string_view token) {
  Fernet fernet;
  RR_CHECK(!fernet.open(keys(), token, now_s, Fernet::any_age));
}

void judge_hidden(std::string_view clear) {
  Fernet fernet;
  const std::string token(fernet.seal(keys().keys.front(), clear, now_s));
  const auto opened = fernet.open(keys(), token, now_s, 1);
  RR_CHECK(opened && *opened == clear);
  if (clear.empty()) return;
  // One other character, chosen by the text.
  std::string other = token;
  char& changed = other[static_cast<unsigned char>(clear.front()) % other.size()];
  changed = changed == 'A' ? 'B' : 'A';
  RR_CHECK(!fernet.open(keys(), other, now_s, Fernet::any_age));
}

void judge_keys(std::string_view text) {
  const auto read = FernetKeys::parse(text);
  if (read) RR_CHECK(!read->keys.empty() && read->keys.size() <= FernetKeys::keys_max);
  RR_CHECK(read || !read.error().empty());
}

void judge(std::string_view input) {
  if (input.empty()) return;
  switch (input.front()) {
    case 't':
      // The one token of the specification is good, of course.
      if (input.find("y021cpGVWKZ") == input.npos) judge_token(input.substr(1));
      return;
    case 'h':
      return judge_hidden(input.substr(1));
    case 'k':
      return judge_keys(input.substr(1));
    default:
      return;
  }
}

}  // namespace
}  // namespace ringroom::realtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::realtime::judge({reinterpret_cast<const char*>(data), size});
  return 0;
}
