#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ringroom::realtime {

// One key of the Fernet specification (github.com/fernet/spec): 32 bytes, written as 44 characters
// of base64url.
struct FernetKey {
  std::array<unsigned char, 16> signing, encryption;  // the first half, the second
  bool operator==(const FernetKey&) const = default;
};

// The keys of a namespace (`fernet-keys-file`), as they stand in its file: one a line, blank lines
// and those that begin with # are skipped. The first encrypts, all decrypt, so a key is rotated by
// putting the new one on top and taking the old one out when nobody uses it any more.
//
// Owner:  the namespace's options; constant, shared by the cores.
// Errors: a sentence that names the line, never what stands there.
struct FernetKeys {
  static constexpr std::size_t keys_max = 16;  // each is tried on a token that nobody has made

  static Result<FernetKeys, std::string> parse(std::string_view text);

  bool operator==(const FernetKeys&) const = default;

  std::vector<FernetKey> keys;  // at least one
};

}  // namespace ringroom::realtime
