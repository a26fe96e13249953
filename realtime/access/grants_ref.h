#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

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
  // `granted`: the permissions before the changes that are in `permissions`; nullopt: the same.
  struct Rights {
    Grants grants = {};
    TokenMark mark = {};
    PermissionHold permissions = {};
    std::optional<std::vector<std::uint64_t>> granted = {};
    std::uint32_t edition = 0;
  };
  explicit GrantsRef(Rights rights) : held_(new Held{std::move(rights), 1}) {}
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
    return &held_->rights.grants;
  }
  TokenMark mark() const { return held_ == nullptr ? TokenMark{} : held_->rights.mark; }
  // Tells rights from those before; of one core.
  std::uint32_t edition() const { return held_ == nullptr ? 0 : held_->rights.edition; }
  // What it may hear that not everybody does.
  PermissionView permissions() const {
    return held_ == nullptr ? PermissionView() : held_->rights.permissions.view();
  }
  // One of PermissionSets::known, by its place there.
  bool holds_known(std::size_t permission) const {
    return held_ != nullptr && held_->rights.permissions.has_known(permission);
  }
  PermissionSets::Number permission_set() const {
    return held_ == nullptr ? PermissionSets::none : held_->rights.permissions.number();
  }
  bool is_changed() const { return held_ != nullptr && held_->rights.granted.has_value(); }
  // Before anything was changed.
  std::vector<std::uint64_t> granted_permissions() const {
    if (held_ == nullptr) return {};
    return held_->rights.granted ? *held_->rights.granted : permissions().list();
  }

 private:
  struct Held {
    const Rights rights;
    std::uint32_t holders;
  };
  Held* held_ = nullptr;
};
static_assert(sizeof(GrantsRef) == sizeof(void*), "one in every session");

}  // namespace ringroom::realtime
