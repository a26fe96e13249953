#pragma once

#include <cstdint>
#include <utility>

#include "base/check.h"
#include "realtime/access/grants.h"
#include "realtime/access/permissions.h"

namespace ringroom::realtime {

// What of a token is remembered with its grants, so that it can be taken back later.
struct TokenMark {
  std::uint64_t id_hash = 0;   // of its `jti`; 0: it has none
  std::uint64_t issued_s = 0;  // 0: it does not say
};

// A hold of grants that do not change; sessions with the same rights share them. Copied by share()
// only.
//
// Owner: one core: the count is a plain integer.
class GrantsRef {
 public:
  GrantsRef() = default;
  explicit GrantsRef(Grants grants, TokenMark mark = {}, PermissionHold permissions = {})
      : held_(new Held{std::move(grants), mark, std::move(permissions), 1}) {}
  GrantsRef(GrantsRef&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  GrantsRef& operator=(GrantsRef&& other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~GrantsRef() {
    if (held_ != nullptr && --held_->holders == 0) delete held_;
  }

  GrantsRef share() const {
    GrantsRef out;
    out.held_ = held_;
    if (held_ != nullptr) ++held_->holders;
    return out;
  }

  explicit operator bool() const { return held_ != nullptr; }
  const Grants& operator*() const { return *operator->(); }
  const Grants* operator->() const {
    RR_CHECK(held_ != nullptr);
    return &held_->grants;
  }
  TokenMark mark() const { return held_ == nullptr ? TokenMark{} : held_->mark; }
  // What it may hear that not everybody does.
  PermissionView permissions() const {
    return held_ == nullptr ? PermissionView() : held_->permissions.view();
  }
  PermissionSets::Number permission_set() const {
    return held_ == nullptr ? PermissionSets::none : held_->permissions.number();
  }

 private:
  struct Held {
    const Grants grants;
    const TokenMark mark;
    const PermissionHold permissions;
    std::uint32_t holders;
  };
  Held* held_ = nullptr;
};
static_assert(sizeof(GrantsRef) == sizeof(void*), "one in every session");

}  // namespace ringroom::realtime
