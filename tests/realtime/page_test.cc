#include "realtime/http/page/page.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

constexpr Site sites[] = {Site::clients, Site::admin};

// In quotes, from the file itself on: what a page or a script loads.
bool is_asked_for(const PageFile& file, std::string_view by) {
  const std::string name(file.path.substr(file.path.rfind('/') + 1));
  return by.find("\"" + std::string(file.path) + "\"") != by.npos ||
         by.find("\"./" + name + "\"") != by.npos;
}

TEST(Page, IsServedWithTheScriptsAndStylesThatItAsksFor) {
  for (const Site site : sites) {
    const PageFile* page = find_page_file(site, "/");
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
    EXPECT_TRUE(page->content.starts_with("<!doctype html>"));
    EXPECT_TRUE(page->content.ends_with("</html>\n"));
    for (const PageFile& file : page_files_of(site)) {
      EXPECT_FALSE(file.content.empty());
      if (&file == page) continue;
      bool is_used = false;
      for (const PageFile& other : page_files_of(site))
        is_used = is_used || is_asked_for(file, other.content);
      EXPECT_TRUE(is_used) << file.path;
    }
  }
}

TEST(Page, IsNothingElse) {
  for (const std::string_view path :
       {"", "/index.html", "/app.j", "/app.js/", "//", "/../app.js", "/admin/admin.js"})
    EXPECT_EQ(find_page_file(Site::clients, path), nullptr) << path;
  EXPECT_EQ(find_page_file(Site::admin, "/app.js"), nullptr);
}

TEST(Page, NeedsNothingThatAStrictPolicyForbids) {
  for (const Site site : sites) {
    for (const PageFile& file : page_files_of(site)) {
      std::vector<std::string_view> forbidden;
      if (file.path == "/")
        forbidden = {"http:", "https:", "style=", "onclick", "<style", "<script>"};
      if (file.path.ends_with(".js"))
        forbidden = {"innerHTML", "outerHTML", "insertAdjacent", "eval(", "document.write"};
      for (const std::string_view each : forbidden)
        EXPECT_EQ(file.content.find(each), file.content.npos) << file.path << " has " << each;
    }
  }
}

}  // namespace
}  // namespace ringroom::realtime
