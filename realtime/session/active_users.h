#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringroom::realtime {

// How many different users were heard lately, over all cores, without remembering any of them: a
// sketch (HyperLogLog; Flajolet, Fusy, Gandouet, Meunier 2007) that forgets by slices of time. The
// number is right to 3 % (standard deviation), and exact to one or two while they are few.
//
//   5m   | 0 | 1 | 2 | 3 | 4 | now |     slices of a minute; what falls out of the window is
//   cleared 1h   | .. six of ten minutes .. | 1d   | .. six of four hours ..  |
//
// Owner:  one core writes; any thread adds several of them up. Memory is fixed: 20 KiB.
class ActiveUsers {
 public:
  static constexpr std::size_t registers = 1024;
  struct Window {
    std::string_view name;  // as metrics label it
    std::uint64_t slice_s;
    std::uint64_t slices;
  };
  static constexpr std::array<Window, 3> windows{
      {{"5m", 60, 5}, {"1h", 600, 6}, {"1d", 14'400, 6}}};

  // The same user may be said any number of times. `hash` is of its id, with a secret seed.
  void seen(std::uint64_t hash, std::uint64_t wall_s);

  // The users of several cores together.
  class Sum {
   public:
    void add(const ActiveUsers& core, std::uint64_t wall_s);
    // In windows[index].
    std::uint64_t users(std::size_t index) const;

   private:
    std::array<std::array<std::uint8_t, registers>, windows.size()> highest_{};
  };

 private:
  static constexpr std::size_t slices_max = 7;  // the current one, and what makes the window full
  struct Slice {
    std::atomic<std::uint64_t> number{0};  // wall_s / slice_s
    std::array<std::atomic<std::uint8_t>, registers> ranks{};
  };
  std::array<std::array<Slice, slices_max>, windows.size()> slices_;
};

}  // namespace ringroom::realtime
