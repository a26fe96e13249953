#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::engine {

// In which order what waits for a slow reader leaves; nobody else has to wait.
enum class Lane : std::uint8_t { low, medium, high, critical };
inline constexpr std::size_t lane_count = 4;

// Where the last piece of a stream waits, for example of a room on one connection. Kept by the
// owner of the stream, one for each stream and socket, and only looked into by the engine: two
// pieces of a stream never overtake each other, whatever their lanes.
class LanePlace {
 public:
  LanePlace() = default;

 private:
  friend class Pieces;
  LanePlace(Lane lane, std::uint64_t number)
      : number_(number & ((std::uint64_t{1} << 62) - 1)), lane_(static_cast<unsigned>(lane) & 3) {}
  Lane lane() const { return Lane(lane_); }

  std::uint64_t number_ : 62 = 0;  // of the piece in that lane; a core gives none twice to a socket
  std::uint64_t lane_ : 2 = 0;
};
static_assert(sizeof(LanePlace) == 8, "small enough for every subscription");

}  // namespace ringroom::engine
