#include "realtime/access/limit_rule.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

using What = LimitRule::What;
using Per = LimitRule::Per;

TEST(LimitRule, SaysWhatForWhomHowMuchAndInWhatTime) {
  struct Case {
    std::string_view text;
    What what;
    Per per;
    std::string_view type;
    std::uint64_t count, window_ms, burst;
    bool is_sliding;
  };
  for (const Case& each :
       {Case{"publish/user=100/1s", What::publish, Per::user, "", 100, 1'000, 100, false},
        Case{"publish/connection=20/1s burst=40", What::publish, Per::connection, "", 20, 1'000, 40,
             false},
        Case{"join/user=50/10s sliding", What::join, Per::user, "", 50, 10'000, 50, true},
        Case{"message/address=1000000/100ms", What::message, Per::address, "", 1'000'000, 100,
             1'000'000, false},
        Case{"connect/address=60/1min", What::connect, Per::address, "", 60, 60'000, 60, false},
        Case{"connect/user=1/24h burst=1", What::connect, Per::user, "", 1, 86'400'000, 1, false},
        Case{"api/key=5/1s", What::api, Per::key, "", 5, 1'000, 5, false},
        Case{"type:cursor_position/user=10/1000", What::type, Per::user, "cursor_position", 10,
             1'000, 10, false},
        Case{"type:a.b:c9/connection=1/1h sliding", What::type, Per::connection, "a.b:c9", 1,
             3'600'000, 1, true}}) {
    const auto rule = LimitRule::parse(each.text);
    ASSERT_TRUE(rule) << each.text << " " << rule.error();
    EXPECT_EQ(rule->what, each.what) << each.text;
    EXPECT_EQ(rule->per, each.per) << each.text;
    EXPECT_EQ(rule->type, each.type) << each.text;
    EXPECT_EQ(rule->count, each.count) << each.text;
    EXPECT_EQ(rule->window_ms, each.window_ms) << each.text;
    EXPECT_EQ(rule->burst, each.burst) << each.text;
    EXPECT_EQ(rule->is_sliding, each.is_sliding) << each.text;
    EXPECT_EQ(rule->text(), each.text);
  }
}

TEST(LimitRule, IsRefusedIfAnyPartOfItIsNotUnderstood) {
  for (const std::string_view text : {"",
                                      "publish",
                                      "publish/user",
                                      "publish/user=100",
                                      "publish/user=/1s",
                                      "publish/user=100/",
                                      "publish/user=0/1s",
                                      "publish/user=1000001/1s",
                                      "publish/user=-1/1s",
                                      "publish/user=1k/1s",
                                      "publish/user=100/99ms",
                                      "publish/user=100/25h",
                                      "publish/user=100/s",
                                      "publish/user=100/0",
                                      "/user=1/1s",
                                      "publish/=1/1s",
                                      "speak/user=1/1s",
                                      "publish/room=1/1s",
                                      "publish/key=1/1s",
                                      "api/user=1/1s",
                                      "connect/connection=1/1s",
                                      "type:/user=1/1s",
                                      "type:Upper/user=1/1s",
                                      "type:a b/user=1/1s",
                                      "publish/user=1/1s slide",
                                      "publish/user=1/1s sliding burst=2",
                                      "publish/user=1/1s burst=",
                                      "publish/user=1/1s burst=0",
                                      "publish/user=1/1s burst=2x",
                                      "publish/user=1/1s  sliding",
                                      "publish /user=1/1s",
                                      "Publish/user=1/1s"}) {
    const auto rule = LimitRule::parse(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_FALSE(rule.error().empty());
  }
}

}  // namespace
}  // namespace ringroom::realtime
