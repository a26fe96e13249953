#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ringroom::realtime {

// The pages at `/`, put into the program at build time: for clients two browser tabs in one room,
// on the admin listener the admin page. They ask nothing of any other server, and hold no inline
// script or style, so a strict Content-Security-Policy fits.
enum class Site : std::uint8_t { clients, admin };

struct PageFile {
  std::string_view path;
  std::string_view content_type;
  std::string_view content;
};

// All files of a site; they live as long as the program.
std::span<const PageFile> page_files_of(Site site);
// Null if there is no such file.
const PageFile* find_page_file(Site site, std::string_view path);

}  // namespace ringroom::realtime
