#include "realtime/access/key_set.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "realtime/access/bounds.h"

namespace ringroom::realtime {

Outcome<KeyError> KeySet::add(Key key) {
  const auto alike = std::ranges::count_if(keys_, [&key](const Key& other) {
    return other.id() == key.id() && other.algorithm() == key.algorithm();
  });
  if (!key.id().empty() && alike > 0) return fail(KeyError::twice);
  if (keys_.size() >= bounds::keys_max || alike >= bounds::unnamed_keys_max)
    return fail(KeyError::too_many);
  keys_.push_back(std::move(key));
  static std::atomic<std::uint64_t> last_serial{0};
  serial_ = 1 + last_serial.fetch_add(1, std::memory_order_relaxed);
  return Done{};
}

bool KeySet::has(std::string_view id) const {
  return std::ranges::find(keys_, id, &Key::id) != keys_.end();
}

}  // namespace ringroom::realtime
