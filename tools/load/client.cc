#include "tools/load/client.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "tools/load/bounds.h"
#include "tools/load/upgrade.h"

namespace ringroom::load {
namespace {

constexpr unsigned too_slow = 4508;  // close code: come back and recover; docs/protocol.md
constexpr std::uint64_t wake_token = ~std::uint64_t{0};
constexpr std::uint64_t ms_ns = 1'000'000;
constexpr std::uint64_t s_ns = 1'000'000'000;

constexpr std::uint64_t token_of(std::uint32_t seat, std::uint32_t generation) {
  return std::uint64_t{generation} << 32 | seat;
}

Seating share_of(const Scenario& scenario, const ClientOptions& options) {
  Seating seating = scenario.seating();
  seating.rooms = options.rooms;
  return seating;
}

std::vector<std::uint32_t> slow_seats(const Seating& share, std::uint32_t first_room) {
  std::vector<std::uint32_t> seats;
  for (std::uint32_t room = 0; room < share.rooms; ++room) {
    const std::uint32_t behind = (room + 1) * share.seats();
    for (std::uint32_t left = share.slow_listeners(first_room + room); left > 0; --left) {
      seats.push_back(behind - left);
    }
  }
  return seats;
}

void settle_on(int cpu, bool goes_first) {
  // Sleeps until the next send end on time, not within the usual 50 us of it.
  prctl(PR_SET_TIMERSLACK, 1);
  // A client that never sleeps keeps its CPU from all that are not ahead of it: the coordinator,
  // who takes the readings of the window, and the canary. Without the right to be ahead the canary
  // takes its turn like the others, and measures that too.
  sched_param given{};
  sched_getparam(0, &given);  // 0 for ordinary threads
  const int ahead = std::max(given.sched_priority, 1);
  const int priority = goes_first ? ahead : given.sched_priority - 1;
  const sched_param own{.sched_priority = priority};
  if (priority > 0) sched_setscheduler(0, SCHED_FIFO, &own);
  if (cpu < 0) return;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<std::size_t>(cpu), &cpus);
  sched_setaffinity(0, sizeof cpus, &cpus);
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Client::Client(const Scenario& scenario, const ClientOptions& options, const Orders& orders)
    : scenario_(scenario),
      options_(options),
      orders_(orders),
      share_(share_of(scenario, options)),
      dialect_(scenario, options.run, options.first_room),
      traffic_(scenario, share_, options.first_room, findings_),
      slow_(slow_seats(share_, options.first_room)),
      pauses_(static_cast<std::uint32_t>(slow_.size()), scenario.slow_pause_ms * ms_ns,
              scenario.slow_read_ms * ms_ns),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_up_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      buffer_(receive_buffer_bytes),
      connections_(share_.connections()),
      waiting_(share_.rooms, share_.listeners()) {
  RR_CHECK(epoll_ >= 0);
  RR_CHECK(wake_up_ >= 0);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = wake_token}};
  RR_CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_up_, &event) == 0);
  if (storm()) {
    for (std::uint32_t seat = 0; seat < share_.connections(); ++seat) idle_.push_back(seat);
  }
}

Client::~Client() {
  close(epoll_);
  close(wake_up_);
}

void Client::wake() {
  const std::uint64_t one = 1;
  RR_CHECK(write(wake_up_, &one, sizeof one) == sizeof one);
}

void Client::run() {
  settle_on(options_.cpu, options_.goes_first);
  for (;;) {
    now_ns_ = monotonic_ns();
    step();
    findings_.show(progress_);
    progress_.outstanding.set(traffic_.outstanding());
    progress_.overtaken.set(traffic_.overtaken());
    if (orders_.stop.load(std::memory_order_relaxed) || finished()) break;
    wait();
  }
  for (Connection& connection : connections_) connection.link.close();
  traffic_.close_books();
  if (dialect_.acknowledges()) findings_.unacknowledged = findings_.sent - acknowledged_;
  if (storm()) findings_.unfinished = connections_.size() - idle_.size();
  progress_.finished.set(1);
}

