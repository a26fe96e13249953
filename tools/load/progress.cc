#include "tools/load/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "tools/load/words.h"

namespace ringroom::load {
namespace {

constexpr std::pair<std::string_view, Phase> phases[] = {{"connecting", Phase::connecting},
                                                         {"settling", Phase::settling},
                                                         {"warm-up", Phase::warm_up},
                                                         {"measuring", Phase::measuring},
                                                         {"draining", Phase::draining}};

enum class Ink : std::uint8_t { plain, bold, faint, good, bad };

std::string inked(std::string text, Ink ink, bool colour) {
  constexpr std::string_view codes[] = {"", "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[1;31m"};
  const std::string_view code = codes[static_cast<std::size_t>(ink)];
  if (!colour || code.empty() || text.empty()) return text;
  return std::string(code) + text + "\x1b[0m";
}

std::string count(std::uint64_t value, std::size_t columns) {
  return grouped(static_cast<double>(value), columns);
}

std::string heading(const Standing& standing) {
  std::string out = standing.interrupted ? "interrupted, " : "";
  out += to_text(standing.phase);
  const auto seconds = [](double s) { return text("%.0f", std::floor(s)); };
  switch (standing.phase) {
    case Phase::connecting:
      return out + " " + count(standing.ready, 9) + "/" + count(standing.connections, 9);
    case Phase::settling:
      return out + ": the server's memory";
    case Phase::warm_up:
      return out + text(" %.1f of %.1f s", standing.passed_s, standing.planned_s);
    case Phase::measuring:
      if (standing.messages_planned > 0) {
        return out + " " + count(standing.messages, 9) + "/" + count(standing.messages_planned, 9);
      }
      return out + " " + seconds(standing.passed_s) + " of " + seconds(standing.planned_s) + " s";
    case Phase::draining:
      break;
  }
  return out + " " + seconds(standing.passed_s) + " s";
}

// How much of the phase is over; empty where nobody knows.
std::optional<double> part_done(const Standing& standing) {
  const auto of = [](double part, double whole) -> std::optional<double> {
    if (whole <= 0) return std::nullopt;
    return std::clamp(part / whole, 0.0, 1.0);
  };
  const auto as_double = [](std::uint64_t value) { return static_cast<double>(value); };
  switch (standing.phase) {
    case Phase::connecting:
      return of(as_double(standing.ready), as_double(standing.connections));
    case Phase::warm_up:
      return of(standing.passed_s, standing.planned_s);
    case Phase::measuring:
      return standing.messages_planned > 0
                 ? of(as_double(standing.messages), as_double(standing.messages_planned))
                 : of(standing.passed_s, standing.planned_s);
    default:
      return std::nullopt;
  }
}

std::string bar(double part, std::size_t columns, bool unicode) {
  const auto full = static_cast<std::size_t>(std::lround(part * static_cast<double>(columns)));
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) {
    if (unicode) out += i < full ? "█" : "░";
    if (!unicode) out += i < full ? "#" : ".";
  }
  return out;
}

struct Cell {
  std::string label;
  std::string value;
  Ink ink = Ink::plain;
};

std::vector<Cell> cells_of(const Standing& standing, std::size_t value_columns, bool unicode) {
  const std::string none = unicode ? "–" : "-";
  const std::optional<Second>& second = standing.second;
  const auto per_s = [&](double Second::*rate) {
    return second ? grouped((*second).*rate, value_columns) : none;
  };
  const auto figure = [&](std::optional<double> Second::*value) {
    if (!second || !((*second).*value)) return none;
    const double known = *((*second).*value);
    return known < 1000 ? text("%.3f", known) : grouped(known, value_columns);
  };
  const auto wrong = [&](const char* label, std::uint64_t value) {
    return Cell{label, count(value, value_columns), value > 0 ? Ink::bad : Ink::plain};
  };
  std::vector<Cell> cells;
  cells.push_back({standing.handshakes ? "handshakes/s" : "deliveries/s",
                   per_s(&Second::units_per_s), Ink::bold});
  cells.push_back({"messages/s", per_s(&Second::messages_per_s)});
  cells.push_back({"outstanding", count(standing.outstanding, value_columns)});
  cells.push_back({"p50 ms", figure(&Second::p50_ms), Ink::bold});
  cells.push_back({"p99 ms", figure(&Second::p99_ms), Ink::bold});
  cells.push_back({"load CPU %", second ? text("%.0f", second->load_cpu_percent) : none});
  if (second && second->server_cpu_us) {
    cells.push_back({"us/" + std::string(standing.unit), figure(&Second::server_cpu_us)});
  }
  cells.push_back(wrong("lost", standing.lost));
  cells.push_back(wrong("duplicated", standing.duplicated));
  cells.push_back(wrong("misordered", standing.misordered));
  cells.push_back(wrong("corrupt", standing.corrupt));
  cells.push_back(wrong("refused", standing.refused));
  cells.push_back(wrong("closed", standing.closed));
  return cells;
}

std::string blanks(std::size_t wanted, std::string_view beside) {
  const std::size_t taken = columns_of(beside);
  return std::string(wanted > taken ? wanted - taken : 0, ' ');
}

constexpr std::size_t label_columns = 12;  // handshakes/s
constexpr std::size_t between = 2;

}  // namespace

