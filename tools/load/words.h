#pragma once

#include <string>
#include <string_view>

namespace ringroom::load {

// printf into a string of up to 511 bytes.
__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...);

// For a terminal: nothing that it would obey, and one column for each byte.
std::string printable(std::string_view text);

}  // namespace ringroom::load
