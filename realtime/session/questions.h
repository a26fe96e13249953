#pragma once

#include <cstdint>
#include <string_view>

#include "proto/command.h"
#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

class Shard;

// What is asked of a room's home, whoever asks: a client by a command, a backend by a call of the
// server API. The caller has looked whether the asker may; the home answers the asker.
//
// Owner: one core.
class Questions {
 public:
  explicit Questions(Shard& shard) : shard_(shard) {}

  struct About {
    Workspace workspace;
    std::string_view room;
    Asker asker;
    std::string_view correlation_id = {};  // of a client
  };
  struct Creation {
    std::string_view owner;     // user id; empty: a backend's
    std::string_view metadata;  // raw JSON, an object; empty: none
    std::uint64_t max_members;  // 0: the namespace's
    bool is_public;
    bool by_client;
  };
  void create(const About& about, const Creation& creation);
  struct Removal {
    std::string_view user_id;
    bool is_granted;  // else only its owner may
  };
  void remove(const About& about, const Removal& removal);
  void describe(const About& about);
  enum class Presence : std::uint8_t { members, counts };
  void presence(const About& about, Presence what);
  struct Page {
    proto::Position since;  // an empty epoch: from the end that is read from
    std::uint32_t limit;
    bool reverse;
    std::string_view permissions;  // PermissionView::bytes of who asks
    std::uint32_t edition = 0;     // of his rights
  };
  void history(const About& about, const Page& page);
  void clear_history(const About& about);

 private:
  template <class Question>
  void ask(const About& about, Question question);

  Shard& shard_;
};

}  // namespace ringroom::realtime
