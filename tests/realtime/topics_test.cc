#include "realtime/source/topics.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

TEST(Topics, ARoomIsATopicAndAnInterval) {
  for (const TopicRow& row : topics) {
    const auto usual = TopicRoom::parse(row.room);
    ASSERT_TRUE(usual) << row.room;
    EXPECT_EQ(usual->row, &row);
    EXPECT_EQ(usual->interval_s, topic_interval_s);
    for (const std::uint32_t interval_s : {1u, 4u, 30u, topic_interval_s_max}) {
      const TopicRoom room{&row, interval_s};
      const auto read = TopicRoom::parse(room.name());
      ASSERT_TRUE(read) << room.name();
      EXPECT_EQ(read->interval_s, interval_s);
    }
  }
}

TEST(Topics, OfTheWaysToWriteAnIntervalOneIsARoom) {
  for (const std::string_view room :
       {"admin:performance:5s", "admin:performance:05s", "admin:performance:0s",
        "admin:performance:3601s", "admin:performance:30", "admin:performance:s",
        "admin:performance:", "admin:performance:-1s", "admin:performance:+30s",
        "admin:performance:30sx", "admin:performance:99999999999s"}) {
    EXPECT_FALSE(TopicRoom::parse(room)) << room;
    EXPECT_NE(topic_of_room(room), nullptr) << room;  // and no other room either
  }
}

TEST(Topics, OtherRoomsAreNotTheirs) {
  for (const std::string_view room : {"", "admin", "admin:", "admin:other", "admin:performances",
                                      "performance", "xadmin:performance"})
    EXPECT_EQ(topic_of_room(room), nullptr) << room;
}

TEST(Topics, EachHasCommandsOfItsOwn) {
  for (const TopicRow& row : topics) {
    EXPECT_EQ(topic_of_command(row.start), &row);
    EXPECT_EQ(topic_of_command(row.stop), &row);
  }
  EXPECT_EQ(topic_of_command("join_room"), nullptr);
}

}  // namespace
}  // namespace ringroom::realtime
