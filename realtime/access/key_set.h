#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "realtime/access/key.h"

namespace ringroom::realtime {

// All keys that tokens are held against at one time. A token's `kid` chooses by comparison and in
// no other way: it never becomes a path, an address or a query.
//
// Owner:   whoever makes it; once published (token_keys.h) it does not change, and any thread
// reads. Bounded: in all, and in how many signatures one token can make us check.
class KeySet {
 public:
  KeySet() = default;
  Outcome<KeyError> add(Key key);

  // Of this very content: no other set, and not this one with another key, has the same.
  std::uint64_t serial() const { return serial_; }
  bool empty() const { return keys_.empty(); }
  std::span<const Key> keys() const { return keys_; }

  // Calls `visit(const Key&)` with the keys a token may name by `id`: those called so, else those
  // without a name, which are for every token. Stops when it says true; false: it never did.
  template <class Visit>
  bool any_named(std::string_view id, Visit visit) const {
    const std::string_view called = has(id) ? id : std::string_view();
    for (const Key& key : keys_)
      if (key.id() == called && visit(key)) return true;
    return false;
  }

 private:
  bool has(std::string_view id) const;

  std::vector<Key> keys_;
  std::uint64_t serial_ = 0;  // without keys: 0
};

}  // namespace ringroom::realtime
