#pragma once

#include <string_view>

namespace ringroom::realtime {

// The page at `/`, put into the program at build time: two browser tabs in one room. It asks
// nothing of any other server, and holds no inline script or style, so a strict
// Content-Security-Policy fits.
struct PageFile {
  std::string_view path;
  std::string_view content_type;
  std::string_view content;
};

// Null if there is no such file. The files live as long as the program.
const PageFile* find_page_file(std::string_view path);

}  // namespace ringroom::realtime
