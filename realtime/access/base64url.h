#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringroom::realtime {

// Base64 with the alphabet of URLs and without padding (RFC 7515, 2). Pure.
std::string encode_base64url(std::string_view bytes);

// Strict: nothing for padding, blanks, other alphabets, a length no encoder makes, or unused bits
// that are not zero. So two different texts never decode to the same bytes.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace ringroom::realtime
