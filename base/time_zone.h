#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace date {
class time_zone;
}

namespace ringroom {

// A time zone of the IANA database as this machine has it, such as Europe/Berlin. A value, as large
// as a pointer; what it points to stays until the process ends.
//
// Threads: any. Cost: the first find() of the process lists all zones (some milliseconds), the
//          first one of a zone reads its file; the rest is arithmetic.
class TimeZone {
 public:
  // nullopt: there is no zone of that name, or no database at all.
  static std::optional<TimeZone> find(std::string_view name);

  std::string_view name() const;
  // Seconds since 1970 by the clocks there.
  std::int64_t local_s(std::int64_t utc_s) const;
  // When clocks there show this. A time that is skipped, because they are put forward, is the
  // instant at which that happens; one that is shown twice has two instants.
  struct Instants {
    std::int64_t first_s, last_s;
  };
  Instants instants_of(std::int64_t local_s) const;

 private:
  explicit TimeZone(const date::time_zone& zone) : zone_(&zone) {}
  const date::time_zone* zone_;
};

}  // namespace ringroom