void Client::step() {
  if (!sending_) {
    if (!storm()) open_more();
    probe_rooms();
    if (orders_.begin.load(std::memory_order_acquire)) begin();
    return;
  }
  if (!ended_early_ && orders_.end_early.load(std::memory_order_relaxed)) end_early();
  if (storm()) return open_storm();
  turn_slow();
  send_due();
}

void Client::begin() {
  sending_ = true;
  traffic_.start(orders_.times);
  pauses_.start(orders_.times.start_ns, orders_.times.until_ns);
  if (storm()) return open_storm();
  for (std::uint32_t room = 0; room < share_.rooms; ++room) refill(room);
}

void Client::end_early() {
  ended_early_ = true;
  traffic_.end_early(now_ns_);
  pauses_.end_early(now_ns_);
}

void Client::open_more() {
  while (opening_ < scenario_.in_flight && opened_ < connections_.size()) {
    open(static_cast<std::uint32_t>(opened_), now_ns_);
  }
}

// A storm's connections take the seat of one that has left.
void Client::open_storm() {
  while (!idle_.empty() && traffic_.sending(now_ns_)) {
    if (traffic_.open_loop() && traffic_.due_ns() > now_ns_) return;
    const std::uint32_t seat = idle_.back();
    idle_.pop_back();
    open(seat, traffic_.begin_handshake(now_ns_));
  }
}

bool Client::can_probe() const {
  return dialect_.must_probe() && opened_ == connections_.size() && opening_ == 0;
}

// A raw subscription is not answered, and on a server of several cores it may be on its way between
// them when the upgrade is. So each room is asked until all its listeners have heard something.
void Client::probe_rooms() {
  if (!can_probe() || now_ns_ < probe_ns_) return;
  probe_ns_ = now_ns_ + probe_interval_ms * ms_ns;
  for (std::uint32_t room = 0; room < share_.rooms; ++room) {
    if (waiting_[room] == 0) continue;
    const Stamp probe{.publisher = probe_publisher, .sequence = 0, .intended_ns = now_ns_};
    dialect_.append_post(out_, {.room = room, .place = 0, .stamp = probe});
    send(seat_of(room, 0));
  }
}

void Client::send_due() {
  if (!traffic_.open_loop()) return;
  for (std::uint32_t i = 0; i < sends_per_turn_max && traffic_.due_ns() <= now_ns_; ++i) {
    const Post post = traffic_.post_due(now_ns_);
    dialect_.append_post(out_, post);
    send(seat_of(post.room, post.place));
  }
}

void Client::turn_slow() {
  while (pauses_.due_ns() <= now_ns_) {
    const Pauses::Turn turn = pauses_.take();
    const std::uint32_t seat = slow_[turn.listener];
    Connection& connection = connections_[seat];
    if (!turn.reads) ++findings_.slow_pauses;
    connection.paused = !turn.reads;
    // What came meanwhile was not told again: everything that is there, and its end.
    if (turn.reads && connection.link.is_open()) receive(seat, true);
  }
}

void Client::refill(std::uint32_t room) {
  if (!sending_ || !traffic_.sending(now_ns_) || storm()) return;
  std::uint32_t seat = 0;
  for (std::uint32_t wanted = traffic_.wanted(room); wanted > 0; --wanted) {
    const Post post = traffic_.post(room, now_ns_);
    // One sender's messages leave in one call.
    if (!out_.empty() && seat != seat_of(room, post.place)) send(seat);
    seat = seat_of(room, post.place);
    dialect_.append_post(out_, post);
    if (!traffic_.sending(now_ns_)) break;
  }
  if (!out_.empty()) send(seat);
}

