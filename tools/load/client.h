#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/load/dialect.h"
#include "tools/load/findings.h"
#include "tools/load/link.h"
#include "tools/load/pauses.h"
#include "tools/load/scenario.h"
#include "tools/load/traffic.h"

namespace ringroom::load {

// What the coordinator tells all client threads. Times are written before `begin`.
struct Orders {
  Times times{};
  std::atomic<bool> begin{false};
  std::atomic<bool> end_early{false};  // as if the time were over: drain, and finish
  std::atomic<bool> stop{false};
};

struct ClientOptions {
  sockaddr_in server{};
  std::string run;           // names what this run creates
  std::uint32_t first_room;  // this thread's share of all rooms
  std::uint32_t rooms;
  int cpu = -1;
  bool goes_first = false;  // when other client threads want the same CPU, as far as we may
};

// One client thread: an epoll loop, the connections of its rooms, and the traffic on them.
//
//   connection   idle -> connecting -> upgrading -> greeting -> joining -> ready -> closing -> idle
//                                      `------ each only if the dialect has it ------'  (storm)
//   thread       opening -> (orders.begin) -> sending -> (until, or enough) -> draining -> finished
//
// Owner:   the coordinator constructs it, run() is the body of one thread, findings() are read
// after
//          that thread has been joined. progress(), add_latency_to() and wake() are safe at any
//          time.
// Errors:  are findings; a load that cannot be brought up says so in progress().failed.
class Client {
 public:
  Client(const Scenario& scenario, const ClientOptions& options, const Orders& orders);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  void run();
  void wake();
  const Progress& progress() const { return progress_; }
  void add_latency_to(Histogram& histogram) const { histogram.merge_live(findings_.latency); }
  const Findings& findings() const { return findings_; }

 private:
  enum class Stage : std::uint8_t {
    idle,
    connecting,
    upgrading,
    greeting,
    joining,
    ready,
    closing,
    gone
  };
  struct Connection {
    Link link;
    Stage stage = Stage::idle;
    bool paused = false;           // a slow listener that does not read
    std::uint32_t generation = 0;  // tells the events of this connection from its predecessor's
    Fragments fragments;
    std::uint64_t intended_ns = 0;  // of a storm's handshake
  };

  std::uint32_t room_of(std::uint32_t seat) const { return seat / share_.seats(); }
  std::uint32_t place_of(std::uint32_t seat) const { return seat % share_.seats(); }
  std::uint32_t seat_of(std::uint32_t room, std::uint32_t place) const {
    return room * share_.seats() + place;
  }
  bool storm() const { return scenario_.work == Work::storm; }

  void step();
  void begin();
  void end_early();
  void open_more();
  void open_storm();
  bool can_probe() const;
  void probe_rooms();
  void send_due();
  void turn_slow();
  void refill(std::uint32_t room);
  bool finished();
  void wait();
  std::uint64_t next_wake_ns() const;

  void open(std::uint32_t seat, std::uint64_t intended_ns);
  void handle(const epoll_event& event);
  void connected(std::uint32_t seat);
  void advance(std::uint32_t seat);  // to the next stage that the dialect has
  void ready(std::uint32_t seat);
  void receive(std::uint32_t seat, bool ended);
  void consume(std::uint32_t seat, std::span<const std::byte> bytes);
  std::size_t take_one(std::uint32_t seat, std::span<const std::byte> bytes);
  std::size_t take_upgrade(std::uint32_t seat, std::span<const std::byte> bytes);
  void hear(std::uint32_t seat, const Heard& heard);
  void hear_delivery(std::uint32_t seat, const Heard& heard);
  void handshake_done(std::uint32_t seat);
  void send(std::uint32_t seat);  // what out_ holds
  void lose(std::uint32_t seat, std::string_view reason);
  void release(std::uint32_t seat);

  Progress progress_;
  const Scenario& scenario_;
  const ClientOptions options_;
  const Orders& orders_;
  const Seating share_;
  Dialect dialect_;
  Findings findings_;
  Traffic traffic_;
  const std::vector<std::uint32_t> slow_;  // seats of the listeners that pause
  Pauses pauses_;

  int epoll_;
  int wake_up_;
  ReceiveBuffer buffer_;
  Outgoing out_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> idle_;     // seats of a storm that nobody has taken
  std::vector<std::uint32_t> waiting_;  // per room: listeners that have not heard a probe

  std::uint64_t now_ns_ = 0;
  std::uint64_t probe_ns_ = 0;
  std::uint64_t quiet_from_ns_ = 0;  // draining: when something outstanding last arrived
  std::uint64_t heard_ = 0;          // and how much had by then
  std::uint64_t opened_ = 0;         // how often, over all seats
  std::uint32_t opening_ = 0;        // of those: not yet through
  std::uint64_t acknowledged_ = 0;
  bool sending_ = false;
  bool ended_early_ = false;
};

}  // namespace ringroom::load
