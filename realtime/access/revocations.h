#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "realtime/access/claims.h"
#include "realtime/access/grants_ref.h"

namespace ringroom::realtime {

struct Node;

// What was taken back before it ended by itself, of one workspace: one token by its `jti`, the
// tokens of a user that were issued before a time, or all that were.
//
// Each core has all of it, so that a handshake asks nobody. In memory only: after a restart the
// backend says it again, or the tokens have ended.
//
// Owner:   one core.
// Bounded: revocations-max; what has ended makes room first, then one more is refused. Names are
//          kept as hashes with the node's secret seed.
class Revocations {
 public:
  explicit Revocations(const Node& node) : node_(node) {}

  enum class Kind : std::uint8_t { token, user, all };
  struct Order {
    Kind kind;
    Workspace workspace;            // whose tokens
    std::string_view name;          // jti or user; empty for all
    std::uint64_t issued_before_s;  // exclusive; not for `token`
    std::uint64_t until_s;          // when it may be forgotten
  };
  // False: as many as may be are remembered.
  bool add(const Order& order, std::uint64_t now_s);

  bool covers(const Claims& claims, std::uint64_t now_s) const;
  // Is a connection that came by such a token meant?
  bool is_meant(const Order& order, const TokenMark& mark) const;

  std::size_t size() const { return entries_.size(); }
  TokenMark mark_of(const Claims& claims) const;

 private:
  struct Entry {
    std::uint64_t issued_before_s;
    std::uint64_t until_s;
  };
  std::uint64_t key_of(Kind kind, Workspace workspace, std::string_view name) const;
  const Entry* find(std::uint64_t key, std::uint64_t now_s) const;

  const Node& node_;
  std::unordered_map<std::uint64_t, Entry> entries_;
};

}  // namespace ringroom::realtime
