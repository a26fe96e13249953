#include "engine/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "engine/post_office.h"

namespace ringroom::engine {
namespace {

struct Numbered : Letter {
  std::uint64_t number = 0;
};

TEST(Mailbox, ShowsLettersOnlyAfterTheyArePublished) {
  auto box = std::make_unique<Mailbox>();
  Numbered letter;
  ASSERT_TRUE(box->push(letter));
  EXPECT_TRUE(box->empty());
  box->publish();
  EXPECT_FALSE(box->empty());
  std::vector<Letter*> out;
  box->drain(out);
  EXPECT_EQ(out, std::vector<Letter*>{&letter});
  EXPECT_TRUE(box->empty());
}

TEST(Mailbox, RefusesOneMoreThanItHoldsAndTakesItAfterADrain) {
  auto box = std::make_unique<Mailbox>();
  std::vector<Numbered> letters(bounds::mailbox_letters + 1);
  std::vector<Letter*> out;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i + 1 < letters.size(); ++i) ASSERT_TRUE(box->push(letters[i]));
    EXPECT_FALSE(box->push(letters.back()));
    box->publish();
    EXPECT_FALSE(box->push(letters.back()));
    out.clear();
    box->drain(out);
    ASSERT_EQ(out.size(), bounds::mailbox_letters);
    EXPECT_EQ(out.front(), &letters.front());
    EXPECT_TRUE(box->push(letters.back()));
    box->publish();
    box->drain(out);
  }
}

// The whole protocol with two real threads: the reader sleeps on its doorbell whenever it finds
// nothing. A lost wake-up is a read that never returns, so the deadline is in poll().
TEST(Mailbox, CarriesEveryLetterInOrderToAReaderThatSleepsInBetween) {
  constexpr std::uint64_t total = 300'000;
  PostOffice office(2);
  Mailbox& box = office.box(CoreId{0}, CoreId{1});
  Doorbell& bell = office.bell(CoreId{1});
  std::vector<Numbered> letters(bounds::mailbox_letters * 4);
  std::atomic<std::uint64_t> read_count{0};
  std::uint64_t announced = 0;
  bool in_order = true;
  bool woken_in_time = true;

  std::thread reader([&] {
    std::vector<Letter*> batch;
    std::uint64_t expected = 0;
    while (expected < total && woken_in_time) {
      bell.about_to_sleep();
      ++announced;
      if (box.empty()) {
        pollfd ready{.fd = bell.event_fd(), .events = POLLIN, .revents = 0};
        woken_in_time = poll(&ready, 1, 10'000) == 1;
        std::uint64_t rings = 0;
        if (woken_in_time) (void)!::read(bell.event_fd(), &rings, sizeof(rings));
      }
      bell.awake();
      batch.clear();
      box.drain(batch);
      for (Letter* letter : batch) {
        in_order = in_order && static_cast<Numbered*>(letter)->number == expected;
        ++expected;
      }
      read_count.store(expected, std::memory_order_release);
    }
  });
  std::uint64_t wakes = 0;
  for (std::uint64_t i = 0; i < total;) {
    for (std::uint64_t burst = 0; burst < 1 + i % 37 && i < total; ++burst) {
      // A letter is free again once it was read; the pool is larger than the mailbox.
      if (i - read_count.load(std::memory_order_acquire) >= letters.size()) break;
      Numbered& letter = letters[i % letters.size()];
      letter.number = i;
      if (!box.push(letter)) break;
      ++i;
    }
    box.publish();
    Doorbell::fence();
    if (bell.ring_if_asleep()) ++wakes;
  }
  reader.join();
  EXPECT_TRUE(in_order);
  EXPECT_TRUE(woken_in_time);
  EXPECT_EQ(read_count.load(), total);
  EXPECT_LE(wakes, announced) << "rang for a reader that was awake";
}

TEST(Doorbell, IsNotRungForACoreThatIsAwake) {
  Doorbell bell;
  ASSERT_TRUE(bell.valid());
  EXPECT_FALSE(bell.ring_if_asleep());
  bell.about_to_sleep();
  EXPECT_TRUE(bell.ring_if_asleep());
  EXPECT_FALSE(bell.ring_if_asleep()) << "one ring wakes it";
}

}  // namespace
}  // namespace ringroom::engine
