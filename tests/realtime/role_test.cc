#include "realtime/access/role.h"

#include <gtest/gtest.h>

#include "realtime/config.h"
#include "realtime/config_file.h"

namespace ringroom::realtime {
namespace {

TEST(Role, IsReadFromATextAndWrittenAsOne) {
  std::vector<Role> roles;
  constexpr std::string_view text =
      "editor:rooms=doc:*=join+publish lobby=join,permissions=draft:view staff:view";
  ASSERT_TRUE(choose(roles, text));
  ASSERT_EQ(roles.size(), 1u);
  EXPECT_EQ(print(roles[0]), text);
  const Grants grants(roles[0].rooms);
  EXPECT_TRUE(grants.may(Action::publish, "doc:1", "ann"));
  EXPECT_FALSE(grants.may(Action::publish, "lobby", "ann"));
  EXPECT_EQ(find_role(roles, "editor"), &roles[0]);
  EXPECT_EQ(find_role(roles, "other"), nullptr);
}

TEST(Role, GrantsNothingUnlessItSaysSo) {
  std::vector<Role> roles;
  ASSERT_TRUE(choose(roles, "guest"));
  EXPECT_FALSE(Grants(roles[0].rooms).may(Action::join, "lobby", "ann"));
}

TEST(Role, IsATableOfTheFile) {
  Config config;
  ASSERT_TRUE(read_file_text(config, R"(
default-role = "editor"
[role.editor]
rooms = ["doc:*=join+publish", "lobby=join"]
permissions = ["draft:view"]
)",
                             "x.toml"));
  ASSERT_EQ(config.roles.size(), 1u);
  EXPECT_EQ(print(config.roles[0]),
            "editor:rooms=doc:*=join+publish lobby=join,permissions=draft:view");
  EXPECT_TRUE(settle(config));
  config.default_role = "nobody";
  const auto settled = settle(config);
  ASSERT_FALSE(settled);
  EXPECT_NE(settled.error().sentence.find("default-role"), std::string::npos);
}

TEST(Role, IsRefusedByWhatIsWrongWithIt) {
  for (const std::string_view text :
       {"a b", "editor:rooms=doc:*", "editor:rooms=doc:*=", "editor:rooms==join",
        "editor:rooms=doc:*=jump", "editor:rooms=doc:*=join+", "editor:rooms=*****=join",
        "editor:room=doc=join", "editor:rooms"}) {
    std::vector<Role> roles;
    EXPECT_FALSE(choose(roles, text)) << text;
  }
}

}  // namespace
}  // namespace ringroom::realtime
