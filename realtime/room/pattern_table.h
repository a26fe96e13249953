#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "realtime/access/grants.h"
#include "realtime/connection_id.h"
#include "realtime/namespace.h"
#include "realtime/wire_form.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// Who listens to which patterns, on whatever core: each core knows all of them, so that a room
// finds its listeners where and when it comes to be.
//
//   "quote"   quote:*  -> ann, bo        by the word before the first colon, as namespaces are
//             quote:*:usd -> ann         found: a new room is compared with few
//   ""        *:alarm  -> cy             those whose first word may be any
//
// Words are names of their workspace, so a pattern is never even compared with a room of another.
//
// Owner: one core. Bounded: by `patterns-max` of the process.
class PatternTable {
 public:
  struct Listener {
    ConnectionId connection;
    std::uint32_t ticket;  // of the pattern's join
    WireForm form;
  };

  void add(ScopedName pattern, const Listener& listener) {
    const NameIn word(pattern.workspace(), word_of(pattern.shown()));
    Rows& rows = words_[std::string(word->text())];
    auto row = std::ranges::find(rows, pattern.shown(), &Row::pattern);
    if (row == rows.end())
      row = rows.insert(row, Row{.pattern = std::string(pattern.shown()), .listeners = {}});
    row->listeners.push_back(listener);
    ++count_;
  }
  void remove(ScopedName pattern, const ConnectionId& connection, std::uint32_t ticket) {
    const NameIn word(pattern.workspace(), word_of(pattern.shown()));
    const auto rows = words_.find(word->text());
    if (rows == words_.end()) return;
    const auto row = std::ranges::find(rows->second, pattern.shown(), &Row::pattern);
    if (row == rows->second.end()) return;
    count_ -= std::erase_if(row->listeners, [&](const Listener& each) {
      return each.connection == connection && each.ticket == ticket;
    });
    if (!row->listeners.empty()) return;
    rows->second.erase(row);
    if (rows->second.empty()) words_.erase(rows);
  }

  // Those that hear a room of this name; valid until the next call. What is for one person only is
  // reached by no pattern.
  std::span<const Listener> matching(ScopedName room) {
    found_.clear();
    const std::string_view name = room.shown();
    if (words_.empty() || is_personal(name)) return {};
    const std::string_view word = namespace_of(name);
    look(NameIn(room.workspace(), word), name);
    if (!word.empty()) look(NameIn(room.workspace(), {}), name);
    return found_;
  }

  std::size_t size() const { return count_; }

 private:
  struct Row {
    std::string pattern;
    std::vector<Listener> listeners;
  };
  using Rows = std::vector<Row>;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  static std::string_view word_of(std::string_view pattern) {
    const std::string_view word = namespace_of(pattern);
    return has_star(word) ? std::string_view() : word;
  }
  void look(ScopedName word, std::string_view room) {
    const auto rows = words_.find(word.text());
    if (rows == words_.end()) return;
    for (const Row& row : rows->second)
      if (matches(row.pattern, room))
        found_.insert(found_.end(), row.listeners.begin(), row.listeners.end());
  }

  std::unordered_map<std::string, Rows, TextHash, std::equal_to<>> words_;
  std::size_t count_ = 0;
  std::vector<Listener> found_;
};

}  // namespace ringroom::realtime
