#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringroom::load {

// How far a run is, in words: a block for a terminal or a line for a log. Pure: a standing and a
// look in, text out.

enum class Phase : std::uint8_t { connecting, settling, warm_up, measuring, draining };

// The last second of a run.
struct Second {
  double messages_per_s = 0;
  double units_per_s = 0;  // deliveries, or a storm's handshakes
  std::optional<double> p50_ms;
  std::optional<double> p99_ms;
  std::optional<double> server_cpu_us;  // per unit
  double load_cpu_percent = 0;          // of one core
};

struct Standing {
  std::string title;
  std::string_view unit = "message";  // what the server's CPU is divided by
  bool handshakes = false;            // a storm: these are counted, not deliveries

  Phase phase = Phase::connecting;
  bool interrupted = false;
  double passed_s = 0;   // of the phase
  double planned_s = 0;  // 0: ends by itself
  std::uint64_t messages = 0;
  std::uint64_t messages_planned = 0;  // 0: by time
  std::uint64_t ready = 0;
  std::uint64_t connections = 0;

  std::uint64_t outstanding = 0;
  std::uint64_t lost = 0;  // until the end: overtaken by later ones
  std::uint64_t duplicated = 0;
  std::uint64_t misordered = 0;
  std::uint64_t corrupt = 0;
  std::uint64_t refused = 0;
  std::uint64_t closed = 0;

  std::optional<Second> second;
  std::vector<double> rates;  // units per second, oldest first
};

struct Look {
  std::size_t columns = 80;
  bool unicode = true;
  bool colour = true;
};

inline constexpr std::size_t columns_min = 40;  // a narrower terminal wraps

// Lines without their ends, none wider than the look's columns.
std::vector<std::string> block_of(const Standing& standing, const Look& look);

// `phase=measuring at_s=4.0 of_s=10.0 ...`; what was not measured is left out.
std::string line_of(const Standing& standing);

// The last `columns` of the values, from 0 to the largest of these.
std::string sparkline(std::span<const double> values, std::size_t columns, bool unicode);

// 1234567 as 1,234,567, or where that is wider than `columns`, as 1.235M.
std::string grouped(double value, std::size_t columns);

// The columns that a line of ours takes on a terminal.
std::size_t columns_of(std::string_view line);

std::string_view to_text(Phase phase);

}  // namespace ringroom::load
