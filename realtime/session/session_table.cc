#include "realtime/session/session_table.h"

#include "realtime/bounds.h"

namespace ringroom::realtime {

SessionTable::SessionTable() { user_agent_number(""); }

Session& SessionTable::open(engine::SocketId socket) {
  const std::size_t chunk = socket.slot / chunk_sessions;
  if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
  if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<Session[]>(chunk_sessions);
  Session& session = chunks_[chunk][socket.slot % chunk_sessions];
  RR_CHECK(session.state == SessionState::closed);
  session.socket = socket;
  session.state = SessionState::connecting;
  ++count_;
  return session;
}

void SessionTable::close(Session& session) {
  RR_CHECK(session.subscriptions.empty());
  RR_CHECK(session.user == nullptr);
  session = Session{};
  --count_;
}

void SessionTable::for_each(const std::function<void(Session&)>& f) {
  for (auto& chunk : chunks_) {
    if (chunk == nullptr) continue;
    for (std::size_t i = 0; i < chunk_sessions; ++i)
      if (chunk[i].state != SessionState::closed) f(chunk[i]);
  }
}

void SessionTable::attach(Session& session, std::string_view user_id) {
  RR_CHECK(session.user == nullptr);
  auto found = users_.find(user_id);
  if (found == users_.end()) {
    found = users_.emplace(user_id, std::make_unique<User>()).first;
    found->second->id = user_id;
  }
  session.user = found->second.get();
  session.user_position = static_cast<std::uint32_t>(session.user->sessions.size());
  session.user->sessions.push_back(session.socket);
}

void SessionTable::detach(Session& session) {
  if (session.user == nullptr) return;
  User& user = *session.user;
  session.user = nullptr;
  const engine::SocketId moved = user.sessions.back();
  user.sessions[session.user_position] = moved;
  user.sessions.pop_back();
  if (session.user_position < user.sessions.size()) at(moved).user_position = session.user_position;
  if (user.sessions.empty()) users_.erase(users_.find(user.id));
}

const User* SessionTable::find_user(std::string_view user_id) const {
  const auto found = users_.find(user_id);
  return found == users_.end() ? nullptr : found->second.get();
}

std::uint16_t SessionTable::user_agent_number(std::string_view text) {
  text = text.substr(0, bounds::user_agent_bytes_max);
  auto found = user_agent_numbers_.find(text);
  if (found != user_agent_numbers_.end()) return found->second;
  // A client can choose this text: the table is bounded, and what no longer fits shares a row.
  if (user_agents_.size() >= bounds::user_agents_max) return user_agent_number("other");
  const auto number = static_cast<std::uint16_t>(user_agents_.size());
  found = user_agent_numbers_.emplace(text, number).first;
  user_agents_.push_back(&found->first);
  if (number == 0) user_agent_number("other");
  return number;
}

}  // namespace ringroom::realtime