bool Client::finished() {
  if (!sending_ || traffic_.sending(now_ns_)) return false;
  const std::uint64_t heard = findings_.delivered + findings_.handshakes + acknowledged_;
  if (quiet_from_ns_ == 0 || heard != heard_) quiet_from_ns_ = now_ns_;
  heard_ = heard;
  const bool acknowledged = !dialect_.acknowledges() || acknowledged_ >= findings_.sent;
  const bool left = !storm() || idle_.size() == connections_.size();
  return (traffic_.settled() && acknowledged && left) ||
         now_ns_ >= quiet_from_ns_ + scenario_.drain_s * s_ns;
}

std::uint64_t Client::next_wake_ns() const {
  std::uint64_t wake_ns = now_ns_ + sleep_ms_max * ms_ns;
  const bool can_send = sending_ && traffic_.sending(now_ns_) && (!storm() || !idle_.empty());
  if (can_send) wake_ns = std::min({wake_ns, traffic_.due_ns(), orders_.times.until_ns});
  if (sending_) wake_ns = std::min(wake_ns, pauses_.due_ns());
  if (!sending_ && can_probe()) wake_ns = std::min(wake_ns, probe_ns_);
  return wake_ns;
}

void Client::wait() {
  epoll_event events[events_per_turn_max];
  const std::uint64_t wake_ns = next_wake_ns();
  const std::uint64_t sleep_ns = wake_ns > now_ns_ ? wake_ns - now_ns_ : 0;
  const bool spin = sleep_ns <= scenario_.spin_us * 1000;
  const timespec timeout{.tv_sec = 0, .tv_nsec = spin ? 0 : static_cast<long>(sleep_ns)};
  const int count = epoll_pwait2(epoll_, events, events_per_turn_max, &timeout, nullptr);
  for (int i = 0; i < count; ++i) handle(events[i]);
}

void Client::open(std::uint32_t seat, std::uint64_t intended_ns) {
  Connection& connection = connections_[seat];
  const std::uint64_t global = std::uint64_t{options_.first_room} * share_.seats() + opened_;
  const bool loopback = ntohl(options_.server.sin_addr.s_addr) >> 24 == 127;
  const bool many = scenario_.seating().connections() > connections_per_source_max;
  std::uint64_t source = 0;
  if (storm()) source = 1 + opened_ % storm_sources;
  if (!storm() && many) source = 1 + global / connections_per_source_max;
  const bool spread = loopback && source != 0;
  ++opened_;
  ++opening_;
  ++connection.generation;
  connection.stage = Stage::connecting;
  connection.intended_ns = intended_ns;
  connection.fragments = {};
  const auto outcome = connection.link.open(
      options_.server, spread ? htonl(INADDR_LOOPBACK - 1 + static_cast<std::uint32_t>(source)) : 0,
      !storm() && traffic_.slow(room_of(seat), place_of(seat)) ? slow_receive_bytes : 0);
  if (!outcome) return lose(seat, reason_of(outcome.error()));
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                    .data = {.u64 = token_of(seat, connection.generation)}};
  RR_CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.link.fd(), &event) == 0);
}

void Client::handle(const epoll_event& event) {
  if (event.data.u64 == wake_token) {
    std::uint64_t wakes = 0;
    RR_CHECK(read(wake_up_, &wakes, sizeof wakes) == sizeof wakes);
    return;
  }
  const auto seat = static_cast<std::uint32_t>(event.data.u64);
  Connection& connection = connections_[seat];
  if (event.data.u64 != token_of(seat, connection.generation) || !connection.link.is_open()) return;

  constexpr std::uint32_t ended = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if (connection.stage == Stage::connecting) {
    if ((event.events & (EPOLLOUT | ended)) != 0) connected(seat);
  } else if ((event.events & EPOLLOUT) != 0) {
    const auto outcome = connection.link.send_rest();
    if (!outcome) return lose(seat, reason_of(outcome.error()));
  }
  if (connection.paused) return;
  if ((event.events & (EPOLLIN | ended)) != 0 && connection.link.is_open()) {
    receive(seat, (event.events & ended) != 0);
  }
}

