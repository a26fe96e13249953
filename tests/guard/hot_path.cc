#include "tests/guard/hot_path.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/core.h"
#include "engine/post_office.h"
#include "realtime/node.h"
#include "realtime/shard.h"
#include "tests/support/scripted_ring.h"
#include "tools/load/frame.h"
#include "tools/load/upgrade.h"

namespace ringroom::guard {
namespace {

// Every queue, table and pool has reached its size by then: a room's history and the ids it knows
// again too.
constexpr std::uint32_t warm_up_turns = 128;
constexpr std::uint64_t remembered = 100;
static_assert(remembered < warm_up_turns);
constexpr std::uint32_t quiet_turns_min = 8;
constexpr std::uint32_t buffers = 8192;

constexpr Work all_works[] = {
    {"echo", "/echo", 0, 100, false, 1, 20},
    {"echo-d16", "/echo", 0, 100, false, 16, 20},
    {"raw-fanout", "/raw/room?mode=", 1, 1000, false, 1, 128},
    {"raw-fanout-burst", "/raw/room?mode=", 1, 1000, false, 16, 128},
    {"json-fanout", "/ws?user=u#", 1, 1000, true, 1, 128},
    {"json-fanout-burst", "/ws?user=u#", 1, 1000, true, 16, 128},
    {"json-rooms", "/ws?user=u#", 100, 10, true, 1, 128},
    {"json-rooms-limited", "/ws?user=u#", 100, 10, true, 1, 128, true},
};

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes client_frame(load::Opcode opcode, std::string_view payload) {
  const std::size_t header = load::client_header_bytes(payload.size());
  Bytes frame(header + payload.size());
  load::write_client_header(frame.data(), opcode, payload.size());
  std::memcpy(frame.data() + header, payload.data(), payload.size());
  load::mask(std::span(frame).subspan(header));
  return frame;
}

int bound_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  RR_CHECK(fd >= 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  RR_CHECK(bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  return fd;
}

class Clients : public support::Script {
 public:
  Clients(const Work& work, std::uint64_t deliveries, const realtime::Node& node,
          engine::PostOffice& office, Observer& observer)
      : work_(work), wanted_(deliveries), node_(node), office_(office), observer_(observer) {
    const std::uint32_t rooms = std::max(1u, work.rooms);
    const bool has_publisher = work.rooms > 0 && !work.is_native;
    seats_ = work.listeners + (has_publisher ? 1 : 0);
    const std::uint32_t connections = rooms * seats_;
    files_.reserve(connections);
    for (std::uint32_t seat = 0; seat < connections; ++seat) {
      const bool sends = work.rooms == 0 || seat % seats_ == 0;
      upgrades_.push_back(bytes_of(upgrade(seat, sends)));
      if (sends) senders_.push_back(seat);
      joins_.push_back(client_frame(
          load::Opcode::text,
          R"({"type":"join_room","message_id":"j","room":")" + room_name(seat) + "\"}"));
    }
    for (const std::uint32_t seat : senders_) said_.push_back(burst(seat));
  }

  std::uint32_t connections() const { return static_cast<std::uint32_t>(upgrades_.size()); }
  const Passed& passed() const { return passed_; }

  void before_turn(support::ScriptedRing& ring) override {
    switch (stage_) {
      case Stage::connect:
        while (files_.size() < connections() && ring.can_connect()) {
          files_.push_back(ring.connect());
        }
        if (files_.size() < connections()) return;  // the core takes them one by one
        stage_ = Stage::arrive;
        return;
      case Stage::arrive:  // the core takes them up
        stage_ = Stage::upgrade;
        return;
      case Stage::upgrade:
        say_all(ring, upgrades_);
        stage_ = work_.is_native ? Stage::join : Stage::settle;
        return;
      case Stage::join:
        say_all(ring, joins_);
        stage_ = Stage::settle;
        return;
      case Stage::settle:
        return settle();
      case Stage::speak:
        return speak(ring);
      case Stage::stop:
        return;
    }
  }

  void heard(engine::File, std::span<const std::byte>) override { ++sends_; }

 private:
  enum class Stage : std::uint8_t { connect, arrive, upgrade, join, settle, speak, stop };

  std::string room_name(std::uint32_t seat) const {
    return "room-" + std::to_string(seat / seats_);
  }

  std::string upgrade(std::uint32_t seat, bool sends) const {
    std::string path(work_.path);
    if (const std::size_t at = path.find('#'); at != std::string::npos) {
      path.replace(at, 1, std::to_string(seat));
    }
    if (path.back() == '=') path += sends ? "publish" : "subscribe";
    return load::upgrade_request("localhost", path, work_.is_native ? "ringroom.v1.json" : "");
  }

  Bytes burst(std::uint32_t seat) const {
    std::string message(work_.payload_bytes, 'x');
    if (work_.is_native) {
      message = R"({"type":"room_message","message_id":"00000000","room":")" + room_name(seat) +
                R"(","payload":{"text":")" + message + R"("}})";
    }
    const Bytes frame =
        client_frame(work_.is_native ? load::Opcode::text : load::Opcode::binary, message);
    Bytes frames;
    for (std::uint32_t i = 0; i < work_.burst; ++i) {
      frames.insert(frames.end(), frame.begin(), frame.end());
    }
    if (work_.is_native) {
      for (std::uint32_t i = 0; i < work_.burst; ++i)
        number(std::span(frames).subspan(i * frame.size(), frame.size()), i);
    }
    return frames;
  }

  // A room knows a message id again, so each message has its own: digits are changed under the
  // mask.
  static constexpr std::size_t id_digits = 8, id_offset = 37;
  static void number(std::span<std::byte> frame, std::uint32_t add) {
    const std::size_t payload = frame.size() < 126 + 6 ? 6 : 8;
    for (std::size_t digit = id_digits; digit-- > 0 && add > 0;) {
      std::byte& at = frame[payload + id_offset + digit];
      const std::byte mask = frame[payload - 4 + (id_offset + digit) % 4];
      const std::uint32_t sum = std::to_integer<std::uint32_t>(at ^ mask) - '0' + add % 10;
      add = add / 10 + sum / 10;
      at = std::byte('0' + sum % 10) ^ mask;
    }
  }

  void say_all(support::ScriptedRing& ring, const std::vector<Bytes>& bytes) {
    for (std::size_t seat = 0; seat < files_.size(); ++seat) ring.say(files_[seat], bytes[seat]);
  }

  std::uint64_t delivered() const {
    const realtime::ShardCounters& counters = *node_.counters[0];
    return (work_.rooms == 0 ? counters.messages_sent_total : counters.deliveries_total).read();
  }

  // What the joins set off, such as who came, is heard by everybody first.
  void settle() {
    quiet_turns_ = std::exchange(settled_, delivered()) == delivered() ? quiet_turns_ + 1 : 0;
    if (quiet_turns_ < quiet_turns_min) return;
    stage_ = Stage::speak;
  }

  void speak(support::ScriptedRing& ring) {
    const std::uint64_t each = work_.rooms == 0 ? 1 : work_.listeners;
    // A large room is served over several turns; the next messages come when all have heard these.
    if (delivered() < settled_ + messages_ * each) return;
    if (turns_ == warm_up_turns) {
      messages_before_ = messages_;
      delivered_before_ = delivered();
      sends_before_ = sends_;
      observer_.begin();
    }
    if (turns_ >= warm_up_turns && delivered() - delivered_before_ >= wanted_) {
      observer_.end();
      passed_ = {.messages = messages_ - messages_before_,
                 .deliveries = delivered() - delivered_before_,
                 .sends = sends_ - sends_before_};
      RR_CHECK(passed_.deliveries == passed_.messages * each);
      stage_ = Stage::stop;
      return office_.stop();
    }
    ++turns_;
    for (std::size_t i = 0; i < senders_.size(); ++i) {
      ring.say(files_[senders_[i]], said_[i]);
      if (!work_.is_native) continue;
      const std::size_t frame_bytes = said_[i].size() / work_.burst;
      for (std::uint32_t n = 0; n < work_.burst; ++n)
        number(std::span(said_[i]).subspan(n * frame_bytes, frame_bytes), work_.burst);
    }
    messages_ += senders_.size() * work_.burst;
  }

  const Work& work_;
  const std::uint64_t wanted_;
  const realtime::Node& node_;
  engine::PostOffice& office_;
  Observer& observer_;
  std::uint32_t seats_ = 0;  // of a room
  std::vector<Bytes> upgrades_;
  std::vector<Bytes> joins_;
  std::vector<std::uint32_t> senders_;
  std::vector<Bytes> said_;  // by sender, in one turn
  std::vector<engine::File> files_;

  Stage stage_ = Stage::connect;
  std::uint64_t settled_ = 0;  // delivered before anybody spoke
  std::uint32_t quiet_turns_ = 0;
  std::uint32_t turns_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t sends_ = 0;
  std::uint64_t messages_before_ = 0;
  std::uint64_t delivered_before_ = 0;
  std::uint64_t sends_before_ = 0;
  Passed passed_{};
};

}  // namespace

