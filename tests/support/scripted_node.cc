#include "tests/support/scripted_node.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/clock.h"
#include "realtime/bounds.h"
#include "tools/load/frame.h"
#include "tools/load/upgrade.h"

namespace ringroom::support {

namespace {

constexpr int quiet_rounds = 3;            // nothing came out of so many turns of every core
constexpr int turns_to_end_max = 100'000;  // a server that does not end is an error of its own

int bound_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  RR_CHECK(fd >= 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  RR_CHECK(bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  return fd;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> client_frame(std::string_view payload) {
  const std::size_t header = load::client_header_bytes(payload.size());
  std::vector<std::byte> frame(header + payload.size());
  load::write_client_header(frame.data(), load::Opcode::text, payload.size());
  std::memcpy(frame.data() + header, payload.data(), payload.size());
  load::mask(std::span(frame).subspan(header));
  return frame;
}

}  // namespace

// Between a core and its shard: lets through what the test allows.
class ScriptedNode::Gate : public engine::Handler {
 public:
  Gate(ScriptedNode& node, Place& place, CoreId core, engine::Outbox& outbox)
      : node_(node), place_(place), shard_(node.node_, core, outbox) {
    place.shard = &shard_;
  }
  ~Gate() override { place_.shard = nullptr; }

  void on_turn(const engine::Inbox& inbox, engine::Outbox& outbox) override {
    RR_CHECK(inbox.letters.empty());  // the node takes them out of the mailboxes
    const std::size_t count = std::min(place_.letters_due, place_.letters.size());
    letters_.assign(place_.letters.begin(),
                    place_.letters.begin() + static_cast<std::ptrdiff_t>(count));
    place_.letters.erase(place_.letters.begin(),
                         place_.letters.begin() + static_cast<std::ptrdiff_t>(count));
    fired_.clear();
    if (place_.audits) {
      // Each step of a sweep visits a share of the rooms.
      for (std::uint64_t step = 0; step < 2 * realtime::bounds::sweep_rounds; ++step)
        fired_.push_back({.timer = engine::no_timer, .cookie = realtime::bounds::sweep_cookie});
    }
    engine::Inbox seen = inbox;
    seen.letters = letters_;
    if (!inbox.stopping) {
      seen.now_ms = node_.now_ms_;
      seen.now_ns = node_.now_ms_ * 1'000'000u;
    } else {
      fired_.push_back({.timer = engine::no_timer, .cookie = realtime::bounds::leave_cookie});
      fired_.push_back({.timer = engine::no_timer, .cookie = realtime::bounds::drain_cookie});
    }
    seen.fired = fired_;
    shard_.on_turn(seen, outbox);
  }

 private:
  ScriptedNode& node_;
  Place& place_;
  realtime::Shard shard_;
  std::vector<engine::Letter*> letters_;
  std::vector<engine::Fired> fired_;
};

void ScriptedClient::say(std::string_view json) {
  if (is_open()) node_.act(*this, ScriptedNode::Act::Kind::say, client_frame(json));
}

void ScriptedClient::ask(std::string_view http) {
  RR_CHECK(is_backend_);
  if (is_open()) node_.act(*this, ScriptedNode::Act::Kind::say, bytes_of(http));
}

void ScriptedClient::hang_up() {
  if (!is_open()) return;
  has_hung_up_ = true;  // it hears nothing from here on
  node_.act(*this, ScriptedNode::Act::Kind::hang_up);
}

void ScriptedClient::heard(std::span<const std::byte> bytes) {
  if (!is_open()) return;
  unread_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (is_backend_) return read_answers();
  if (!is_upgraded_) {
    const auto head_bytes = load::read_upgrade_response(unread_);
    if (!head_bytes && head_bytes.error() == load::UpgradeError::need_more_bytes) return;
    RR_CHECK(head_bytes);
    unread_.erase(0, *head_bytes);
    is_upgraded_ = true;
  }
  read_frames();
}

void ScriptedClient::read_frames() {
  std::size_t begin = 0;
  while (is_open()) {
    const auto rest = std::as_bytes(std::span(unread_)).subspan(begin);
    const auto frame = load::read_server_frame(rest);
    if (!frame) {
      RR_CHECK(frame.error() == load::FrameError::need_more_bytes);
      break;
    }
    const std::size_t bytes = frame->header_bytes + frame->payload_bytes;
    if (rest.size() < bytes) break;
    const std::string_view payload(unread_.data() + begin + frame->header_bytes,
                                   frame->payload_bytes);
    begin += bytes;
    if (frame->opcode == load::Opcode::text) on_message(payload);
    if (frame->opcode == load::Opcode::close)
      close_code_ = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                               static_cast<unsigned char>(payload[1]));
  }
  unread_.erase(0, begin);
}

void ScriptedClient::read_answers() {
  constexpr std::string_view end_of_head = "\r\n\r\n", length = "Content-Length: ";
  for (;;) {
    const std::size_t head = unread_.find(end_of_head);
    if (head == std::string::npos) return;
    const std::size_t at = unread_.find(length);
    RR_CHECK(at < head);
    const std::size_t begin = head + end_of_head.size();
    const std::size_t bytes = std::stoul(unread_.substr(at + length.size()));
    if (unread_.size() < begin + bytes) return;
    const std::string body = unread_.substr(begin, bytes);
    unread_.erase(0, begin + bytes);
    on_message(body);
  }
}

void ScriptedNode::Place::before_turn(ScriptedRing& ring) {
  for (const Act& act : std::exchange(acts, {})) {
    ScriptedClient& client = *act.client;
    switch (act.kind) {
      case Act::Kind::connect:
        client.file_ = ring.connect();
        clients[*client.file_] = &client;
        break;
      case Act::Kind::say:
        if (ring.listens(*client.file_)) ring.say(*client.file_, act.bytes);
        break;
      case Act::Kind::hang_up:
        ring.hang_up(*client.file_);
        break;
    }
  }
}

void ScriptedNode::Place::heard(engine::File file, std::span<const std::byte> bytes) {
  bytes_heard += bytes.size();
  clients[file]->heard(bytes);
}

ScriptedNode::ScriptedNode(const realtime::Config& config, std::uint16_t cores,
                           const ScriptedRing::Size& size)
    : node_(config, cores), office_(cores), now_ms_(monotonic_ms()) {
  RR_CHECK(office_.valid());
  for (std::uint16_t id = 0; id < cores; ++id) {
    Place& place = *places_.emplace_back(std::make_unique<Place>());
    place.clients.resize(size.files);
    engine::CoreOptions options{.id = CoreId{id},
                                .ring = {},
                                .listeners = {bound_socket()},
                                .queue_bytes_max = config.queue_bytes_max,
                                .waiting = engine::Waiting::low_power,
                                .rest_after_ms = 0};
    options.ring.files = size.files;
    place.core = std::make_unique<engine::Core>(
        options, std::make_unique<ScriptedRing>(size, place), office_, place.counters);
    place.core->begin([this, &place](CoreId core, engine::Outbox& outbox) {
      return std::make_unique<Gate>(*this, place, core, outbox);
    });
  }
}

ScriptedNode::~ScriptedNode() {
  // What is said at the end is for nobody: who listened may be gone.
  for (ScriptedClient& client : clients_) client.on_message = [](std::string_view) {};
  office_.stop();
  bool is_running = true;
  for (int turns = 0; is_running; ++turns) {
    RR_CHECK(turns < turns_to_end_max);
    is_running = false;
    for (std::uint16_t core = 0; core < cores(); ++core) {
      if (places_[core]->shard == nullptr) continue;
      places_[core]->letters_due = all;
      is_running = run(CoreId{core}) || is_running;
    }
  }
}

std::string ScriptedNode::room_at(CoreId home) {
  for (;;) {
    std::string name = "room-" + std::to_string(rooms_named_++);
    if (node_.home_of(node_.room_id(realtime::ScopedName::kept(name))) == home) return name;
  }
}

ScriptedClient& ScriptedNode::connect(CoreId core, std::string_view user,
                                      const std::function<void(ScriptedClient&)>& prepare) {
  ScriptedClient& client = clients_.emplace_back(*this, core);
  if (prepare) prepare(client);
  act(client, Act::Kind::connect);
  for (int turns = 0; turns < 2; ++turns) turn(core);  // it is taken up, and its name known
  std::string path("/ws?user=");
  path += user;
  act(client, Act::Kind::say,
      bytes_of(load::upgrade_request("localhost", path, "ringroom.v1.json")));
  settle();
  RR_CHECK(client.is_upgraded_);
  return client;
}

ScriptedClient& ScriptedNode::open_backend(CoreId core) {
  ScriptedClient& client = clients_.emplace_back(*this, core);
  client.is_backend_ = true;
  act(client, Act::Kind::connect);
  for (int turns = 0; turns < 2; ++turns) turn(core);
  return client;
}

void ScriptedNode::act(ScriptedClient& client, Act::Kind kind, std::vector<std::byte> bytes) {
  places_[client.core().value]->acts.push_back(
      {.client = &client, .kind = kind, .bytes = std::move(bytes)});
}

void ScriptedNode::turn(CoreId core, std::size_t letters) {
  places_[core.value]->letters_due = letters;
  RR_CHECK(run(core));
}

bool ScriptedNode::run(CoreId core) {
  if (!places_[core.value]->core->turn()) return false;
  for (std::uint16_t to = 0; to < cores(); ++to) {
    if (to == core.value) continue;
    std::vector<engine::Letter*> written;
    office_.box(core, CoreId{to}).drain(written);
    places_[to]->letters.insert(places_[to]->letters.end(), written.begin(), written.end());
  }
  return true;
}

void ScriptedNode::settle() {
  const auto heard = [this] {
    std::uint64_t bytes = 0;
    for (const auto& place : places_) bytes += place->bytes_heard;
    return bytes;
  };
  for (int quiet = 0; quiet < quiet_rounds;) {
    const std::uint64_t before = heard();
    bool has_work = false;
    for (std::uint16_t core = 0; core < cores(); ++core) {
      has_work = has_work || letters_for(CoreId{core}) > 0 || is_spoken_to(CoreId{core});
      turn(CoreId{core});
    }
    pass(1);
    quiet = has_work || heard() != before ? 0 : quiet + 1;
  }
}

void ScriptedNode::audit(CoreId core) {
  places_[core.value]->audits = true;
  turn(core);
  places_[core.value]->audits = false;
}

void ScriptedNode::let_go(const realtime::Deliver& lost) {
  const auto* batches = reinterpret_cast<const realtime::FormBatch*>(lost.batches.data());
  for (std::size_t i = 0; i < lost.batches.size() / sizeof(realtime::FormBatch); ++i)
    batches[i].block->heap->give_back(*batches[i].block);
}

}  // namespace ringroom::support