void Client::connected(std::uint32_t seat) {
  const auto outcome = connections_[seat].link.finish_connect();
  if (!outcome) return lose(seat, reason_of(outcome.error()));
  if (!dialect_.upgrades()) return advance(seat);
  connections_[seat].stage = Stage::upgrading;
  const std::string request = dialect_.upgrade(room_of(seat), place_of(seat));
  const auto bytes = std::as_bytes(std::span(request.data(), request.size()));
  out_.assign(bytes.begin(), bytes.end());
  send(seat);
}

void Client::advance(std::uint32_t seat) {
  Connection& connection = connections_[seat];
  switch (connection.stage) {
    case Stage::upgrading:
      if (dialect_.greets()) {
        connection.stage = Stage::greeting;
        return;
      }
      [[fallthrough]];
    case Stage::connecting:
    case Stage::greeting:
      if (dialect_.joins()) {
        connection.stage = Stage::joining;
        dialect_.append_join(out_, room_of(seat), place_of(seat));
        return send(seat);
      }
      break;
    case Stage::joining:
      break;
    default:
      return;  // greeted or joined twice: noise
  }
  const bool unheard = dialect_.must_probe() && share_.hears(place_of(seat));
  if (unheard && connection.stage != Stage::joining) {
    connection.stage = Stage::joining;  // through, as far as opening more goes
    --opening_;
    return;
  }
  if (!unheard) --opening_;
  ready(seat);
}

void Client::ready(std::uint32_t seat) {
  Connection& connection = connections_[seat];
  connection.stage = Stage::ready;
  ++findings_.ready;
  if (!storm()) return;
  if (dialect_.greets()) return handshake_done(seat);  // the greeting is the first message
  const Post post = traffic_.post(room_of(seat), connection.intended_ns);
  dialect_.append_post(out_, post);
  send(seat);
}

void Client::receive(std::uint32_t seat, bool ended) {
  Link& link = connections_[seat].link;
  for (bool more = true; more && link.is_open();) {
    const auto received = link.receive(buffer_);
    if (!received) return lose(seat, reason_of(received.error()));
    now_ns_ = monotonic_ns();
    consume(seat, received->bytes);
    if (received->end && link.is_open()) return lose(seat, "the server closed the connection");
    more = received->more || (ended && !received->bytes.empty());
  }
}

void Client::consume(std::uint32_t seat, std::span<const std::byte> bytes) {
  const std::uint32_t generation = connections_[seat].generation;
  while (!bytes.empty()) {
    const std::size_t taken = take_one(seat, bytes);
    const Connection& connection = connections_[seat];
    if (!connection.link.is_open() || connection.generation != generation) return;
    if (taken == 0) break;
    bytes = bytes.subspan(taken);
  }
  if (!bytes.empty()) connections_[seat].link.keep(bytes);
  refill(room_of(seat));
}

std::size_t Client::take_one(std::uint32_t seat, std::span<const std::byte> bytes) {
  Connection& connection = connections_[seat];
  if (connection.stage == Stage::upgrading) return take_upgrade(seat, bytes);
  const bool bare_answer = connection.stage == Stage::joining && !dialect_.upgrades();
  const Heard heard =
      bare_answer ? dialect_.read_join_answer(bytes) : dialect_.read(bytes, connection.fragments);
  hear(seat, heard);
  return heard.consumed;
}

std::size_t Client::take_upgrade(std::uint32_t seat, std::span<const std::byte> bytes) {
  const auto head = read_upgrade_response(text_of(bytes), dialect_.offer());
  if (head) {
    advance(seat);
    return *head;
  }
  if (head.error() != UpgradeError::need_more_bytes) {
    if (head.error() == UpgradeError::declined) {
      lose(seat, "the server does not take permessage-deflate without context takeover");
      return 0;
    }
    const std::string_view answer = text_of(bytes);
    lose(seat, "upgrade answered by: " + std::string(answer.substr(0, answer.find('\r'))));
  }
  return 0;
}