std::string_view to_text(Phase phase) {
  return std::ranges::find(phases, phase, &std::pair<std::string_view, Phase>::second)->first;
}

std::size_t columns_of(std::string_view line) {
  std::size_t columns = 0;
  for (bool code = false; const char c : line) {
    code = code || c == '\x1b';
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (!code && !continues) ++columns;
    code = code && c != 'm';
  }
  return columns;
}

std::string grouped(double value, std::size_t columns) {
  const std::string digits = text("%.0f", value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  if (out.size() <= columns) return out;
  constexpr std::string_view units = "kMGTPE";
  for (const char unit : units) {
    value /= 1000;
    if (value < 999.95) {
      return text("%.*f", value < 9.9995 ? 3 : value < 99.995 ? 2 : 1, value) + unit;
    }
  }
  return out;
}

std::string sparkline(std::span<const double> values, std::size_t columns, bool unicode) {
  constexpr std::string_view blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::string_view letters[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
  static_assert(std::size(blocks) == std::size(letters));
  const auto shown = values.last(std::min(values.size(), columns));
  const double top = shown.empty() ? 0 : *std::ranges::max_element(shown);
  std::string out;
  for (const double value : shown) {
    const double steps = static_cast<double>(std::size(blocks) - 1);
    const double level = top > 0 ? std::clamp(value / top, 0.0, 1.0) * steps : 0;
    const auto at = static_cast<std::size_t>(std::lround(level));
    out += unicode ? blocks[at] : letters[at];
  }
  return out;
}

std::vector<std::string> block_of(const Standing& standing, const Look& look) {
  constexpr std::size_t columns_max = 100;
  const std::size_t columns = std::clamp(look.columns, columns_min, columns_max);
  const auto with = [&](std::string line, Ink ink) {
    return inked(std::move(line), ink, look.colour);
  };
  std::vector<std::string> lines;
  lines.push_back(with(printable(standing.title).substr(0, columns), Ink::faint));

  std::string head = heading(standing);
  constexpr std::size_t percent_columns = 7;
  constexpr std::size_t bar_columns_min = 8;
  const auto part = part_done(standing);
  if (part && head.size() + 2 + bar_columns_min + percent_columns <= columns) {
    const std::size_t rest = columns - head.size() - 2 - percent_columns;
    lines.push_back(with(std::move(head), Ink::bold) + "  " +
                    with(bar(*part, rest, look.unicode), Ink::good) +
                    text("  %3.0f %%", std::floor(*part * 100)));
  } else {
    lines.push_back(with(head.substr(0, columns), Ink::bold));
  }

  // Narrow: two cells beside each other, large numbers shortened. Wide: three or four.
  const std::size_t value_columns = columns < 70 ? 6 : 9;
  const std::size_t cell_columns = label_columns + 1 + value_columns;
  const std::size_t across = (columns + between) / (cell_columns + between);
  std::string line;
  std::size_t in_line = 0;
  for (const Cell& cell : cells_of(standing, value_columns, look.unicode)) {
    if (in_line > 0) line.append(between, ' ');
    line += with(cell.label, Ink::faint) + blanks(label_columns + 1, cell.label) +
            blanks(value_columns, cell.value) + with(cell.value, cell.ink);
    if (++in_line < across) continue;
    lines.push_back(std::exchange(line, {}));
    in_line = 0;
  }
  if (!line.empty()) lines.push_back(line);

  if (!standing.rates.empty()) {
    constexpr std::size_t top_columns = 15;  // "  max 1,234,567"
    const std::size_t room = columns - top_columns;
    const auto shown = std::span(standing.rates).last(std::min(standing.rates.size(), room));
    lines.push_back(with(sparkline(shown, room, look.unicode), Ink::good) +
                    with("  max " + grouped(*std::ranges::max_element(shown), 9), Ink::faint));
  }
  return lines;
}

std::string line_of(const Standing& standing) {
  std::string out = "phase=" + std::string(to_text(standing.phase));
  const auto number = [&](const char* name, double value, int digits) {
    out += text(" %s=%.*f", name, digits, value);
  };
  const auto total = [&](const char* name, std::uint64_t value) {
    out += text(" %s=%llu", name, static_cast<unsigned long long>(value));
  };
  if (standing.interrupted) out += " interrupted=true";
  number("at_s", standing.passed_s, 1);
  if (standing.planned_s > 0) number("of_s", standing.planned_s, 1);
  total("ready", standing.ready);
  total("connections", standing.connections);
  if (standing.second) {
    const Second& second = *standing.second;
    number("messages_per_s", second.messages_per_s, 0);
    number(standing.handshakes ? "handshakes_per_s" : "deliveries_per_s", second.units_per_s, 0);
    if (second.p50_ms) number("p50_ms", *second.p50_ms, 3);
    if (second.p99_ms) number("p99_ms", *second.p99_ms, 3);
    if (second.server_cpu_us) number("server_cpu_us", *second.server_cpu_us, 3);
    number("load_cpu_percent", second.load_cpu_percent, 0);
  }
  total("outstanding", standing.outstanding);
  total("lost", standing.lost);
  total("duplicated", standing.duplicated);
  total("misordered", standing.misordered);
  total("corrupt", standing.corrupt);
  total("refused", standing.refused);
  total("closed", standing.closed);
  return out;
}

}  // namespace ringroom::load
