#include "realtime/http/page/page.h"

#include <algorithm>

#include "page_files.h"  // generated: realtime/http/page/meson.build

namespace ringroom::realtime {

namespace {

constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view css = "text/css; charset=utf-8";
constexpr std::string_view js = "text/javascript; charset=utf-8";

constexpr PageFile theme{"/theme.css", css, page_files::theme_css};
constexpr PageFile of_clients[] = {
    {"/", html, page_files::index_html},
    theme,
    {"/app.js", js, page_files::app_js},
    {"/app.css", css, page_files::app_css},
};
constexpr PageFile of_admin[] = {
    {"/", html, page_files::admin_html},
    theme,
    {"/admin/admin.css", css, page_files::admin_css},
    {"/admin/admin.js", js, page_files::admin_js},
    {"/admin/charts.js", js, page_files::charts_js},
    {"/admin/deeds.js", js, page_files::deeds_js},
    {"/admin/details.js", js, page_files::details_js},
    {"/admin/dom.js", js, page_files::dom_js},
    {"/admin/overview.js", js, page_files::overview_js},
    {"/admin/server.js", js, page_files::server_js},
    {"/admin/tables.js", js, page_files::tables_js},
    {"/admin/workspaces.js", js, page_files::workspaces_js},
};

}  // namespace

std::span<const PageFile> page_files_of(Site site) {
  return site == Site::admin ? std::span<const PageFile>(of_admin) : of_clients;
}

const PageFile* find_page_file(Site site, std::string_view path) {
  const auto files = page_files_of(site);
  const auto found = std::ranges::find(files, path, &PageFile::path);
  return found == files.end() ? nullptr : &*found;
}

}  // namespace ringroom::realtime
