#include "realtime/http/name_lists.h"

#include <cstring>
#include <utility>

#include "base/check.h"
#include "proto/json_object.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// A name in the text of a letter: two counts, the bytes of the name, the name.
struct Head {
  std::uint32_t connections, rooms, name_bytes;
};

bool is_asked_for(std::string_view name, std::string_view prefix, std::string_view after) {
  return name.starts_with(prefix) && name > after;
}

}  // namespace

NameLists::NameLists(Shard& shard) : shard_(shard), text_(shard.heap) {}

void NameLists::begin(const Asker& asker, const Request& request) {
  const std::uint32_t number = next_++;
  Page page{.asker = asker,
            .of = request.of,
            .limit = request.limit,
            .waiting = shard_.node.cores,
            .names = {}};
  add_configured(page, request);
  pages_.emplace(number, std::move(page));
  shard_.send_to_all(ListNames{.asker = asker,
                               .number = number,
                               .of = request.of,
                               .limit = request.limit,
                               .workspace = request.workspace,
                               .prefix = request.prefix,
                               .after = request.after});
}

void NameLists::add_configured(Page& page, const Request& request) const {
  const auto add = [&](std::string_view id) {
    if (is_asked_for(id, request.prefix, request.after)) keep(page.names, page.limit, id, {});
  };
  if (request.of == NamesOf::one_workspace) add(request.workspace.id());
  if (request.of != NamesOf::workspaces) return;
  add(Workspace::default_id);
  for (const std::string& id : shard_.config().counted_workspaces) add(id);
  shard_.api_keys->for_each_workspace([&](Workspace workspace) { add(workspace.id()); });
}

void NameLists::receive(const ListNames& asked) {
  walks_.add({.asker = asked.asker,
              .number = asked.number,
              .of = asked.of,
              .limit = asked.limit,
              .workspace = OwnedWorkspace(asked.workspace),
              .prefix = std::string(asked.prefix),
              .after = std::string(asked.after),
              .names = {}});
}

void NameLists::walk() {
  walks_.go_on(bounds::connection_looks_per_turn,
               [this](Walk& walk, std::size_t& looks) { return go_on(walk, looks); });
}

void NameLists::keep(Names& names, std::uint32_t limit, std::string_view name, const Known& known) {
  if (names.size() == limit && (names.empty() || name > std::prev(names.end())->first)) return;
  auto found = names.find(name);
  if (found == names.end()) found = names.emplace(name, Known{}).first;
  found->second.connections += known.connections;
  found->second.rooms += known.rooms;
  if (names.size() > limit) names.erase(std::prev(names.end()));
}

// By the sessions and not by the table of users: that grows in between, and then has another order.
bool NameLists::go_on(Walk& walk, std::size_t& looks) {
  for (; looks > 0 && walk.slot < shard_.sessions.slots(); --looks)
    if (const Session* session = shard_.sessions.in_use(walk.slot++)) look(walk, *session);
  if (walk.slot < shard_.sessions.slots()) return false;
  text_.clear();
  for (const auto& [name, counted] : walk.names) {
    const Known known = walk.of == NamesOf::users ? known_of(walk, name) : counted;
    if (known.connections == 0) continue;  // gone since
    const Head head{known.connections, known.rooms, static_cast<std::uint32_t>(name.size())};
    text_.append(std::string_view(reinterpret_cast<const char*>(&head), sizeof head));
    text_.append(name);
  }
  shard_.send(CoreId{walk.asker.to.core},
              NamesListed{.number = walk.number, .names = text_.text()});
  return true;
}

// Names only come closer to the beginning: one that is kept at the end was kept since it was first
// seen, and all its connections are counted.
void NameLists::look(Walk& walk, const Session& session) {
  if (!is_listed(session)) return;
  const Workspace workspace = workspace_of(session);
  if (walk.of != NamesOf::workspaces && !(workspace == Workspace(walk.workspace))) return;
  if (walk.of == NamesOf::users && session.user == nullptr) return;
  const std::string_view name =
      walk.of == NamesOf::users ? session.user->name().shown() : workspace.id();
  if (is_asked_for(name, walk.prefix, walk.after))
    keep(walk.names, walk.limit, name, {.connections = 1});
}

NameLists::Known NameLists::known_of(const Walk& walk, std::string_view user) const {
  Known out;
  if (const User* found = shard_.sessions.find_user(NameIn(walk.workspace, user)))
    shard_.sessions.for_each_of(*found, [&out](const Session& session) {
      ++out.connections;
      out.rooms += static_cast<std::uint32_t>(session.subscriptions.size());
    });
  return out;
}

void NameLists::receive(const NamesListed& listed) {
  const auto found = pages_.find(listed.number);
  RR_CHECK(found != pages_.end());  // every core answers once
  Page& page = found->second;
  for (std::string_view rest = listed.names; !rest.empty();) {
    Head head;
    std::memcpy(&head, rest.data(), sizeof head);
    rest.remove_prefix(sizeof head);
    keep(page.names, page.limit, rest.substr(0, head.name_bytes), {head.connections, head.rooms});
    rest.remove_prefix(head.name_bytes);
  }
  if (--page.waiting > 0) return;
  const Page done = std::move(page);
  pages_.erase(found);  // the answer may ask for the next one
  finish(done);
}

void NameLists::finish(const Page& page) {
  const bool are_users = page.of == NamesOf::users;
  text_.clear();
  text_.append(are_users ? R"({"users":[)" : R"({"workspaces":[)");
  bool is_first = true;
  for (const auto& [name, known] : page.names) {
    if (!std::exchange(is_first, false)) text_.append(',');
    proto::JsonObject one(text_);
    one.text(are_users ? "user" : "workspace", name);
    one.number("connections", known.connections);
    if (are_users) one.number("rooms", known.rooms);
    one.end();
  }
  text_.append("]}\n");
  shard_.send(CoreId{page.asker.to.core}, Answered{.asker = page.asker, .body = text_.text()});
}

}  // namespace ringroom::realtime
