// Three workspaces on two cores, whose members and backends do whatever they like with the same
// names (wildcards, prefixes, other workspaces' ids, letters that look alike): nobody hears, reads,
// lists or counts anything of another one (AUTH-9).
//
// All that is written in a workspace carries its mark, so that a text heard anywhere says where it
// is from. Numbers carry none: sequences, members and metrics are held against what the members of
// the workspace did themselves. A short run in the suite; by hand, or to see one again:
//
//   WORKSPACES_COMMANDS=1000000 WORKSPACES_SEED=17 build/test/tests/realtime/realtime_workspaces

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/realtime/workspaces_judge.h"
#include "tests/support/scripted_node.h"

namespace ringroom::realtime {
namespace {

using support::ScriptedClient;
using support::ScriptedNode;

// Names that everybody uses. What is no name (a separator, a NUL) has to be refused.
constexpr const char* names[] = {"lobby",
                                 "acme",
                                 "acme:lobby",
                                 "default",
                                 "default:lobby",
                                 "ac",
                                 "acmelobby",
                                 "..",
                                 "%1flobby",
                                 "acme%1Flobby",
                                 "caf\xc3\xa9",
                                 "cafe\xcc\x81",
                                 "\xd0\xbb\xd0\xbe\xd0\xb1\xd0\xb1\xd0\xb8",
                                 "quote:eur",
                                 "quote:acme:usd",
                                 "solo:1",
                                 "user:ann",
                                 "workspace:acme",
                                 "workspace:default",
                                 "\xe2\x90\x9f",
                                 "acme\xe2\x90\x9flobby",
                                 " lobby",
                                 "lobby "};
constexpr const char* no_names[] = {R"(acme\u001flobby)", R"(\u001flobby)", R"(acme\u0000lobby)",
                                    R"(acme\nlobby)", R"(acme\u007flobby)"};
constexpr const char* patterns[] = {
    "*",   "acme*",       "*lobby", "quote:*", "a*e*y", "****",           "ac*",
    "*:*", "workspace:*", "user:*", "caf*",    "%*",    "*\xe2\x90\x9f*", "default:*"};
constexpr const char* prefixes[] = {"", "a", "acme", "quote:", "\xd0\xbb", "*", "%1f"};
constexpr const char* users[] = {"ann", "bo", "*"};

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    char byte[4];
    std::snprintf(byte, sizeof byte, "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += byte;
  }
  return out;
}

// With rooms of users what is for a user waits there; without it goes to its connections.
enum class Users : std::uint8_t { have_rooms, have_none };

Config configuration(const std::vector<std::string>& ids, Users users_have) {
  Config config;
  config.insecure_dev = true;
  config.drain_ms = 0;
  config.namespaces.push_back(
      {.name = {}, .history_count = 30, .presence = true, .presence_grace_ms = 0});
  config.namespaces.push_back({.name = "quote",
                               .history_count = 10,
                               .presence = true,
                               .presence_grace_ms = 0,
                               .state_keys = 5});
  config.namespaces.push_back({.name = "solo",
                               .presence = true,
                               .presence_grace_ms = 0,
                               .duplicate_sessions = DuplicateSessions::replace});
  if (users_have == Users::have_rooms)
    config.namespaces.push_back({.name = "user", .presence_grace_ms = 0, .offline_count = 10});
  const Scopes scopes{Scope::publish, Scope::read, Scope::rooms, Scope::sessions};
  for (const std::string& id : ids) {
    config.counted_workspaces.push_back(id);
    config.access_keys.push_back({.name = "of " + id,
                                  .workspace = id,
                                  .scopes = scopes,
                                  .file = {},
                                  .written = {},
                                  .secret = "key of " + id});
  }
  config.api_key = "key of all";
  return config;
}

class Play {
 public:
  // `planted`: one member is, against what it believes, in the next workspace.
  Play(const std::vector<std::string>& ids, Users users_have, std::uint64_t seed,
       bool planted = false)
      : node_(configuration(ids, users_have), 2, {.files = 300, .buffers = 256}),
        random_(seed),
        planted_(planted) {
    for (std::size_t i = 0; i < ids.size(); ++i)
      judge_.worlds.push_back({.id = ids[i], .mark = "@" + std::to_string(i) + "@"});
    for (World& world : judge_.worlds) {
      for (const char* name : names) world.named.insert(name);
      world.named.insert("own" + world.mark);
      for (const char* user : users) world.named.insert(std::string("user:") + user);
      world.named.insert("user:own" + world.mark);
      for (const char* pattern : patterns) world.named.insert(pattern);
      for (std::uint16_t core = 0; core < node_.cores(); ++core) {
        for (const char* user : users) add(world, user, core);
        add(world, "own" + world.mark, core);
        listen(world, core);
        backends_.push_back(&node_.open_backend(CoreId{core}));
        backends_.back()->on_message = [this, &world](std::string_view body) {
          judge_.look(world, body);
        };
      }
    }
    node_.settle();
  }

