#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/load/claim.h"
#include "tools/load/payload.h"
#include "tools/load/seating.h"

namespace ringroom::load {

enum class Work : std::uint8_t { echo, fanout, storm, idle };
enum class Protocol : std::uint8_t { raw, json, tcp };
enum class ProgressAs : std::uint8_t { automatic, bar, lines, none };

// What is done to a server, and what must hold afterwards. Read from bench/scenarios/*.conf and
// from flags of the same names; the table in scenario.cc is the manual of every key.
//
// Owner: run_bench, which reads it once; client threads see it as a constant.
// Errors: the operator's, as one sentence with file, line and column.
struct Scenario {
  std::string name = "command line";
  Work work = Work::echo;
  Protocol protocol = Protocol::raw;

  std::uint64_t connections = 0;
  std::uint64_t rooms = 1;
  std::uint64_t publishers = 0;
  std::uint64_t members = 0;
  std::uint64_t subscribers = 0;

  std::uint64_t payload_bytes = 128;
  Pattern pattern = Pattern::letters;
  bool deflate = false;
  std::string room_namespace;
  std::uint64_t depth = 1;
  std::uint64_t burst = 0;
  std::uint64_t rate = 0;
  std::uint64_t messages = 0;
  std::uint64_t duration_s = 10;
  std::uint64_t warmup_ms = 500;
  std::uint64_t in_flight = 128;
  std::uint64_t connect_s = 60;
  std::uint64_t drain_s = 10;

  std::uint64_t slow_percent = 0;
  std::uint64_t slow_pause_ms = 100;
  std::uint64_t slow_read_ms = 100;

  std::uint64_t canary_connections = 0;
  std::uint64_t canary_rate = 0;

  std::uint64_t threads = 1;
  std::int64_t pin = -1;
  std::uint64_t spin_us = 0;
  std::uint64_t server_cores = 1;
  std::uint64_t server_pid = 0;
  std::string server = "127.0.0.1:8000";
  std::string json;
  std::string html;
  std::string svg;
  ProgressAs progress = ProgressAs::automatic;
  std::string commit = "unknown";
  std::vector<Claim> claims;

  Seating seating() const;
  // The echo that a second group of connections keeps up meanwhile: what it notices is what the
  // main load does to others. Without canary-connections there is none.
  Scenario canary() const;
  PayloadForm payload_form() const {
    return protocol == Protocol::json ? PayloadForm::json_object : PayloadForm::bytes;
  }
};

struct ScenarioError {
  std::string sentence;
};

// Lines `key value   # comment`. `must` lines add up, `variant` lines are bench/run's; any other
// key may stand once.
Outcome<ScenarioError> read_scenario(Scenario& scenario, std::string_view file,
                                     std::string_view text);

// One flag, its name without the dashes. `must` replaces the claims of the file.
Outcome<ScenarioError> set_flag(Scenario& scenario, std::string_view key, std::string_view value);

// What no single line can know: that the values go together.
Outcome<ScenarioError> check_together(const Scenario& scenario);

std::string_view to_text(Work work);
std::string_view to_text(Protocol protocol);

// The keys with their meaning, for `ringroom bench --help`.
std::string scenario_manual();

}  // namespace ringroom::load
