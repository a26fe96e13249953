#include "realtime/session/active_users.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ringroom::realtime {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::uint64_t index_bits = 10;
static_assert(std::size_t{1} << index_bits == ActiveUsers::registers);

}  // namespace

void ActiveUsers::seen(std::uint64_t hash, std::uint64_t wall_s) {
  const auto index = static_cast<std::size_t>(hash >> (64 - index_bits));
  // The place of the first bit that is set; the last bit ends a run of zeros.
  const auto rank = static_cast<std::uint8_t>(std::countl_zero(hash << index_bits | 1) + 1);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const std::uint64_t number = wall_s / windows[i].slice_s;
    Slice& slice = slices_[i][number % (windows[i].slices + 1)];
    if (slice.number.load(relaxed) != number) {
      for (auto& each : slice.ranks) each.store(0, relaxed);
      slice.number.store(number, relaxed);
    }
    if (slice.ranks[index].load(relaxed) < rank) slice.ranks[index].store(rank, relaxed);
  }
}

void ActiveUsers::Sum::add(const ActiveUsers& core, std::uint64_t wall_s) {
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const std::uint64_t number = wall_s / windows[i].slice_s;
    for (const Slice& slice : core.slices_[i]) {
      // The clock may have been set back: what is said to come is not counted.
      const std::uint64_t its = slice.number.load(relaxed);
      if (its > number || number - its > windows[i].slices) continue;
      for (std::size_t r = 0; r < registers; ++r)
        highest_[i][r] = std::max(highest_[i][r], slice.ranks[r].load(relaxed));
    }
  }
}

std::uint64_t ActiveUsers::Sum::users(std::size_t index) const {
  constexpr auto m = static_cast<double>(registers);
  double inverse = 0;
  std::size_t empty = 0;
  for (const std::uint8_t rank : highest_[index]) {
    inverse += std::ldexp(1.0, -int{rank});
    empty += rank == 0 ? 1 : 0;
  }
  const double raw = 0.7213 / (1 + 1.079 / m) * m * m / inverse;
  // While many registers are empty their number says more.
  const double users =
      raw <= 2.5 * m && empty > 0 ? m * std::log(m / static_cast<double>(empty)) : raw;
  return static_cast<std::uint64_t>(std::llround(users));
}

}  // namespace ringroom::realtime
