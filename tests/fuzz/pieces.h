#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace ringroom {

// Cuts an input into pieces as a network might, from a seed. Every piece is copied into memory of
// its own size (plus what a caller may promise to be readable), so that a sanitizer sees a step
// aside, and is gone before the next one.
class Pieces {
 public:
  static constexpr std::uint32_t whole = 0;  // the seed of an input that is not cut

  Pieces(std::span<const std::byte> input, std::uint32_t seed, std::size_t readable_behind)
      : input_(input), state_(seed), behind_(readable_behind) {}

  bool is_empty() const { return input_.empty(); }

  // The next piece; the one before ends here.
  std::span<std::byte> next() {
    const std::size_t bytes = std::min(input_.size(), size());
    copy_ = std::make_unique<std::byte[]>(bytes + behind_);
    std::copy_n(input_.begin(), bytes, copy_.get());
    input_ = input_.subspan(bytes);
    return {copy_.get(), bytes};
  }

 private:
  // Mostly tiny, sometimes large: both ends of the reader's decisions.
  std::size_t size() {
    if (state_ == whole) return input_.size();
    state_ = state_ * 1664525 + 1013904223;
    const std::uint32_t draw = state_ >> 8;
    return draw % 4 != 0 ? 1 + draw / 4 % 8 : 1 + draw / 4 % 2000;
  }

  std::span<const std::byte> input_;
  std::uint32_t state_;
  std::size_t behind_;
  std::unique_ptr<std::byte[]> copy_;
};

}  // namespace ringroom
