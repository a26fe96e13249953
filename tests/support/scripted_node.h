#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.h"
#include "engine/core.h"
#include "engine/post_office.h"
#include "realtime/letters.h"
#include "realtime/node.h"
#include "realtime/shard.h"
#include "tests/support/scripted_ring.h"

namespace ringroom::support {

class ScriptedNode;

// A client of a ScriptedNode, in service: it speaks the native protocol and hears whole messages.
// Or one that was opened as a backend: it makes HTTP requests, and hears the body of each answer.
class ScriptedClient {
 public:
  ScriptedClient(ScriptedNode& node, CoreId core) : node_(node), core_(core) {}

  CoreId core() const { return core_; }
  bool is_open() const { return !close_code_ && !has_hung_up_; }
  std::optional<std::uint16_t> close_code() const { return close_code_; }

  void say(std::string_view json);  // nothing, if it was closed
  void ask(std::string_view http);  // of a backend: a whole request
  void hang_up();
  // Called with each text message, within a turn of the core.
  std::function<void(std::string_view json)> on_message = [](std::string_view) {};
  // How many bytes the kernel takes for it in one turn.
  std::size_t window = std::numeric_limits<std::size_t>::max();

 private:
  friend class ScriptedNode;
  void heard(std::span<const std::byte> bytes);
  void read_frames();
  void read_answers();

  ScriptedNode& node_;
  CoreId core_;
  std::optional<engine::File> file_;
  std::string unread_;
  bool is_upgraded_ = false;
  bool is_backend_ = false;
  bool has_hung_up_ = false;
  std::optional<std::uint16_t> close_code_;
};

// The whole server on several cores without a kernel and without threads: its shards on scripted
// rings, turned one at a time, each with as much of its mail as the test hands over. So every order
// in which cores run, letters arrive and clients speak can be chosen, and chosen again.
//
//   client.say()     waits at the client's core           read in the next turn of that core
//   turn(core)       what it writes to another core ..... waits there, letter by letter
//   turn(other, n)   the first n of the letters that wait for it are read
//
// That is more than threads can do: a letter may stay away for as long as the test likes.
//
// Time is the test's too: it stands still within a play, settle() takes a millisecond a round. No
// timer fires: what they would do is asked for by name (audit).
// Errors: a server that breaks a rule of the engine's, or that keeps a block or a letter at its
// end,
//         is stopped by a check.
class ScriptedNode {
 public:
  static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

  // Of each core. With 256 files more than there are connections, many are accepted at once.
  ScriptedNode(const realtime::Config& config, std::uint16_t cores,
               const ScriptedRing::Size& size = {.files = 300, .buffers = 64});
  ~ScriptedNode();
  ScriptedNode(const ScriptedNode&) = delete;
  ScriptedNode& operator=(const ScriptedNode&) = delete;

  std::uint16_t cores() const { return static_cast<std::uint16_t>(places_.size()); }
  realtime::Shard& shard(CoreId core) { return *places_[core.value]->shard; }
  // A room name that nobody has had here, of a room at home there.
  std::string room_at(CoreId home);

  // Turns the cores until the client is in service.
  // `user` may go on with further parameters of the query. `prepare` is called before it can hear
  // anything.
  ScriptedClient& connect(CoreId core, std::string_view user,
                          const std::function<void(ScriptedClient&)>& prepare = {});
  ScriptedClient& open_backend(CoreId core);
  void turn(CoreId core, std::size_t letters = all);
  void pass(std::uint64_t ms) { now_ms_ += ms; }
  // Turns all cores until nobody has anything to do.
  void settle();
  // What the core's clock would make it do now and then: all of its rooms are visited, so that
  // listening cores compare their positions.
  void audit(CoreId core);

  std::size_t letters_for(CoreId core) const { return places_[core.value]->letters.size(); }
  bool is_spoken_to(CoreId core) const { return !places_[core.value]->acts.empty(); }
  // Takes what is of this kind out of the letters that wait for the core, as if it had never been
  // written.
  template <class Item>
  std::size_t lose(CoreId core) {
    std::size_t lost = 0;
    for (engine::Letter*& letter : places_[core.value]->letters) {
      auto& written = static_cast<realtime::Letter&>(*letter);
      realtime::Letter& rest = *substitutes_.emplace_back(std::make_unique<realtime::Letter>());
      for (const realtime::LetterItem& item : written.items()) {
        if (const Item* found = std::get_if<Item>(&item)) {
          ++lost;
          let_go(*found);
        } else {
          std::visit([&rest](const auto& each) { rest.add(each); }, item);
        }
      }
      rest.from = written.from;
      written.hand_back();
      letter = &rest;
    }
    return lost;
  }

 private:
  friend class ScriptedClient;

  // What a client does at its core's next turn.
  struct Act {
    ScriptedClient* client;
    enum class Kind : std::uint8_t { connect, say, hang_up } kind;
    std::vector<std::byte> bytes;
  };
  struct Place : Script {
    void before_turn(ScriptedRing& ring) override;
    void heard(engine::File file, std::span<const std::byte> bytes) override;
    std::size_t window(engine::File file) override { return clients[file]->window; }

    std::deque<Act> acts;
    std::vector<ScriptedClient*> clients;  // by file
    std::deque<engine::Letter*> letters;   // that wait here
    std::size_t letters_due = 0;           // of the turn
    bool audits = false;                   // in the turn
    std::uint64_t bytes_heard = 0;
    engine::EngineCounters counters;
    std::unique_ptr<engine::Core> core;
    realtime::Shard* shard = nullptr;
  };
  class Gate;

  bool run(CoreId core);
  void act(ScriptedClient& client, Act::Kind kind, std::vector<std::byte> bytes = {});
  static void let_go(const realtime::Deliver& lost);
  static void let_go(const auto&) {}

  realtime::Node node_;
  engine::PostOffice office_;
  std::uint64_t now_ms_;
  std::vector<std::unique_ptr<Place>> places_;
  std::deque<ScriptedClient> clients_;
  std::vector<std::unique_ptr<realtime::Letter>> substitutes_;
  std::uint64_t rooms_named_ = 0;
};

}  // namespace ringroom::support
