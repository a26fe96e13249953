#include "realtime/room/held_publications.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

using Fate = HeldPublications::Fate;
using Kind = Fate::Kind;
using Texts = std::vector<std::string>;

Publish publication(std::string_view payload, std::uint64_t room = 1, std::uint8_t policy = 1) {
  Publish publish{};
  publish.room = RoomId{room};
  publish.room_name = ScopedName::kept("a");
  publish.payload = payload;
  publish.quiet_hours = policy;
  return publish;
}

// What goes at an instant; all of it, unless `fate` says otherwise.
Texts release(HeldPublications& held, std::uint64_t now_ms, std::size_t count_max = 100) {
  Texts out;
  held.release(now_ms, count_max, [&out](const Publish& publish) {
    out.emplace_back(publish.payload);
    return Fate{.kind = Kind::gone};
  });
  return out;
}

constexpr HeldPublications::Limits plenty{.count = 100, .bytes = 1 << 20};

TEST(HeldPublications, GoWhenTheyAreDueInTheOrderInWhichTheyCame) {
  HeldPublications held({plenty});
  EXPECT_EQ(held.due_ms(), std::nullopt);
  ASSERT_TRUE(held.hold(publication("a"), 200));
  ASSERT_TRUE(held.hold(publication("b"), 100));
  ASSERT_TRUE(held.hold(publication("c"), 200));
  EXPECT_EQ(held.due_ms(), 100u);
  EXPECT_EQ(release(held, 99), Texts{});
  EXPECT_EQ(release(held, 100), Texts{"b"});
  EXPECT_EQ(held.due_ms(), 200u);
  EXPECT_EQ(release(held, 5000), (Texts{"a", "c"}));
  EXPECT_EQ(held.due_ms(), std::nullopt);
  EXPECT_EQ(held.bytes(), 0u);
}

TEST(HeldPublications, KeepTheirTextsWhenTheirPublisherHasGone) {
  HeldPublications held({plenty});
  {
    std::string payload(1000, 'x');
    Publish publish = publication(payload);
    std::string key = "k";
    publish.key = key;
    ASSERT_TRUE(held.hold(publish, 1));
    payload.assign(1000, 'y');
    key = "z";
  }
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(held.hold(publication("more"), 2));
  held.release(1, 100, [](const Publish& publish) {
    EXPECT_EQ(publish.payload, std::string(1000, 'x'));
    EXPECT_EQ(publish.key, "k");
    EXPECT_EQ(publish.room_name.text(), "a");
    return Fate{.kind = Kind::gone};
  });
}

TEST(HeldPublications, AreSoManyOfEachPolicyAndNoMore) {
  HeldPublications held({{.count = 2, .bytes = 1 << 20}, plenty});
  ASSERT_TRUE(held.hold(publication("a"), 1));
  ASSERT_TRUE(held.hold(publication("b"), 1));
  EXPECT_FALSE(held.hold(publication("c"), 1));
  EXPECT_TRUE(held.hold(publication("d", 1, 2), 1));
  EXPECT_EQ(release(held, 1), (Texts{"a", "b", "d"}));
  EXPECT_TRUE(held.hold(publication("c"), 1));
}

TEST(HeldPublications, AreBoundedInBytes) {
  HeldPublications measure({plenty});
  ASSERT_TRUE(measure.hold(publication("12345678"), 1));
  HeldPublications held({{.count = 100, .bytes = 2 * measure.bytes()}});
  ASSERT_TRUE(held.hold(publication("12345678"), 1));
  EXPECT_FALSE(held.hold(publication("123456789"), 1));
  EXPECT_TRUE(held.hold(publication("12345678"), 1));
  EXPECT_FALSE(held.hold(publication(""), 1));
  EXPECT_EQ(held.bytes(), 2 * measure.bytes());
}

TEST(HeldPublications, WaitBehindTheOneThatTheirRoomDoesNotTake) {
  HeldPublications held({plenty});
  ASSERT_TRUE(held.hold(publication("a1", 1), 1));
  ASSERT_TRUE(held.hold(publication("b1", 2), 1));
  ASSERT_TRUE(held.hold(publication("a2", 1), 1));
  ASSERT_TRUE(held.hold(publication("b2", 2), 1));
  Texts asked;
  held.release(1, 100, [&asked](const Publish& publish) {
    asked.emplace_back(publish.payload);
    return Fate{.kind = publish.room == RoomId{1} ? Kind::blocked : Kind::gone};
  });
  EXPECT_EQ(asked, (Texts{"a1", "b1", "b2"}));
  EXPECT_EQ(release(held, 1), (Texts{"a1", "a2"}));
}

TEST(HeldPublications, WaitAgainIfTheirHoursWereMissed) {
  HeldPublications held({plenty});
  ASSERT_TRUE(held.hold(publication("a"), 1));
  ASSERT_TRUE(held.hold(publication("b"), 1));
  held.release(10, 100, [](const Publish&) { return Fate{.kind = Kind::later, .due_ms = 50}; });
  EXPECT_EQ(held.due_ms(), 50u);
  EXPECT_EQ(release(held, 49), Texts{});
  EXPECT_EQ(release(held, 50), (Texts{"a", "b"}));
}

TEST(HeldPublications, GoSoManyAtATime) {
  HeldPublications held({plenty});
  for (const std::string_view text : {"a", "b", "c"}) ASSERT_TRUE(held.hold(publication(text), 1));
  EXPECT_EQ(release(held, 1, 2), (Texts{"a", "b"}));
  EXPECT_EQ(release(held, 1, 2), Texts{"c"});
}

}  // namespace
}  // namespace ringroom::realtime