  void run(std::uint64_t commands) {
    for (std::uint64_t done = 0; done < commands && judge_.faults.size() < 20;) {
      for (std::uint64_t n = 1 + pick(48); n > 0; --n, ++done) {
        pick(8) == 0 ? ask() : act();
        if (pick(6) == 0)
          node_.turn(CoreId{static_cast<std::uint16_t>(pick(node_.cores()))}, pick(3));
      }
      node_.settle();
      come_back();
      if (pick(16) == 0) census();
    }
    census();
  }

  const Judge& judge() const { return judge_; }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }
  template <std::size_t count>
  std::string pick(const char* const (&of)[count]) {
    return of[pick(count)];
  }
  Member& pick_member() { return members_[pick(members_.size())]; }
  std::string room_of(const World& world) {
    const std::size_t which = pick(20);
    return which == 0 ? pick(no_names) : which == 1 ? "own" + world.mark : pick(names);
  }
  std::string marked(const World& world) {
    return R"({"from":")" + world.mark + R"(","n":)" + std::to_string(++number_) + "}";
  }

  void add(World& world, const std::string& user, std::uint16_t core) {
    members_.emplace_back(judge_, world, user);
    cores_.push_back(CoreId{core});
    connect(members_.size() - 1);
  }
  void connect(std::size_t index) {
    Member& member = members_[index];
    std::size_t world = static_cast<std::size_t>(&member.world() - judge_.worlds.data());
    if (planted_ && index == 0) world = (world + 1) % judge_.worlds.size();
    // What waits for a user comes before it can be taken apart; nothing of it is lost.
    ScriptedClient& connection = node_.connect(
        cores_[index], member.user() + "&workspace=" + encoded(judge_.worlds[world].id),
        [&](ScriptedClient& client) { member.use(client); });
    RR_CHECK(&connection == &member.connection());
  }
  // One that hears events.
  void listen(World& world, std::uint16_t core) {
    ScriptedClient& client =
        node_.connect(CoreId{core}, "eve&dialect=event&workspace=" + encoded(world.id),
                      [this, &world](ScriptedClient& each) {
                        each.on_message = [this, &world](std::string_view json) {
                          judge_.look(world, json);
                          if (json.starts_with(R"({"event":"connected")") &&
                              json.find(R"("workspace_id":")" + world.id + "\"") == json.npos)
                            judge_.fault(world, "is greeted by another name: " + std::string(json));
                        };
                      });
    world.named.insert("user:eve");
    world.named.insert("workspace:" + world.id);
    client.say(R"({"type":"subscribe","message_id":"1","event_types":["*"]})");
    client.say(R"({"type":"join_room","message_id":"2","room":"*"})");
    listeners_.push_back({&client, &world});
  }
  // Who was closed, and should have been, is there again.
  void come_back() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      Member& member = members_[i];
      if (member.connection().is_open()) continue;
      const auto code = member.connection().close_code();
      if (code && !(*code == 4401 && member.world().revoked.contains(member.user())))
        judge_.fault(member.world(), member.user() + " was closed with " + std::to_string(*code));
      connect(i);
    }
    for (const auto& [client, world] : listeners_)
      if (!client->is_open()) judge_.fault(*world, "the listener was closed");
    for (World& world : judge_.worlds) world.revoked.clear();
  }

  void act() {
    Member& member = pick_member();
    const World& world = member.world();
    const std::string room = room_of(world), payload = marked(world);
    const std::string info = R"("info":)" + payload;
    switch (pick(20)) {
      case 0:
      case 1:
      case 2:
        return member.say("join_room", room,
                          "{" + info + (pick(2) == 0 ? R"(,"history":10,"presence":true})" : "}"));
      case 3:
        return member.say("leave_room", room, "{}");
      case 4:
        return member.say("join_room", pick(patterns), "{}");
      case 5:
        return member.say("leave_room", pick(patterns), "{}");
      case 6:
        return member.say("typing_indicator", room, payload);
      case 7:
        return member.say("history", room, pick(2) == 0 ? R"({"limit":5})" : R"({"reverse":true})");
      case 8:
        return member.say("presence", room, "{}");
      case 9:
        return member.say("update_presence", room, "{" + info + "}");
      case 10:
        return member.say("create_room", room, R"({"metadata":)" + payload + "}");
      case 11:
        return pick(8) == 0 ? member.say("delete_room", room, "{}")
                            : member.say("room_info", room, "{}");
      case 12:
        return member.say("list_rooms", "", R"({"prefix":")" + pick(prefixes) + R"("})");
      case 13:
        return member.say("note", "quote:eur", payload,
                          R"(,"key":"k)" + std::to_string(pick(9)) + "\"");
      case 14:  // an id that others use too, of the same user in the same room
        return member.say("note", room, payload, "", "id-" + std::to_string(pick(2'000)));
      case 15:
        if (pick(40) == 0) member.connection().hang_up();
        return;
      default:
        return member.say("room_message", room, payload);
    }
  }

  // A call of a backend. Whoever names a workspace that its key does not open writes by the mark of
  // its own, so it is seen if it gets through.
  void ask() {
    const std::size_t index = pick(backends_.size());
    const std::size_t own = index / node_.cores(), other = pick(judge_.worlds.size());
    World& world = judge_.worlds[own];
    const bool has_master_key = pick(3) == 0;
    const std::string key = has_master_key ? "key of all" : "key of " + world.id;
    const bool names_other = !has_master_key && pick(6) == 0;
    const World& named = names_other ? judge_.worlds[other] : world;
    const bool says = has_master_key || names_other || pick(2) == 0;
    const bool in_query = pick(2) == 0;
    const std::string by_query = says ? "workspace=" + encoded(named.id) : "";
    const std::string query = in_query ? by_query : "";
    const std::string field = says && !in_query ? R"("workspace":")" + named.id + R"(",)" : "";
    const std::string room = room_of(world), payload = marked(world);
    const std::string target = pick(3) == 0 ? pick(patterns) : pick(names);
    const std::string connection = members_[pick(members_.size())].id();
    const auto post = [&](const std::string& path, const std::string& body) {
      request(*backends_[index], key, "POST", path + (query.empty() ? "" : "?" + query),
              "{" + field + body + "}");
    };
    const std::string message = R"("type":"note","payload":)" + payload;
    switch (pick(10)) {
      case 0:
      case 1:
        return post("/api/publish", R"("room":")" + room + R"(",)" + message);
      case 2:
      case 3:
        return post("/api/broadcast", R"("rooms":[")" + target + R"("],)" + message);
      case 4:
        return post("/api/broadcast",
                    R"("users":["ann","*","own)" + world.mark + R"("],)" + message);
      case 5:
        return post("/api/broadcast", R"("connections":[")" + connection + R"("],)" + message);
      case 6:
        return post("/api/broadcast", message + R"(,"exclude":")" + connection + "\"");
      case 7:
        return post("/api/ws/rooms", R"("room":")" + room + R"(","metadata":)" + payload);
      case 8:
        if (pick(20) == 0) {
          const std::string user = pick(users);
          if (!names_other || &named == &world) world.revoked.insert(user);
          return post("/api/revoke", R"("user":")" + user + "\"");
        }
        return request(
            *backends_[index], key, "GET",
            "/api/ws/rooms?limit=1000&prefix=" + encoded(pick(prefixes)) + "&" + by_query, "");
      default:
        return request(*backends_[index], key, pick(12) == 0 ? "DELETE" : "GET",
                       "/api/ws/rooms/" + encoded(pick(names)) + "?" + by_query, "");
    }
  }
  static void request(ScriptedClient& backend, const std::string& key, const std::string& method,
                      const std::string& path, const std::string& body) {
    backend.ask(method + " " + path + " HTTP/1.1\r\nHost: h\r\nX-API-Key: " + key +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  // Everybody is at rest: what is counted is what was done.
  void census() {
    node_.settle();
    for (World& world : judge_.worlds) {
      std::map<std::string, std::multiset<std::string>> present;
      std::vector<Member*> own;
      for (Member& member : members_) {
        if (&member.world() != &world) continue;
        own.push_back(&member);
        for (const std::string& room : member.inside()) present[room].insert(member.user());
      }
      for (int i = 0; i < 4; ++i) {
        const std::string room = pick(names);
        // Whoever hears events is there too.
        if (is_personal(room) || room == "workspace:" + world.id) continue;
        const auto& there = present[room];
        Member& asker = *own[pick(own.size())];
        asker.expect_count(room, std::set(there.begin(), there.end()).size(), there.size());
        node_.settle();
        if (!asker.was_told_all()) judge_.fault(world, "is not told who is in " + room);
      }
    }
    look_inside();
    read_metrics();
  }

  // Whoever listens to a room is in its workspace, and so is what is there at all.
  void look_inside() {
    rooms_.clear();
    for (std::uint16_t core = 0; core < node_.cores(); ++core) {
      const RoomIndex& index = node_.shard(CoreId{core}).rooms.index();
      for (auto place = index.find(Workspace(), "", RoomIndex::From::at); place.room() != nullptr;
           place.step())
        ++rooms_[std::string(place.room()->name().workspace().id())];
      node_.shard(CoreId{core}).sessions.for_each([this](Session& session) {
        for (const Subscription& each : session.subscriptions)
          if (!(ScopedName(each.audience->name).workspace() == workspace_of(session)))
            judge_.fault(judge_.worlds[0], "somebody listens across");
      });
    }
  }
  void read_metrics() {
    std::string text;
    ScriptedClient& backend = *backends_[0];
    const auto before =
        std::exchange(backend.on_message, [&text](std::string_view body) { text = body; });
    request(backend, "none", "GET", "/metrics", "");
    node_.settle();
    backend.on_message = before;
    const auto value = [&text](const std::string& series) -> std::uint64_t {
      const std::size_t at = text.find("\n" + series + " ");
      return at == text.npos ? ~std::uint64_t{0} : std::stoull(text.substr(at + series.size() + 2));
    };
    std::uint64_t published = 0;
    for (const World& world : judge_.worlds) {
      const auto of = [&](const std::string& name) {
        return value("ringroom_workspace_" + name + "{workspace=\"" + world.id + "\"}");
      };
      std::uint64_t open = 0;
      for (Member& member : members_)
        open += &member.world() == &world && member.connection().is_open();
      for (const auto& [client, its] : listeners_) open += its == &world && client->is_open();
      if (of("connections") != open) judge_.fault(world, "its connections are not its own");
      if (of("rooms") != rooms_[world.id]) judge_.fault(world, "its rooms are not its own");
      if (of("publish_total") < world.messages.size())
        judge_.fault(world, "its publications are counted elsewhere");
      published += of("publish_total");
    }
    if (published != value("ringroom_publish_total"))
      judge_.fault(judge_.worlds[0], "publications are counted twice, or by nobody");
  }

  Judge judge_;
  ScriptedNode node_;
  std::mt19937_64 random_;
  const bool planted_;
  std::deque<Member> members_;
  std::vector<CoreId> cores_;
  std::vector<std::pair<ScriptedClient*, World*>> listeners_;
  std::vector<ScriptedClient*> backends_;
  std::map<std::string, std::uint64_t> rooms_;
  std::uint64_t number_ = 0;
};

std::uint64_t from_environment(const char* name, std::uint64_t usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

std::string all_of(const Judge& judge) {
  std::string out;
  for (const std::string& fault : judge.faults) out += "  " + fault + "\n";
  return out;
}

TEST(Workspaces, ShareNothingWhateverTheirMembersDo) {
  const std::uint64_t seed = from_environment("WORKSPACES_SEED", 1);
  Play play({"default", "acme", "ac"}, Users::have_rooms, seed);
  play.run(from_environment("WORKSPACES_COMMANDS", 20'000));
  std::printf("seed %llu: %llu messages and answers heard\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(play.judge().heard));
  EXPECT_TRUE(play.judge().faults.empty()) << all_of(play.judge());
}

TEST(Workspaces, ShareNothingWhateverTheyAreCalled) {
  Play play({"default", "*", "caf\xc3\xa9"}, Users::have_none, 2);
  play.run(from_environment("WORKSPACES_COMMANDS", 20'000) / 10);
  EXPECT_TRUE(play.judge().faults.empty()) << all_of(play.judge());
}

// The judge would see it.
TEST(Workspaces, AreFoundOutIfOneMemberIsInAnother) {
  Play play({"default", "acme", "ac"}, Users::have_rooms, 3, true);
  play.run(2'000);
  EXPECT_NE(all_of(play.judge()).find("hears what was written in"), std::string::npos);
}

}  // namespace
}  // namespace ringroom::realtime
