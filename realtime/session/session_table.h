#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "alloc/core_heap.h"
#include "alloc/pages.h"
#include "base/check.h"
#include "realtime/node.h"
#include "realtime/session/session.h"
#include "realtime/session/user_table.h"

namespace ringroom::realtime {

// The sessions of one core, found by socket or by user.
//
// Owner:    one core. Sessions stay where they are until their socket's slot is used again.
class SessionTable {
 public:
  SessionTable(const Node& node, alloc::CoreHeap& heap);
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  Session& open(engine::SocketId socket);
  // nullptr: that connection has ended.
  Session* find(engine::SocketId socket) {
    const std::size_t chunk = socket.slot / chunk_sessions;
    if (chunk >= chunks_.size() || chunks_[chunk].bytes().empty()) return nullptr;
    Session& session = in_slot(socket.slot);
    return session.socket == socket && session.state != SessionState::closed ? &session : nullptr;
  }
  Session& at(engine::SocketId socket) {
    Session* session = find(socket);
    RR_CHECK(session != nullptr);
    return *session;
  }
  // Gives everything back but the slot.
  void close(Session& session);

  std::size_t size() const { return count_; }
  std::size_t memory_bytes() const;  // of the slots
  // Every session's slot is below.
  std::uint32_t slots() const {
    return static_cast<std::uint32_t>(chunks_.size() * chunk_sessions);
  }
  // nullptr: no session is there.
  Session* in_use(std::uint32_t slot) {
    if (slot >= slots() || chunks_[slot / chunk_sessions].bytes().empty()) return nullptr;
    Session& session = in_slot(slot);
    return session.state != SessionState::closed ? &session : nullptr;
  }
  void for_each(const std::function<void(Session&)>& f);

  void attach(Session& session, ScopedName user);
  void detach(Session& session);
  // Whoever has a session here; nullptr: nobody of that name.
  const User* find_user(ScopedName user) const;
  // `visit(Session&)` may end the session it is given, no other.
  template <class Visit>
  void for_each_of(const User& user, Visit visit) {
    for (std::uint32_t slot = user.first_session; slot != User::no_session;) {
      Session& session = in_slot(slot);
      slot = session.next_of_user;
      visit(session);
    }
  }

  // What the session's user brings along into rooms, whichever of its sessions here said it last: a
  // JSON object. Empty or {}: nothing, and nothing is changed.
  void set_info(const Session& session, std::string_view info);
  std::string_view info_of(const Session& session) const;

  // Distinct User-Agent texts are kept once; a session holds a number.
  std::uint16_t user_agent_number(std::string_view text);
  std::string_view user_agent(std::uint16_t number) const { return *user_agents_[number]; }

 private:
  static constexpr std::size_t chunk_sessions = 256;

  // Whole pages, so that the allocator adds nothing.
  static_assert(chunk_sessions * sizeof(Session) % 4096 == 0);
  static std::span<Session> in(const alloc::Pages& chunk) {
    return {reinterpret_cast<Session*>(chunk.bytes().data()),
            chunk.bytes().empty() ? 0 : chunk_sessions};
  }
  Session& in_slot(std::uint32_t slot) {
    return in(chunks_[slot / chunk_sessions])[slot % chunk_sessions];
  }

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::vector<alloc::Pages> chunks_;  // empty: no slot of it was ever used
  std::size_t count_ = 0;
  const Node& node_;
  UserTable users_;
  std::unordered_map<const User*, std::string> infos_;  // of those who have one
  std::unordered_map<std::string, std::uint16_t, TextHash, std::equal_to<>> user_agent_numbers_;
  std::vector<const std::string*> user_agents_;
};

}  // namespace ringroom::realtime
