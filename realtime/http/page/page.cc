#include "realtime/http/page/page.h"

#include "page_files.h"  // generated: realtime/http/page/meson.build

namespace ringroom::realtime {

namespace {

constexpr PageFile files[] = {
    {"/", "text/html; charset=utf-8", page_files::index_html},
    {"/app.js", "text/javascript; charset=utf-8", page_files::app_js},
    {"/app.css", "text/css; charset=utf-8", page_files::app_css},
};

}  // namespace

const PageFile* find_page_file(std::string_view path) {
  for (const PageFile& file : files)
    if (file.path == path) return &file;
  return nullptr;
}

}  // namespace ringroom::realtime
