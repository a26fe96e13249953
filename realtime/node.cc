#include "realtime/node.h"

#include <sys/random.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/clock.h"

namespace ringroom::realtime {

namespace {

std::uint64_t random_word() {
  std::uint64_t word = 0;
  RR_CHECK(getrandom(&word, sizeof word, 0) == sizeof word);
  return word;
}

std::vector<std::unique_ptr<Limit>> limits_of(const Config& config) {
  std::vector<std::unique_ptr<Limit>> out;
  for (const LimitRule& rule : config.limits)
    out.push_back(std::make_unique<Limit>(rule, config.limit_keys_max));
  return out;
}

}  // namespace

Node::Node(const Config& config_, std::uint32_t cores_)
    : config(config_),
      namespaces(config_.namespaces, config_.insecure_dev),
      cores(cores_),
      hash_seed(random_word()),
      started_wall_ms(wall_ms()),
      limits(limits_of(config_)),
      busy_shards(cores_) {
  for (std::uint32_t core = 0; core < cores; ++core) {
    counters.push_back(std::make_unique<ShardCounters>());
    footprints.push_back(std::make_unique<alloc::Footprint>());
  }
}

std::uint64_t Node::hash(std::string_view text) const {
  return XXH3_64bits_withSeed(text.data(), text.size(), hash_seed);
}

RoomId Node::room_id(std::string_view room_name) const { return RoomId{hash(room_name)}; }

}  // namespace ringroom::realtime
