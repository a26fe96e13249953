#include "realtime/session/session_table.h"

#include <memory>
#include <utility>

#include "realtime/bounds.h"

namespace ringroom::realtime {

SessionTable::SessionTable(const Node& node, alloc::CoreHeap& heap) : node_(node), users_(heap) {
  user_agent_number("");
}

SessionTable::~SessionTable() {
  for (const alloc::Pages& chunk : chunks_) std::ranges::destroy(in(chunk));
}

Session& SessionTable::open(engine::SocketId socket) {
  const std::size_t chunk = socket.slot / chunk_sessions;
  if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
  if (chunks_[chunk].bytes().empty()) {
    auto pages = alloc::Pages::map(chunk_sessions * sizeof(Session));
    RR_CHECK(pages);  // no memory: a limit was missing somewhere
    chunks_[chunk] = std::move(*pages);
    std::ranges::uninitialized_value_construct(in(chunks_[chunk]));
  }
  Session& session = in_slot(socket.slot);
  RR_CHECK(session.state == SessionState::closed);
  session.socket = socket;
  session.state = SessionState::connecting;
  ++count_;
  return session;
}

std::size_t SessionTable::memory_bytes() const {
  std::size_t bytes = chunks_.capacity() * sizeof(alloc::Pages);
  for (const alloc::Pages& chunk : chunks_) bytes += chunk.bytes().size();
  return bytes;
}

void SessionTable::close(Session& session) {
  RR_CHECK(session.subscriptions.empty());
  RR_CHECK(session.user == nullptr);
  session = Session{};
  --count_;
}

void SessionTable::for_each(const std::function<void(Session&)>& f) {
  for (const alloc::Pages& chunk : chunks_)
    for (Session& session : in(chunk))
      if (session.state != SessionState::closed) f(session);
}

void SessionTable::attach(Session& session, ScopedName name) {
  RR_CHECK(session.user == nullptr);
  const std::uint64_t hash = node_.hash(name.text());
  User* user = users_.find(name, hash);
  if (user == nullptr) user = &users_.add(name, hash);
  session.user = user;
  session.next_of_user = std::exchange(user->first_session, session.socket.slot);
  if (session.next_of_user != User::no_session)
    in_slot(session.next_of_user).previous_of_user = session.socket.slot;
}

void SessionTable::detach(Session& session) {
  User* user = std::exchange(session.user, nullptr);
  if (user == nullptr) return;
  const std::uint32_t next = std::exchange(session.next_of_user, User::no_session);
  const std::uint32_t previous = std::exchange(session.previous_of_user, User::no_session);
  (previous == User::no_session ? user->first_session : in_slot(previous).next_of_user) = next;
  if (next != User::no_session) in_slot(next).previous_of_user = previous;
  if (user->first_session != User::no_session) return;
  infos_.erase(user);
  users_.remove(*user);
}

void SessionTable::set_info(const Session& session, std::string_view info) {
  if (session.user == nullptr || info.empty() || info == "{}") return;
  infos_[session.user] = info;
}

std::string_view SessionTable::info_of(const Session& session) const {
  const auto found = infos_.find(session.user);
  return found == infos_.end() ? std::string_view() : std::string_view(found->second);
}

const User* SessionTable::find_user(ScopedName user) const {
  return users_.find(user, node_.hash(user.text()));
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