std::span<const Work> works() { return all_works; }

const Work* find_work(std::string_view name) {
  const auto* work = std::ranges::find(all_works, name, &Work::name);
  return work == std::end(all_works) ? nullptr : work;
}

Passed pass(const Work& work, std::uint64_t deliveries, Observer& observer) {
  realtime::Config config;
  config.insecure_dev = true;
  config.echo = true;
  config.drain_ms = 0;  // nobody has to be spared
  if (work.is_limited)
    for (const std::string_view rule : {"publish/user=1000000/1s", "publish/connection=1000000/1s"})
      config.limits.push_back(*realtime::LimitRule::parse(rule));
  // Who came into a large room is told when nobody measures any more.
  config.namespaces.push_back({.name = {},
                               .history_count = remembered,
                               .dedup_count = remembered,
                               .presence = true,
                               .presence_interval_ms = 3'600'000});
  realtime::Node node(config, 1);
  engine::PostOffice office(1);
  engine::EngineCounters counters;
  Clients clients(work, deliveries, node, office, observer);
  const std::uint32_t files = clients.connections() + 16;  // never so full that accepting pauses
  auto ring = std::make_unique<support::ScriptedRing>(
      support::ScriptedRing::Size{.files = files, .buffers = buffers}, clients);
  engine::CoreOptions options{.id = CoreId{0},
                              .ring = {},
                              .listeners = {bound_socket()},
                              .queue_bytes_max = config.queue_bytes_max,
                              .waiting = engine::Waiting::low_power,  // no clock decides anything
                              .rest_after_ms = 0};
  options.ring.files = files;
  engine::Core core(options, std::move(ring), office, counters);
  core.run([&node](CoreId id, engine::Outbox& outbox) {
    return std::make_unique<realtime::Shard>(node, id, outbox);
  });
  return clients.passed();
}

}  // namespace ringroom::guard
