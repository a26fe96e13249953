#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ringroom::realtime {

// What a message may require of who hears it (A4): a name such as `premium:view`, of which only a
// hash is kept (Node::permission).
inline constexpr std::uint64_t no_permission = 0;  // required of nobody

// What somebody holds, as a letter carries it: hashes in their order. Somebody unknown holds
// nothing.
class PermissionView {
 public:
  PermissionView() = default;
  explicit PermissionView(std::span<const std::uint64_t> sorted) : held_(sorted) {}
  // What bytes() gave; aligned as it was.
  static PermissionView of(std::string_view bytes) {
    return PermissionView(std::span(reinterpret_cast<const std::uint64_t*>(bytes.data()),
                                    bytes.size() / sizeof(std::uint64_t)));
  }
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(held_.data()), held_.size_bytes()};
  }

  std::vector<std::uint64_t> list() const { return {held_.begin(), held_.end()}; }
  bool has(std::uint64_t permission) const {
    if (permission == no_permission) return true;
    return !held_.empty() &&
           (held_.front() == every || std::ranges::binary_search(held_, permission));
  }
  // Stands for all there are. In its place nothing else could: nobody requires `no_permission`.
  static constexpr std::uint64_t every = no_permission;
  // Of a backend, from which nothing is kept.
  static PermissionView all() { return PermissionView(std::span(&every, 1)); }

 private:
  std::span<const std::uint64_t> held_;
};

// The sets of permissions that somebody on this core holds, each once, however many hold it: a
// listener carries the number of its set, and what a set may hear is made once for all who have it.
//
// Owner: one core. Numbers are used again when the last holder is gone.
class PermissionSets {
 public:
  using Number = std::uint32_t;
  static constexpr Number none = 0;  // the empty set

  // One holder more. In any order, and twice, as they come.
  Number hold(std::vector<std::uint64_t> permissions);
  void let_go(Number number);

  PermissionView view(Number number) const {
    return number == none ? PermissionView() : PermissionView(sets_[number - 1]->first);
  }
  std::size_t size() const { return numbers_.size(); }

  // Those that the server itself asks for, by a place that the asker knows.
  std::vector<std::uint64_t> known;

 private:
  struct Held {
    Number number = none;
    std::uint32_t holders = 0;
  };
  using Numbers = std::map<std::vector<std::uint64_t>, Held>;
  Numbers numbers_;
  std::vector<Numbers::iterator> sets_;  // by number, from 1
  std::vector<Number> spare_;
};

// One holder's hold of a set.
class PermissionHold {
 public:
  PermissionHold() = default;
  PermissionHold(PermissionSets& sets, std::vector<std::uint64_t> permissions)
      : sets_(&sets), number_(sets.hold(std::move(permissions))) {}
  PermissionHold(PermissionHold&& other) noexcept
      : sets_(other.sets_), number_(std::exchange(other.number_, PermissionSets::none)) {}
  PermissionHold& operator=(PermissionHold&&) = delete;
  ~PermissionHold() {
    if (number_ != PermissionSets::none) sets_->let_go(number_);
  }

  PermissionSets::Number number() const { return number_; }
  bool has_known(std::size_t permission) const {
    return number_ != PermissionSets::none && view().has(sets_->known[permission]);
  }
  PermissionView view() const {
    return number_ == PermissionSets::none ? PermissionView() : sets_->view(number_);
  }

 private:
  PermissionSets* sets_ = nullptr;
  PermissionSets::Number number_ = PermissionSets::none;
};

}  // namespace ringroom::realtime