void Client::hear(std::uint32_t seat, const Heard& heard) {
  switch (heard.kind) {
    case Heard::Kind::incomplete:
      return;
    case Heard::Kind::delivery:
      return hear_delivery(seat, heard);
    case Heard::Kind::corrupt:
      ++findings_.corrupt;
      return findings_.complain("a message arrived with wrong bytes");
    case Heard::Kind::greeted:
    case Heard::Kind::joined:
      return advance(seat);
    case Heard::Kind::acknowledged:
      ++acknowledged_;
      return;
    case Heard::Kind::refused:
      ++findings_.refused;
      return findings_.complain("refused: " + std::string(text_of(heard.bytes)));
    case Heard::Kind::other:
      ++findings_.other_messages;
      return;
    case Heard::Kind::ping:
      dialect_.append_pong(out_, heard.bytes);
      return send(seat);
    case Heard::Kind::closed: {
      if (connections_[seat].stage == Stage::closing) return;  // the server ends the connection
      std::string reason = "closed by the server";
      const std::uint32_t room = room_of(seat);
      const std::uint32_t place = place_of(seat);
      if (heard.bytes.size() >= 2) {
        const unsigned code = std::to_integer<unsigned>(heard.bytes[0]) << 8 |
                              std::to_integer<unsigned>(heard.bytes[1]);
        if (code == too_slow && traffic_.slow(room, place) && !share_.sends(place)) {
          traffic_.excuse(room, place);
          return release(seat);
        }
        reason += ", " + std::to_string(code) + " " + std::string(text_of(heard.bytes.subspan(2)));
      }
      return lose(seat, reason);
    }
    case Heard::Kind::broken:
      ++findings_.corrupt;
      return lose(seat, text_of(heard.bytes));
  }
}

void Client::hear_delivery(std::uint32_t seat, const Heard& heard) {
  const std::uint32_t room = room_of(seat);
  if (heard.stamp.publisher == probe_publisher) {
    if (connections_[seat].stage != Stage::joining) return;
    --waiting_[room];
    return ready(seat);
  }
  if (heard.compressed) ++findings_.compressed;
  traffic_.take(room, place_of(seat), heard.stamp, heard.room_sequence, now_ns_);
  if (storm()) handshake_done(seat);
}

void Client::handshake_done(std::uint32_t seat) {
  Connection& connection = connections_[seat];
  ++findings_.handshakes;
  if (dialect_.greets() && traffic_.measured(connection.intended_ns)) {
    findings_.latency.record(now_ns_ - connection.intended_ns);
  }
  if (!dialect_.closes()) return release(seat);
  connection.stage = Stage::closing;
  dialect_.append_close(out_);
  send(seat);
}

void Client::send(std::uint32_t seat) {
  Connection& connection = connections_[seat];
  if (connection.link.is_open()) {
    const auto outcome = connection.link.send(out_);
    if (!outcome) lose(seat, reason_of(outcome.error()));
  }
  out_.clear();
}

void Client::lose(std::uint32_t seat, std::string_view reason) {
  const Stage stage = connections_[seat].stage;
  if (stage == Stage::closing) return release(seat);
  if (stage < Stage::ready && !storm()) progress_.failed.add();
  if (stage < Stage::ready && storm()) --opening_;
  ++findings_.disconnected;
  findings_.complain(std::string(reason));
  release(seat);
}

void Client::release(std::uint32_t seat) {
  Connection& connection = connections_[seat];
  connection.link.close();
  connection.stage = storm() ? Stage::idle : Stage::gone;
  if (storm()) idle_.push_back(seat);
}

}  // namespace ringroom::load
