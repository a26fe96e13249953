#include "tools/load/page.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "tools/load/chart.h"
#include "tools/load/machine.h"
#include "tools/load/markup.h"
#include "tools/load/page_style.h"  // generated: tools/load/meson.build
#include "tools/load/progress.h"
#include "tools/load/words.h"

namespace ringroom::load {
namespace {

std::string element(std::string_view name, std::string_view inside) {
  return "<" + std::string(name) + ">" + std::string(inside) + "</" + std::string(name) + ">";
}

std::string number(double value) {
  if (value >= 1000) return grouped(value, 20);
  return text("%.*f", value >= 100 || value == 0 ? 0 : value >= 10 ? 1 : 3, value);
}

std::string_view verdict_class(const Report& report, const Run& run) {
  if (!report.all_hold()) return "bad";
  return run.interrupted_by != 0 || report.verdicts.empty() ? "open" : "good";
}

// What is counted: a storm's handshakes, everybody else's deliveries.
std::uint64_t units(const Scenario& scenario, const Interval& point) {
  return units_of(scenario, point);
}

std::vector<Spot> over_time(const Run& run, auto value_of) {
  std::vector<Spot> spots;
  for (const Interval& point : run.series) {
    // At its middle: it is a mean of a stretch, not what was at its end.
    spots.push_back({point.begin_s + point.long_s / 2, value_of(point)});
  }
  return spots;
}

Chart rate_chart(const Scenario& scenario, const Run& run) {
  using Value = std::optional<double>;
  const bool storm = scenario.work == Work::storm;
  Chart chart{.title = "rate over time", .unit = "per second", .curves = {}};
  chart.curves.push_back({.name = storm ? "handshakes" : "deliveries",
                          .kind = "ringroom",
                          .spots = over_time(run,
                                             [&](const Interval& point) -> Value {
                                               return point.per_s(units(scenario, point));
                                             }),
                          .filled = true});
  // Beside a large fan-out its messages would be a line along the bottom.
  if (scenario.work == Work::fanout && run.window.messages * 20 > run.window.deliveries) {
    chart.curves.push_back({.name = "messages",
                            .kind = "peer",
                            .spots = over_time(run, [](const Interval& point) -> Value {
                              return point.per_s(point.messages);
                            })});
  }
  for (const Interval& point : run.series) {
    if (point.closed > 0) chart.events.push_back(point.begin_s + point.long_s / 2);
  }
  chart.event_name = "connections closed";
  return chart;
}

Chart latency_chart(const Run& run) {
  Chart chart{.title = "latency over time", .unit = "ms", .upward = Upward::decades, .curves = {}};
  const auto curve = [&](const char* name, std::string_view kind, double quantile) {
    chart.curves.push_back(
        {.name = name,
         .kind = kind,
         .spots = over_time(run, [&](const Interval& point) -> std::optional<double> {
           if (point.latency.count() == 0) return std::nullopt;
           return static_cast<double>(point.latency.at(quantile)) / 1e6;
         })});
  };
  curve("max", "floor", 1);
  curve("p99", "peer", 0.99);
  curve("p50", "ringroom", 0.5);
  return chart;
}

Chart percentile_chart(const Run& run) {
  return {.title = "latency by percentile",
          .unit = "ms",
          .across = Across::percentiles,
          .upward = Upward::decades,
          .curves = {{.name = "latency by percentile",
                      .kind = "ringroom",
                      .spots = percentile_spots(run.findings.latency)}}};
}

Chart cpu_chart(const Run& run) {
  Chart chart{.title = "cores busy over time", .unit = "cores busy", .curves = {}};
  const auto measured = [](const Interval& point) { return point.server_cpu_ns.has_value(); };
  if (std::ranges::any_of(run.series, measured)) {
    chart.curves.push_back({.name = "server",
                            .kind = "ringroom",
                            .spots = over_time(run,
                                               [](const Interval& point) -> std::optional<double> {
                                                 if (!point.server_cpu_ns) return std::nullopt;
                                                 return point.per_s(*point.server_cpu_ns) / 1e9;
                                               }),
                            .filled = true});
  }
  chart.curves.push_back(
      {.name = "load",
       .kind = "peer",
       .spots = over_time(run, [](const Interval& point) -> std::optional<double> {
         return point.per_s(point.load_cpu_ns) / 1e9;
       })});
  return chart;
}

std::string figure(std::string_view title, std::string_view about, const Chart& chart) {
  return "<figure><figcaption><b>" + escaped(title) + "</b> " + escaped(about) + "</figcaption>" +
         draw(chart) + "</figure>";
}

// A name and a figure, unless the run could not measure it.
struct Fact {
  std::string name;
  std::string_view measure;
  std::string_view unit;
};

std::vector<Fact> facts_of(const Scenario& scenario) {
  const bool storm = scenario.work == Work::storm;
  return {
      {storm ? "handshakes" : "deliveries", storm ? "handshakes-per-s" : "deliveries-per-s", "/s"},
      {"messages", "messages-per-s", "/s"},
      {"p50", "p50-ms", " ms"},
      {"p99", "p99-ms", " ms"},
      {"p99.9", "p99.9-ms", " ms"},
      {"server CPU per " + std::string(unit_of(scenario)), "server-cpu-us", " µs"},
      {"connections", "connections", ""},
      {"memory per connection", "memory-bytes-per-connection", " bytes"}};
}

std::string facts(const Scenario& scenario, const Run& run, const Report& report) {
  const auto fact = [](std::string_view name, std::string_view value, std::string_view kind) {
    return "<li><span class=\"of\">" + escaped(name) + "</span><b class=\"" + escaped(kind) +
           "\">" + escaped(value) + "</b></li>";
  };
  std::string out = "<ul class=\"facts\">";
  out += fact("verdict", verdict_of(report, run), verdict_class(report, run));
  for (const Fact& row : facts_of(scenario)) {
    const auto value = value_of(report, row.measure);
    // Fewer connections do not outweigh what a server allocates once.
    const bool few = row.measure == "memory-bytes-per-connection" && run.findings.ready < 1000;
    if (value && !few) out += fact(row.name, number(*value) + std::string(row.unit), "");
  }
  out += fact("bottleneck", report.bottleneck, "");
  return out + "</ul>";
}

std::string claims(const Report& report) {
  if (report.verdicts.empty()) return element("p", "Nothing was asked of this run.");
  std::string out = "<table class=\"claims\">";
  for (const Verdict& verdict : report.verdicts) {
    out += std::string("<tr><td class=\"") + (verdict.holds ? "good\">holds" : "bad\">FAILS") +
           "</td>" + element("td", escaped(to_text(verdict.claim))) +
           element("td", verdict.value ? number(*verdict.value) : "not measured") + "</tr>";
  }
  return out + "</table>";
}

std::string series_table(const Scenario& scenario, const Run& run) {
  std::string out = "<div class=\"wide\"><table><tr>";
  const bool storm = scenario.work == Work::storm;
  for (const std::string& heading :
       {std::string("until s"), std::string("messages/s"),
        std::string(storm ? "handshakes/s" : "deliveries/s"), std::string("p50 ms"),
        std::string("p99 ms"), std::string("max ms"), "server µs/" + std::string(unit_of(scenario)),
        std::string("load CPU %"), std::string("closed")}) {
    out += element("th", escaped(heading));
  }
  out += "</tr>";
  const auto ms = [](const Interval& point, double quantile) {
    return point.latency.count() == 0
               ? std::string("–")
               : number(static_cast<double>(point.latency.at(quantile)) / 1e6);
  };
  for (const Interval& point : run.series) {
    const auto cpu = server_cpu_us(scenario, point);
    out += "<tr>";
    for (const std::string& cell :
         {text("%.1f", point.end_s()), number(point.per_s(point.messages)),
          number(point.per_s(units(scenario, point))), ms(point, 0.5), ms(point, 0.99),
          ms(point, 1), cpu ? number(*cpu) : std::string("–"),
          text("%.0f", point.per_s(point.load_cpu_ns) / 1e7), std::to_string(point.closed)}) {
      out += element("td", cell);
    }
    out += "</tr>\n";
  }
  return out + "</table></div>";
}

std::string measures_table(const Report& report) {
  std::string out = "<table>";
  for (const Measure& measure : report.measures) {
    out += "<tr>" + element("td", escaped(measure.name)) + element("td", number(measure.value)) +
           "</tr>";
  }
  return out + "</table>";
}

std::string details(std::string_view summary, std::string_view inside) {
  return "<details><summary>" + escaped(summary) + "</summary>" + std::string(inside) +
         "</details>";
}

std::string where(const Scenario& scenario, std::string_view command, std::string_view when) {
  const Machine machine = this_machine();
  const std::pair<std::string_view, std::string> rows[] = {
      {"server", scenario.server},
      {"commit", scenario.commit},
      {"machine", std::to_string(machine.cpus) + " x " + machine.cpu},
      {"kernel", machine.kernel},
      {"time", std::string(when)}};
  std::string out = "<table>";
  for (const auto& [name, value] : rows) {
    out += "<tr>" + element("td", name) + element("td", escaped(value)) + "</tr>";
  }
  return out + "</table><p>" + element("code", escaped(command)) + "</p>";
}

std::string described(const Scenario& scenario, const Run& run) {
  return std::string(to_text(scenario.work)) + " over " + std::string(to_text(scenario.protocol)) +
         text(", %.1f s measured", run.window.long_s) +
         (run.interrupted_by != 0 ? ", interrupted" : "");
}

}  // namespace

std::string to_html(const Scenario& scenario, const Run& run, const Report& report,
                    std::string_view command, std::string_view when) {
  const std::string name = escaped(scenario.name);
  std::string charts;
  if (!run.series.empty()) {
    charts += figure("Rate", "over time", rate_chart(scenario, run));
    if (run.findings.latency.count() > 0) {
      charts += figure("Latency", "over time; scale of powers of ten", latency_chart(run));
      charts += figure("Latency", "by percentile, of the whole window", percentile_chart(run));
    }
    charts += figure("CPU", "over time; bottleneck: " + report.bottleneck, cpu_chart(run));
  }
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head>"
      "<meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\"/>";
  out += element("title", name + ": ringroom bench");
  out += element("style", style::page_css);
  out += "</head><body>" + element("h1", name) + element("p", escaped(described(scenario, run)));
  out += facts(scenario, run, report);
  if (!run.findings.complaint.empty()) {
    out += "<p><b class=\"bad\">First complaint:</b> " + escaped(run.findings.complaint) + "</p>";
  }
  if (!charts.empty()) out += "<div class=\"charts\">" + charts + "</div>";
  out += "<div class=\"charts\">" + element("section", element("h2", "Claims") + claims(report)) +
         element("section", element("h2", "Where and how") + where(scenario, command, when)) +
         "</div>";
  out += element("h2", "Numbers") + details("Every measure", measures_table(report));
  if (!run.series.empty()) out += details("The series", series_table(scenario, run));
  return out +
         "<p>Latency counts from when a message was due until the load had read it. What the "
         "numbers "
         "mean and do not say: bench/README.md.</p></body></html>\n";
}

std::string to_svg(const Scenario& scenario, const Run& run, const Report& report) {
  constexpr double margin = 16;
  constexpr double head = 58;
  constexpr double width = 2 * chart_width + 3 * margin;
  constexpr double height = head + chart_height + margin;
  std::string figures;
  for (const Fact& row : facts_of(scenario)) {
    const auto value = value_of(report, row.measure);
    if (!value || row.measure.starts_with("memory") || row.measure == "connections") continue;
    if (!figures.empty()) figures += " · ";
    figures += row.name + " " + number(*value) + std::string(row.unit);
  }
  std::string out = text(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"",
      width, height, width, height);
  out += escaped(scenario.name + ": " + figures) + "\">" +
         element("style", escaped(style::page_css)) +
         text("<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>", width, height);
  out += text("<text class=\"name\" x=\"%.0f\" y=\"26\">", margin) + escaped(scenario.name) +
         "<tspan class=\"about\" dx=\"10\">" +
         escaped(described(scenario, run) + ", " + scenario.commit) + "</tspan></text>";
  out += text("<text class=\"about\" x=\"%.0f\" y=\"46\">", margin) + escaped(figures) + "</text>";
  out += draw_at(percentile_chart(run), margin, head);
  out += draw_at(rate_chart(scenario, run), 2 * margin + chart_width, head);
  return out + "</svg>\n";
}

}  // namespace ringroom::load
