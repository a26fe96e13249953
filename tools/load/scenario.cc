#include "tools/load/scenario.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <variant>

#include "tools/load/bounds.h"

namespace ringroom::load {
namespace {

struct Number {
  std::uint64_t Scenario::*field;
  std::uint64_t min;
  std::uint64_t max;
};
struct Cpu {
  std::int64_t Scenario::*field;
};
struct Text {
  std::string Scenario::*field;
};
struct Switch {
  bool Scenario::*field;
};
struct PatternName {};
struct Variant {};
struct WorkName {};
struct ProtocolName {};
struct ProgressName {};
struct Must {};

struct Key {
  std::string_view name;
  std::variant<Number, Cpu, Text, Switch, WorkName, ProtocolName, PatternName, ProgressName, Must,
               Variant>
      value;
  std::string_view meaning;
};

constexpr std::pair<std::string_view, Work> works[] = {
    {"echo", Work::echo}, {"fanout", Work::fanout}, {"storm", Work::storm}, {"idle", Work::idle}};
constexpr std::pair<std::string_view, Protocol> protocols[] = {
    {"raw", Protocol::raw}, {"json", Protocol::json}, {"tcp", Protocol::tcp}};

constexpr std::pair<std::string_view, Pattern> patterns[] = {{"letters", Pattern::letters},
                                                             {"json", Pattern::json}};
constexpr std::pair<std::string_view, ProgressAs> progresses[] = {{"auto", ProgressAs::automatic},
                                                                  {"bar", ProgressAs::bar},
                                                                  {"lines", ProgressAs::lines},
                                                                  {"none", ProgressAs::none}};
constexpr std::pair<std::string_view, bool> switches[] = {{"off", false}, {"on", true}};

using S = Scenario;
constexpr std::uint64_t day_s = 86'400;

constexpr Key keys[] = {
    {"work", WorkName{},
     "echo: each connection hears itself; fanout: rooms; storm: connect, say one "
     "thing, leave; idle: join and stay"},
    {"protocol", ProtocolName{}, "raw: payload only; json: the native protocol; tcp: bench/floor"},
    {"connections", Number{&S::connections, 1, connections_max}, "of an echo or idle"},
    {"rooms", Number{&S::rooms, 0, connections_max},
     "each with the seats below; 0: an idle load joins none"},
    {"publishers", Number{&S::publishers, 0, connections_max}, "per room: only send"},
    {"members", Number{&S::members, 0, connections_max}, "per room: send and hear everyone"},
    {"subscribers", Number{&S::subscribers, 0, connections_max}, "per room: only hear"},
    {"payload-bytes", Number{&S::payload_bytes, 16, payload_bytes_max},
     "of a message; of its JSON payload with protocol json"},
    {"payload-pattern", PatternName{},
     "what fills a message: letters, or json: pieces of records (not with protocol json)"},
    {"deflate", Switch{&S::deflate},
     "on: offer permessage-deflate and insist on it; what the load sends is not compressed"},
    {"namespace", Text{&S::room_namespace}, "of the rooms: their names begin with it and a colon"},
    {"depth", Number{&S::depth, 1, 65'536}, "closed loop: messages of a room under way"},
    {"burst", Number{&S::burst, 0, 65'536},
     "closed loop: messages sent at once, the next ones when all are delivered; 0: use depth"},
    {"rate", Number{&S::rate, 0, rate_max},
     "open loop: messages (storm: connections) per second in total; 0: closed loop"},
    {"messages", Number{&S::messages, 0, 1ull << 40},
     "end after so many, without a warm-up; 0: by time"},
    {"duration-s", Number{&S::duration_s, 1, day_s}, "of the measurement"},
    {"warmup-ms", Number{&S::warmup_ms, 0, day_s * 1000}, "sent and verified, but not measured"},
    {"in-flight", Number{&S::in_flight, 1, 65'536}, "connections being opened at one time"},
    {"connect-s", Number{&S::connect_s, 1, day_s}, "deadline for all connections to be ready"},
    {"drain-s", Number{&S::drain_s, 1, day_s},
     "at the end: silence after which what is outstanding is lost"},
    {"slow-percent", Number{&S::slow_percent, 0, 50},
     "of the listeners: they pause in their reading, and nobody waits for them"},
    {"slow-pause-ms", Number{&S::slow_pause_ms, 1, 60'000},
     "how long a slow listener reads nothing"},
    {"slow-read-ms", Number{&S::slow_read_ms, 1, 60'000}, "how long it then reads"},
    {"canary-connections", Number{&S::canary_connections, 0, 10'000},
     "a second group, each echoing 20 bytes to itself; measured apart, as canary-p99-ms"},
    {"canary-rate", Number{&S::canary_rate, 0, 100'000},
     "open loop: messages of that group per second"},
    {"threads", Number{&S::threads, 1, threads_max}, "client threads; a room is heard by one"},
    {"pin", Cpu{&S::pin}, "CPU of the first thread, the next ones follow; -1: not pinned"},
    {"spin-us", Number{&S::spin_us, 0, 1'000'000}, "open loop: do not sleep this close to a send"},
    {"server-cores", Number{&S::server_cores, 1, 1024}, "cores that bench/run gives the server"},
    {"server-pid", Number{&S::server_pid, 1, 1u << 22}, "read CPU and memory of this process"},
    {"server", Text{&S::server}, "IPv4 address and port"},
    {"json", Text{&S::json}, "file for the full report"},
    {"html", Text{&S::html}, "file for a page about this run, with charts"},
    {"svg", Text{&S::svg}, "file for one picture: latency by percentile, rate over time"},
    {"progress", ProgressName{},
     "on standard error, meanwhile: bar, lines (one a second), none; auto: a bar on a terminal"},
    {"commit", Text{&S::commit}, "of the server, for the report"},
    {"variant", Variant{},
     "for bench/run: NAME [flags of the server] [-- flags of the load], run in turns"},
    {"must", Must{}, "what decides the exit code: `p99-ms < 5, lost = 0`"},
};

struct ValueError {
  std::size_t offset;
  std::string sentence;
};
using ValueOutcome = Outcome<ValueError>;

const Key* find_key(std::string_view name) {
  const auto key = std::ranges::find(keys, name, &Key::name);
  return key == std::end(keys) ? nullptr : key;
}

template <class Integer>
std::optional<Integer> read_number(std::string_view text) {
  Integer number{};
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <class Enum, std::size_t N>
Outcome<ValueError> read_name(Enum& into, const std::pair<std::string_view, Enum> (&names)[N],
                              std::string_view text) {
  std::string choices;
  for (const auto& [name, value] : names) {
    if (name == text) {
      into = value;
      return Done{};
    }
    choices.append(choices.empty() ? "" : ", ").append(name);
  }
  return fail(ValueError{0, "expected one of " + choices});
}

struct Setter {
  Scenario& scenario;
  std::string_view text;

  ValueOutcome operator()(const Number& number) const {
    const auto value = read_number<std::uint64_t>(text);
    if (!value || *value < number.min || *value > number.max) {
      return fail(ValueError{0, "expected a number from " + std::to_string(number.min) + " to " +
                                    std::to_string(number.max)});
    }
    scenario.*number.field = *value;
    return Done{};
  }
  ValueOutcome operator()(const Cpu& cpu) const {
    const auto value = read_number<std::int64_t>(text);
    if (!value || *value < -1 || *value > 1023) {
      return fail(ValueError{0, "expected a CPU from 0 to 1023, or -1"});
    }
    scenario.*cpu.field = *value;
    return Done{};
  }
  ValueOutcome operator()(const Text& target) const {
    if (text.empty()) return fail(ValueError{0, "expected a value"});
    scenario.*target.field = std::string(text);
    return Done{};
  }
  ValueOutcome operator()(const Switch& target) const {
    return read_name(scenario.*target.field, switches, text);
  }
  ValueOutcome operator()(const PatternName&) const {
    return read_name(scenario.pattern, patterns, text);
  }
  ValueOutcome operator()(const ProgressName&) const {
    return read_name(scenario.progress, progresses, text);
  }
  ValueOutcome operator()(const Variant&) const {
    if (text.empty() || text[0] == '-') return fail(ValueError{0, "expected a name"});
    return Done{};
  }
  ValueOutcome operator()(const WorkName&) const { return read_name(scenario.work, works, text); }
  ValueOutcome operator()(const ProtocolName&) const {
    return read_name(scenario.protocol, protocols, text);
  }
  ValueOutcome operator()(const Must&) const {
    auto claims = read_claims(text);
    if (!claims) return fail(ValueError{claims.error().offset, claims.error().sentence});
    scenario.claims.insert(scenario.claims.end(), claims->begin(), claims->end());
    return Done{};
  }
};

std::string at(std::string_view file, std::size_t line, std::size_t column) {
  return std::string(file) + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
}

Outcome<ScenarioError> wrong(std::string sentence) {
  return fail(ScenarioError{std::move(sentence)});
}

constexpr std::string_view blanks = " \t\r";

}  // namespace

std::string_view to_text(Work work) {
  return std::ranges::find(works, work, &std::pair<std::string_view, Work>::second)->first;
}

std::string_view to_text(Protocol protocol) {
  return std::ranges::find(protocols, protocol, &std::pair<std::string_view, Protocol>::second)
      ->first;
}

Seating Scenario::seating() const {
  const auto count = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  switch (work) {
    case Work::echo:
      return {.rooms = count(connections), .members = 1};
    case Work::storm:  // a seat per connection under way; it is taken again and again
      return {.rooms = count(in_flight), .members = 1};
    case Work::idle:
      if (rooms == 0) return {.rooms = count(connections), .subscribers = 1};
      return {.rooms = count(rooms), .subscribers = count(connections / rooms)};
    case Work::fanout:
      break;
  }
  return {.rooms = count(rooms),
          .publishers = count(publishers),
          .members = count(members),
          .subscribers = count(subscribers),
          .slow_percent = count(slow_percent)};
}

Scenario Scenario::canary() const {
  constexpr std::uint64_t small_bytes = 20;
  Scenario echo = *this;
  echo.work = Work::echo;
  echo.protocol = Protocol::raw;
  echo.connections = canary_connections;
  echo.rate = canary_rate;
  echo.payload_bytes = small_bytes;
  echo.rooms = echo.depth = echo.threads = 1;
  echo.publishers = echo.members = echo.subscribers = 0;
  echo.burst = echo.messages = echo.spin_us = echo.slow_percent = 0;
  echo.pattern = Pattern::letters;
  echo.claims.clear();
  return echo;
}

Outcome<ScenarioError> read_scenario(Scenario& scenario, std::string_view file,
                                     std::string_view text) {
  std::vector<std::string_view> seen;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t line_bytes = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, line_bytes);
    text.remove_prefix(std::min(line_bytes + 1, text.size()));

    const std::string_view content = whole.substr(0, whole.find('#'));
    const std::size_t name_at = content.find_first_not_of(blanks);
    if (name_at == std::string_view::npos) continue;
    const std::size_t name_end = std::min(content.find_first_of(blanks, name_at), content.size());
    const std::string_view name = content.substr(name_at, name_end - name_at);
    const std::size_t value_at =
        std::min(content.find_first_not_of(blanks, name_end), content.size());
    const std::size_t value_end = content.find_last_not_of(blanks) + 1;
    const std::string_view value =
        value_at < value_end ? content.substr(value_at, value_end - value_at) : "";

    const Key* key = find_key(name);
    if (key == nullptr) {
      return wrong(at(file, line, name_at + 1) + "unknown key \"" + std::string(name) + "\"");
    }
    if (name != "must" && name != "variant" && std::ranges::find(seen, name) != seen.end()) {
      return wrong(at(file, line, name_at + 1) + "\"" + std::string(name) + "\" stands here twice");
    }
    seen.push_back(name);
    const ValueOutcome outcome = std::visit(Setter{scenario, value}, key->value);
    if (!outcome) {
      return wrong(at(file, line, value_at + outcome.error().offset + 1) + std::string(name) +
                   ": " + outcome.error().sentence);
    }
  }
  return Done{};
}

Outcome<ScenarioError> set_flag(Scenario& scenario, std::string_view key, std::string_view value) {
  const Key* found = find_key(key);
  if (found == nullptr) return wrong("--" + std::string(key) + ": unknown option");
  if (std::holds_alternative<Must>(found->value)) scenario.claims.clear();
  const ValueOutcome outcome = std::visit(Setter{scenario, value}, found->value);
  if (!outcome) return wrong("--" + std::string(key) + ": " + outcome.error().sentence);
  return Done{};
}

Outcome<ScenarioError> check_together(const Scenario& scenario) {
  const Seating seating = scenario.seating();
  const bool counted_by_rooms = scenario.work == Work::fanout;
  const bool counted_by_connections = scenario.work == Work::echo || scenario.work == Work::idle;
  if (counted_by_connections && scenario.connections == 0) {
    return wrong("connections: an echo or idle scenario needs their number");
  }
  if (!counted_by_connections && scenario.connections != 0) {
    return wrong("connections: follow from rooms and their seats (fanout) or in-flight (storm)");
  }
  if (!counted_by_rooms && (scenario.publishers | scenario.members | scenario.subscribers) != 0) {
    return wrong("publishers, members, subscribers: only a fanout scenario has these seats");
  }
  if (counted_by_rooms && (seating.senders() == 0 || seating.listeners() == 0)) {
    return wrong("fanout: needs somebody who sends and somebody who hears");
  }
  if (scenario.rooms == 0 && (scenario.work != Work::idle || scenario.protocol != Protocol::json)) {
    return wrong("rooms: only an idle load with the native protocol can do without");
  }
  if (scenario.work == Work::idle && scenario.rooms != 0 &&
      scenario.connections % scenario.rooms != 0) {
    return wrong("connections: must divide evenly among the rooms");
  }
  if (seating.connections() > connections_max) {
    return wrong("more than " + std::to_string(connections_max) + " connections");
  }
  if (seating.pairs() > pairs_max) {
    return wrong("too many pairs of publisher and listener to keep track of");
  }
  if (scenario.threads > seating.rooms) {
    return wrong("threads: more than rooms, and a room is heard by one thread");
  }
  if (scenario.burst > 0 && scenario.depth > 1) {
    return wrong("burst and depth: two ways to say how much is under way; give one");
  }
  if (scenario.rate > 0 && (scenario.burst > 0 || scenario.depth > 1)) {
    return wrong("rate: an open loop does not wait for answers, so burst and depth mean nothing");
  }
  if (scenario.payload_bytes < Payload::bytes_min(scenario.payload_form())) {
    return wrong("payload-bytes: at least " +
                 std::to_string(Payload::bytes_min(scenario.payload_form())) +
                 " hold the marks that are verified");
  }
  if ((scenario.canary_connections == 0) != (scenario.canary_rate == 0)) {
    return wrong("canary-connections and canary-rate: one means nothing without the other");
  }
  if (scenario.protocol == Protocol::json && seating.publishers > 0) {
    return wrong(
        "publishers: with the native protocol who speaks is in the room and hears it; members");
  }
  if (scenario.canary_connections > 0 && scenario.work != Work::fanout) {
    return wrong("canary-connections: watch a fanout; the other loads measure themselves");
  }
  if (scenario.canary_connections > 0 && scenario.protocol == Protocol::tcp) {
    return wrong("canary-connections: the floor program does one work at a time");
  }
  if (scenario.slow_percent > 0 && scenario.work != Work::fanout) {
    return wrong("slow-percent: only a fanout has listeners that nobody waits for");
  }
  if (scenario.slow_percent > 0 && scenario.protocol == Protocol::tcp) {
    return wrong("slow-percent: the floor program waits for whoever does not read");
  }
  if (scenario.slow_percent > 0 && scenario.slow_pause_ms >= scenario.drain_s * 1000) {
    return wrong("slow-pause-ms: longer than drain-s, after which what is missing is lost");
  }
  if (scenario.room_namespace.size() > room_namespace_bytes_max) {
    return wrong("namespace: at most " + std::to_string(room_namespace_bytes_max) + " characters");
  }
  if (scenario.deflate && scenario.protocol == Protocol::tcp) {
    return wrong("deflate: the floor program knows no frames");
  }
  if (scenario.pattern == Pattern::json && scenario.protocol == Protocol::json) {
    return wrong("payload-pattern: records cannot stand in the JSON string that is verified");
  }
  return Done{};
}

std::string scenario_manual() {
  std::string manual;
  for (const Key& key : keys) {
    std::string line = "  --" + std::string(key.name);
    line.resize(std::max<std::size_t>(line.size() + 1, 20), ' ');
    manual += line + std::string(key.meaning) + "\n";
  }
  return manual;
}

}  // namespace ringroom::load
