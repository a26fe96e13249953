#include "tools/load/words.h"

#include <cstdarg>
#include <cstdio>

namespace ringroom::load {

// A C variadic function, because only of those the compiler checks the format.
// NOLINTBEGIN(cert-dcl50-cpp,clang-analyzer-valist.Uninitialized)
std::string text(const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return line;
}
// NOLINTEND(cert-dcl50-cpp,clang-analyzer-valist.Uninitialized)

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 0x20 && c < 0x7F ? c : '?';
  return out;
}

}  // namespace ringroom::load
