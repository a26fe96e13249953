#include "realtime/letters.h"

#include <gtest/gtest.h>

#include <string>

#include "realtime/session/connection_text.h"

namespace ringroom::realtime {
namespace {

TEST(Letter, KeepsItsOwnCopyOfEveryText) {
  Letter letter;
  {
    std::string room = "a room whose text ends before the letter is read";
    letter.add(ToUsers{.workspace = {}, .user_ids = room, .frame = "frame", .exclude = nobody});
    room.assign(room.size(), 'x');
  }
  const auto& item = std::get<ToUsers>(letter.items()[0]);
  EXPECT_EQ(item.user_ids, "a room whose text ends before the letter is read");
  EXPECT_EQ(item.frame, "frame");
}

TEST(Letter, TakesNamesOfOneTextApart) {
  for (const std::vector<std::string_view>& names :
       {std::vector<std::string_view>{}, {"a"}, {"a", "b:*"}, {"ann", "bo", "cy"}}) {
    std::string lines;
    for (const std::string_view name : names) lines.append(lines.empty() ? "" : "\n").append(name);
    std::vector<std::string_view> seen;
    each_line(lines, [&seen](std::string_view name) { seen.push_back(name); });
    EXPECT_EQ(seen, names);
  }
}

TEST(Letter, HoldsItemsInTheOrderTheyWereAddedAcrossItsFirstMemory) {
  Letter letter;
  const std::string text(1000, 'x');
  for (std::uint32_t i = 0; i < 50; ++i)
    letter.add(ToConnection{.to = {.core = 0, .slot = i, .generation = 1},
                            .frame = text + std::to_string(i)});
  EXPECT_EQ(letter.text_bytes(), 50u * 1000 + 10 + 2 * 40);
  for (std::uint32_t i = 0; i < 50; ++i) {
    const auto& item = std::get<ToConnection>(letter.items()[i]);
    EXPECT_EQ(item.to.slot, i);
    EXPECT_EQ(item.frame, text + std::to_string(i));
  }
}

TEST(Letter, IsEmptyAndUsableAgainAfterClear) {
  Letter letter;
  letter.add(ReleaseQuota{.key = 1});
  letter.hand_back();
  EXPECT_TRUE(letter.is_handed_back());
  letter.clear();
  EXPECT_TRUE(letter.empty());
  EXPECT_FALSE(letter.is_handed_back());
  EXPECT_EQ(letter.text_bytes(), 0u);
}

TEST(ConnectionText, ComesBackAsTheIdItWasMadeOf) {
  for (const ConnectionId id : {ConnectionId{0, 0, 0}, ConnectionId{1, 42, 7},
                                ConnectionId{0xffff, 0xffff'ffff, 0xff'ffff}}) {
    EXPECT_EQ(ConnectionText::parse(ConnectionText(id)), id);
  }
}

TEST(ConnectionText, IsRefusedInAnyOtherForm) {
  const std::string good(std::string_view(ConnectionText({1, 2, 3})));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(ConnectionText::parse(good.substr(0, size))) << size;
  EXPECT_FALSE(ConnectionText::parse(good + "0"));
  for (const char wrong : {'g', 'A', ' ', '-', '\0'}) {
    std::string text = good;
    text[5] = wrong;
    EXPECT_FALSE(ConnectionText::parse(text)) << wrong;
  }
}

}  // namespace
}  // namespace ringroom::realtime
