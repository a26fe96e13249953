#include "realtime/quantity.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

struct Case {
  std::string_view text;
  Unit unit;
  std::uint64_t value;
};

TEST(Quantity, ReadsWhatAnOperatorWrites) {
  for (const auto& [text, unit, value] : {
           Case{"0", Unit::bytes, 0},
           Case{"1", Unit::bytes, 1},
           Case{"65536", Unit::bytes, 65'536},
           Case{"7B", Unit::bytes, 7},
           Case{"64KiB", Unit::bytes, 65'536},
           Case{"64 KiB", Unit::bytes, 65'536},
           Case{"1MiB", Unit::bytes, 1 << 20},
           Case{"2GiB", Unit::bytes, 2ull << 30},
           Case{"5kB", Unit::bytes, 5'000},
           Case{"5MB", Unit::bytes, 5'000'000},
           Case{"5GB", Unit::bytes, 5'000'000'000},
           Case{"250", Unit::milliseconds, 250},
           Case{"250ms", Unit::milliseconds, 250},
           Case{"25s", Unit::milliseconds, 25'000},
           Case{"2m", Unit::milliseconds, 120'000},
           Case{"2min", Unit::milliseconds, 120'000},
           Case{"1h", Unit::milliseconds, 3'600'000},
           Case{"128", Unit::count, 128},
           Case{"18446744073709551615", Unit::count, ~0ull},
       }) {
    EXPECT_EQ(parse_quantity(text, unit), value) << text;
  }
}

TEST(Quantity, RefusesWhatIsNotAnAmountOfItsUnit) {
  for (const auto& [text, unit] : {
           std::pair{"", Unit::count},
           std::pair{" ", Unit::count},
           std::pair{"x", Unit::count},
           std::pair{"-1", Unit::count},
           std::pair{"+1", Unit::count},
           std::pair{" 1", Unit::count},
           std::pair{"1 ", Unit::count},
           std::pair{"1.5", Unit::count},
           std::pair{"0x10", Unit::count},
           std::pair{"1KiB", Unit::count},
           std::pair{"1s", Unit::bytes},
           std::pair{"1kib", Unit::bytes},
           std::pair{"1K", Unit::bytes},
           std::pair{"1.5MiB", Unit::bytes},
           std::pair{"KiB", Unit::bytes},
           std::pair{"1MiB", Unit::milliseconds},
           std::pair{"1s 2", Unit::milliseconds},
           std::pair{"1  s", Unit::milliseconds},
           std::pair{"1S", Unit::milliseconds},
       }) {
    EXPECT_EQ(parse_quantity(text, unit), std::nullopt) << text;
  }
}

TEST(Quantity, RefusesWhatDoesNotFitIn64Bits) {
  EXPECT_TRUE(parse_quantity("18014398509481983KiB", Unit::bytes));
  EXPECT_FALSE(parse_quantity("18014398509481984KiB", Unit::bytes));
  EXPECT_FALSE(parse_quantity("18446744073709551616", Unit::count));
}

TEST(Quantity, IsPrintedInTheLargestUnitThatShowsItExactly) {
  EXPECT_EQ(print_quantity(0, Unit::bytes), "0");
  EXPECT_EQ(print_quantity(1'023, Unit::bytes), "1023B");
  EXPECT_EQ(print_quantity(1'024, Unit::bytes), "1KiB");
  EXPECT_EQ(print_quantity(1'025, Unit::bytes), "1025B");
  EXPECT_EQ(print_quantity(16 << 20, Unit::bytes), "16MiB");
  EXPECT_EQ(print_quantity(999, Unit::milliseconds), "999ms");
  EXPECT_EQ(print_quantity(25'000, Unit::milliseconds), "25s");
  EXPECT_EQ(print_quantity(90'000, Unit::milliseconds), "90s");
  EXPECT_EQ(print_quantity(120'000, Unit::milliseconds), "2min");
  EXPECT_EQ(print_quantity(3'600'000, Unit::milliseconds), "1h");
  EXPECT_EQ(print_quantity(128, Unit::count), "128");
}

TEST(Quantity, IsReadBackAsItWasPrinted) {
  for (const Unit unit : {Unit::count, Unit::bytes, Unit::milliseconds})
    for (std::uint64_t value = 0; value < 1ull << 40; value = value * 3 + 1)
      EXPECT_EQ(parse_quantity(print_quantity(value, unit), unit), value) << value;
}

}  // namespace
}  // namespace ringroom::realtime
