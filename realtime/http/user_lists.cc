#include "realtime/http/user_lists.h"

#include <cstring>
#include <utility>

#include "base/check.h"
#include "proto/json_object.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// A user in the text of a letter: two counts, the bytes of the name, the name.
struct Head {
  std::uint32_t connections, rooms, name_bytes;
};

}  // namespace

UserLists::UserLists(Shard& shard) : shard_(shard), text_(shard.heap) {}

void UserLists::begin(const Asker& asker, const Request& request) {
  const std::uint32_t number = next_++;
  pages_.emplace(
      number,
      Page{.asker = asker, .limit = request.limit, .waiting = shard_.node.cores, .users = {}});
  shard_.send_to_all(ListUsers{.asker = asker,
                               .number = number,
                               .limit = request.limit,
                               .workspace = request.workspace,
                               .prefix = request.prefix,
                               .after = request.after});
}

void UserLists::receive(const ListUsers& asked) {
  walks_.push_back({.asker = asked.asker,
                    .number = asked.number,
                    .limit = asked.limit,
                    .workspace = OwnedWorkspace(asked.workspace),
                    .prefix = std::string(asked.prefix),
                    .after = std::string(asked.after),
                    .users = {}});
}

void UserLists::walk() {
  std::size_t looks = bounds::connection_looks_per_turn;
  // An answer here may finish a page, whose asker may ask for the next.
  while (!walks_.empty() && looks > 0) {
    Walk walk = std::move(walks_.back());
    walks_.pop_back();
    if (!go_on(walk, looks)) walks_.push_back(std::move(walk));
  }
}

void UserLists::keep(Users& users, std::uint32_t limit, std::string_view name, const Known& known) {
  if (users.size() == limit && (users.empty() || name > std::prev(users.end())->first)) return;
  auto found = users.find(name);
  if (found == users.end()) found = users.emplace(name, Known{}).first;
  found->second.connections += known.connections;
  found->second.rooms += known.rooms;
  if (users.size() > limit) users.erase(std::prev(users.end()));
}

// By the sessions and not by the table of users: that grows in between, and then has another order.
bool UserLists::go_on(Walk& walk, std::size_t& looks) {
  for (; looks > 0 && walk.slot < shard_.sessions.slots(); --looks) {
    const Session* session = shard_.sessions.in_use(walk.slot++);
    if (session == nullptr || session->user == nullptr) continue;
    const ScopedName user = session->user->name();
    if (user.workspace() != Workspace(walk.workspace)) continue;
    const std::string_view name = user.shown();
    if (name.starts_with(walk.prefix) && name > walk.after) keep(walk.users, walk.limit, name, {});
  }
  if (walk.slot < shard_.sessions.slots()) return false;
  text_.clear();
  for (const auto& [name, none] : walk.users) {
    const Known known = known_of(walk, name);
    if (known.connections == 0) continue;  // gone since
    const Head head{known.connections, known.rooms, static_cast<std::uint32_t>(name.size())};
    text_.append(std::string_view(reinterpret_cast<const char*>(&head), sizeof head));
    text_.append(name);
  }
  shard_.send(CoreId{walk.asker.to.core},
              UsersListed{.number = walk.number, .users = text_.text()});
  return true;
}

UserLists::Known UserLists::known_of(const Walk& walk, std::string_view name) const {
  Known out;
  if (const User* user = shard_.sessions.find_user(NameIn(walk.workspace, name)))
    shard_.sessions.for_each_of(*user, [&out](const Session& session) {
      ++out.connections;
      out.rooms += static_cast<std::uint32_t>(session.subscriptions.size());
    });
  return out;
}

void UserLists::receive(const UsersListed& listed) {
  const auto found = pages_.find(listed.number);
  RR_CHECK(found != pages_.end());  // every core answers once
  Page& page = found->second;
  for (std::string_view rest = listed.users; !rest.empty();) {
    Head head;
    std::memcpy(&head, rest.data(), sizeof head);
    rest.remove_prefix(sizeof head);
    keep(page.users, page.limit, rest.substr(0, head.name_bytes), {head.connections, head.rooms});
    rest.remove_prefix(head.name_bytes);
  }
  if (--page.waiting > 0) return;
  Page done = std::move(page);
  pages_.erase(found);  // the answer may ask for the next one
  finish(done);
}

void UserLists::finish(Page& page) {
  text_.clear();
  text_.append(R"({"users":[)");
  bool is_first = true;
  for (const auto& [name, known] : page.users) {
    if (!std::exchange(is_first, false)) text_.append(',');
    proto::JsonObject user(text_);
    user.text("user", name);
    user.number("connections", known.connections);
    user.number("rooms", known.rooms);
    user.end();
  }
  text_.append("]}\n");
  shard_.send(CoreId{page.asker.to.core}, Answered{.asker = page.asker, .body = text_.text()});
}

}  // namespace ringroom::realtime
