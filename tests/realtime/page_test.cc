#include "realtime/http/page/page.h"

#include <gtest/gtest.h>

#include <string>

namespace ringroom::realtime {
namespace {

TEST(Page, IsServedWithTheScriptAndStyleThatItAsksFor) {
  const PageFile* page = find_page_file("/");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->content.starts_with("<!doctype html>"));
  EXPECT_TRUE(page->content.ends_with("</html>\n"));
  for (const std::string_view asked : {"/app.js", "/app.css"}) {
    EXPECT_NE(page->content.find("\"" + std::string(asked) + "\""), std::string_view::npos);
    ASSERT_NE(find_page_file(asked), nullptr);
    EXPECT_FALSE(find_page_file(asked)->content.empty());
  }
}

TEST(Page, IsNothingElse) {
  for (const std::string_view path : {"", "/index.html", "/app.j", "/app.js/", "//", "/../app.js"})
    EXPECT_EQ(find_page_file(path), nullptr) << path;
}

TEST(Page, NeedsNothingThatAStrictPolicyForbids) {
  const std::string_view page = find_page_file("/")->content;
  for (const std::string_view forbidden :
       {"http:", "https:", "style=", "onclick", "<style", "<script>"})
    EXPECT_EQ(page.find(forbidden), std::string_view::npos) << forbidden;
  const std::string_view script = find_page_file("/app.js")->content;
  for (const std::string_view forbidden :
       {"innerHTML", "outerHTML", "insertAdjacent", "eval(", "document.write"})
    EXPECT_EQ(script.find(forbidden), std::string_view::npos) << forbidden;
}

}  // namespace
}  // namespace ringroom::realtime
