#include "tools/load/report.h"

#include <algorithm>
#include <utility>

#include "tools/load/machine.h"
#include "tools/load/progress.h"
#include "tools/load/words.h"

namespace ringroom::load {
namespace {

double ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

std::string json_string(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "\"";
}

// Nobody is at the limit when both sides have time left: then latency decides, or the rate asked
// for.
std::string bottleneck_of(const Scenario& scenario, const Run& run) {
  constexpr double busy = 0.9;
  const double load = static_cast<double>(run.window.load_cpu_ns) / 1e9 / run.window.long_s /
                      static_cast<double>(scenario.threads);
  const bool spins = scenario.rate > 0 && scenario.spin_us > 0;
  const double server = !run.window.server_cpu_ns
                            ? 0
                            : static_cast<double>(*run.window.server_cpu_ns) / 1e9 /
                                  run.window.long_s / static_cast<double>(scenario.server_cores);
  if (server >= busy && (spins || server >= load)) return "server";
  if (load >= busy && !spins)
    return run.window.server_cpu_ns ? "load" : "load, or server (not measured)";
  return scenario.rate > 0 ? "none, the rate is given" : "none, each waits for the other";
}

constexpr double quantiles[] = {0.01,  0.05,  0.1,    0.2,    0.25,    0.3,      0.4,  0.5,  0.6,
                                0.7,   0.75,  0.8,    0.9,    0.95,    0.96,     0.97, 0.98, 0.99,
                                0.995, 0.999, 0.9995, 0.9999, 0.99999, 0.999999, 1};

std::string quantiles_json(const Histogram& histogram) {
  std::string json = "{\"count\":" + std::to_string(histogram.count());
  for (const double quantile : quantiles) {
    json += text(",\"p%g\":%.6f", quantile * 100, ms(histogram.at(quantile)));
  }
  return json + text(",\"mean\":%.6f}", histogram.mean() / 1e6);
}

// What most readers want to know, each under its name.
std::string head_of(const Scenario& scenario, const Run& run, const Report& report) {
  struct Column {
    std::string heading;
    std::string value;
  };
  std::vector<Column> columns;
  columns.push_back({"verdict", verdict_of(report, run)});
  const auto add = [&](std::string heading, std::string_view measure, int digits) {
    const auto value = value_of(report, measure);
    if (!value) return;
    columns.push_back(
        {std::move(heading), digits == 0 ? grouped(*value, 16) : text("%.*f", digits, *value)});
  };
  if (scenario.work == Work::storm) {
    add("handshakes/s", "handshakes-per-s", 0);
  } else if (scenario.work != Work::idle) {
    add("deliveries/s", "deliveries-per-s", 0);
    add("messages/s", "messages-per-s", 0);
  }
  add("p50 ms", "p50-ms", 3);
  add("p99 ms", "p99-ms", 3);
  add("p99.9 ms", "p99.9-ms", 3);
  add("CPU us/" + std::string(unit_of(scenario)), "server-cpu-us", 3);
  columns.push_back({"bottleneck", report.bottleneck});

  std::string headings = " ";
  std::string values = " ";
  for (const Column& column : columns) {
    const std::size_t wide = std::max(column.heading.size(), column.value.size());
    const std::string before(wide - column.heading.size(), ' ');
    const std::string rest(wide - column.value.size(), ' ');
    // Words begin in line, numbers end in line.
    const bool words = &column == &columns.front() || &column == &columns.back();
    headings += " " + (words ? column.heading + before : before + column.heading) + " ";
    values += " " + (words ? column.value + rest : rest + column.value) + " ";
  }
  const auto trimmed = [](std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };
  return trimmed(headings) + trimmed(values);
}

// One array for each column; a value that was not measured is null.
std::string series_json(const Scenario& scenario, const Run& run) {
  std::string json = "{";
  const auto column = [&](const char* name, int digits, auto value_of_point) {
    json += std::string(json.size() > 1 ? "," : "") + "\"" + name + "\":[";
    for (const Interval& point : run.series) {
      if (&point != run.series.data()) json += ",";
      const std::optional<double> value = value_of_point(point);
      json += value ? text("%.*f", digits, *value) : "null";
    }
    json += "]";
  };
  const auto quantile = [&](const char* name, double part) {
    column(name, 6, [&](const Interval& point) -> std::optional<double> {
      if (point.latency.count() == 0) return std::nullopt;
      return ms(point.latency.at(part));
    });
  };
  const auto rate = [&](const char* name, std::uint64_t Interval::*count) {
    column(name, 3, [&](const Interval& point) { return point.per_s(point.*count); });
  };
  column("until_s", 3, [](const Interval& point) { return point.end_s(); });
  rate("messages_per_s", &Interval::messages);
  rate("deliveries_per_s", &Interval::deliveries);
  if (scenario.work == Work::storm) rate("handshakes_per_s", &Interval::handshakes);
  quantile("p50_ms", 0.5);
  quantile("p99_ms", 0.99);
  quantile("max_ms", 1);
  column("server_cpu_us", 6, [&](const Interval& point) { return server_cpu_us(scenario, point); });
  column("load_cores", 3,
         [](const Interval& point) { return point.per_s(point.load_cpu_ns) / 1e9; });
  column("closed", 0, [](const Interval& point) { return static_cast<double>(point.closed); });
  return json + "}";
}

}  // namespace

bool Report::all_hold() const {
  return std::ranges::all_of(verdicts, [](const Verdict& verdict) { return verdict.holds; });
}

std::string verdict_of(const Report& report, const Run& run) {
  const auto all = static_cast<std::size_t>(report.verdicts.size());
  const auto held = static_cast<std::size_t>(
      std::ranges::count_if(report.verdicts, [](const Verdict& verdict) { return verdict.holds; }));
  std::string out = run.interrupted_by != 0 ? "interrupted, " : "";
  if (all == 0) return out + "no claims";
  out += held == all ? text("holds, %zu of %zu", held, all)
                     : text("FAILS, %zu of %zu", all - held, all);
  return out;
}

std::optional<double> value_of(const Report& report, std::string_view measure) {
  const auto found = std::ranges::find(report.measures, measure, &Measure::name);
  return found == report.measures.end() ? std::nullopt : std::optional(found->value);
}

Report make_report(const Scenario& scenario, const Run& run) {
  Report report;
  const Findings& findings = run.findings;
  const auto add = [&](std::string_view name, double value) {
    report.measures.push_back({name, value});
  };
  const auto count = [&](std::string_view name, std::uint64_t value) {
    add(name, static_cast<double>(value));
  };
  const auto per_s = [&](std::string_view name, std::uint64_t value) {
    if (run.window.long_s > 0) add(name, static_cast<double>(value) / run.window.long_s);
  };

  if (scenario.work == Work::storm) {
    count("handshakes", findings.handshakes);
    per_s("handshakes-per-s", run.window.handshakes);
    count("unfinished", findings.unfinished);
  } else {
    count("connections", findings.ready);
  }
  count("messages", findings.sent);
  count("deliveries", findings.delivered);
  per_s("messages-per-s", run.window.messages);
  per_s("deliveries-per-s", run.window.deliveries);

  const Histogram& latency = findings.latency;
  if (latency.count() > 0) {
    add("p50-ms", ms(latency.at(0.5)));
    add("p90-ms", ms(latency.at(0.9)));
    add("p99-ms", ms(latency.at(0.99)));
    add("p99.9-ms", ms(latency.at(0.999)));
    add("max-ms", ms(latency.max()));
    add("mean-ms", latency.mean() / 1e6);
  }
  if (findings.lateness.count() > 0) add("late-p99-ms", ms(findings.lateness.at(0.99)));

  if (run.canary) {
    const Findings& canary = *run.canary;
    if (canary.latency.count() > 0) {
      add("canary-p50-ms", ms(canary.latency.at(0.5)));
      add("canary-p99-ms", ms(canary.latency.at(0.99)));
      add("canary-max-ms", ms(canary.latency.max()));
    }
    if (canary.lateness.count() > 0) {
      add("canary-late-p99-ms", ms(canary.lateness.at(0.99)));
    }
    count("canary-lost", canary.lost + canary.disconnected + canary.corrupt);
  }

  count("lost", findings.lost);
  count("duplicated", findings.duplicated);
  count("misordered", findings.misordered);
  count("corrupt", findings.corrupt);
  count("refused", findings.refused);
  count("disconnected", findings.disconnected);
  count("other-messages", findings.other_messages);
  if (scenario.deflate) count("compressed", findings.compressed);
  if (scenario.slow_percent > 0) {
    count("slow-pauses", findings.slow_pauses);
    count("slow-closed", findings.slow_closed);
  }
  if (scenario.protocol == Protocol::json) {
    count("unacknowledged", findings.unacknowledged);
    count("order-unchecked", findings.order_unchecked);
  }

  const auto cpu_us = server_cpu_us(scenario, run.window);
  if (cpu_us) add("server-cpu-us", *cpu_us);
  if (run.window.long_s > 0) {
    if (run.window.server_cpu_ns) {
      add("server-cores", static_cast<double>(*run.window.server_cpu_ns) / 1e9 / run.window.long_s);
    }
    if (run.window.server_waited_ns) {
      add("server-waited-percent", static_cast<double>(*run.window.server_waited_ns) / 1e7 /
                                       run.window.long_s /
                                       static_cast<double>(scenario.server_cores));
    }
    add("load-cores", static_cast<double>(run.window.load_cpu_ns) / 1e9 / run.window.long_s);
  }
  if (run.memory_bytes_per_connection) {
    add("memory-bytes-per-connection", *run.memory_bytes_per_connection);
  }

  for (const Claim& claim : scenario.claims) {
    const auto value = value_of(report, claim.measure);
    report.verdicts.push_back({claim, value, value && holds(claim, *value)});
  }
  report.bottleneck = run.window.long_s > 0 ? bottleneck_of(scenario, run) : "none";
  return report;
}

std::string to_text(const Scenario& scenario, const Run& run, const Report& report) {
  const auto value = [&](std::string_view name) { return value_of(report, name).value_or(0); };
  const Findings& findings = run.findings;

  std::string out = scenario.name + ": " + std::string(to_text(scenario.work)) + " over " +
                    std::string(to_text(scenario.protocol)) +
                    text(", %.2f s measured%s\n", run.window.long_s,
                         run.interrupted_by != 0 ? ", interrupted" : "");
  out += "\n" + head_of(scenario, run, report) + "\n";
  if (scenario.work == Work::storm) {
    out += text("  handshakes  %.0f, %.0f/s, %llu under way at a time\n", value("handshakes"),
                value("handshakes-per-s"), static_cast<unsigned long long>(scenario.in_flight));
  } else {
    out += text("  opened      %.0f connections in %.2f s\n", value("connections"), run.open_s);
  }
  if (findings.latency.count() > 0) {
    out += text("  latency ms  p90 %.3f  max %.3f  mean %.3f\n", value("p90-ms"), value("max-ms"),
                value("mean-ms"));
  }
  if (run.canary) {
    out += text(
        "  others ms   p50 %.3f  p99 %.3f  max %.3f, sent late p99 %.3f, lost %.0f: the canary's\n",
        value("canary-p50-ms"), value("canary-p99-ms"), value("canary-max-ms"),
        value("canary-late-p99-ms"), value("canary-lost"));
  }
  if (findings.lateness.count() > 0) {
    out += text("  sent late   p99 %.3f ms: the load's own part of the latency\n",
                value("late-p99-ms"));
  }
  if (value_of(report, "server-cpu-us")) {
    out += text("  server CPU  %.2f cores busy\n", value("server-cores"));
  }
  out += text("  load CPU    %.2f cores busy\n", value("load-cores"));
  constexpr double disturbed = 5;
  if (value("server-waited-percent") > disturbed) {
    out +=
        text("  disturbed   %.0f %% of the time the server was ready and other work had its core\n",
             value("server-waited-percent"));
  }
  // Fewer connections do not outweigh what a server allocates once.
  if (run.memory_bytes_per_connection && findings.ready >= 1000) {
    out += text("  memory      %.0f bytes of the server per connection\n",
                *run.memory_bytes_per_connection);
  }
  out += text(
      "  verified    %.0f deliveries: lost %.0f, duplicated %.0f, misordered %.0f, corrupt %.0f\n",
      value("deliveries"), value("lost"), value("duplicated"), value("misordered"),
      value("corrupt"));
  out += text("              refused %.0f, disconnected %.0f, other messages %.0f\n",
              value("refused"), value("disconnected"), value("other-messages"));
  if (scenario.slow_percent > 0) {
    out += text("              slow listeners paused %.0f times, %.0f of them were sent away\n",
                value("slow-pauses"), value("slow-closed"));
  }
  if (!findings.complaint.empty()) out += "  first complaint: " + findings.complaint + "\n";
  for (const Verdict& verdict : report.verdicts) {
    out += verdict.holds ? "  holds       " : "  FAILS       ";
    out += to_text(verdict.claim);
    out += verdict.value ? text("  (%.6g)\n", *verdict.value) : "  (not measured)\n";
  }
  return out;
}

std::string to_json(const Scenario& scenario, const Run& run, const Report& report,
                    std::string_view command) {
  const Machine machine = this_machine();
  std::string json = "{\"scenario\":" + json_string(scenario.name);
  json += ",\"work\":" + json_string(to_text(scenario.work));
  json += ",\"protocol\":" + json_string(to_text(scenario.protocol));
  json += ",\"machine\":{\"cpu\":" + json_string(machine.cpu) +
          ",\"cpus\":" + std::to_string(machine.cpus) + "}";
  json += ",\"kernel\":" + json_string(machine.kernel);
  json += ",\"commit\":" + json_string(scenario.commit);
  json += ",\"command\":" + json_string(command);
  json += ",\"payload_bytes\":" + std::to_string(scenario.payload_bytes);
  json += text(",\"window_s\":%.6f", run.window.long_s);
  json += std::string(",\"interrupted\":") + (run.interrupted_by != 0 ? "true" : "false");
  json += ",\"cpu_unit\":" + json_string(unit_of(scenario));
  json += ",\"bottleneck\":" + json_string(report.bottleneck);
  json += ",\"measures\":{";
  for (const Measure& measure : report.measures) {
    if (&measure != report.measures.data()) json += ",";
    json += json_string(measure.name) + text(":%.6f", measure.value);
  }
  json += "},\"latency_ms\":" + quantiles_json(run.findings.latency);
  json += ",\"late_ms\":" + quantiles_json(run.findings.lateness);
  json += ",\"complaint\":" + json_string(run.findings.complaint);
  json += ",\"must\":[";
  for (const Verdict& verdict : report.verdicts) {
    if (&verdict != report.verdicts.data()) json += ",";
    json += "{\"claim\":" + json_string(to_text(verdict.claim));
    json += std::string(",\"holds\":") + (verdict.holds ? "true" : "false") + "}";
  }
  json += "]";
  if (!run.series.empty()) json += ",\"series\":" + series_json(scenario, run);
  return json + "}\n";
}

}  // namespace ringroom::load
