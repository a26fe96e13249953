#include "tools/load/page.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

namespace ringroom::load {
namespace {

std::unique_ptr<Run> a_run(std::size_t seconds) {
  auto run = std::make_unique<Run>();
  for (std::size_t second = 0; second < seconds; ++second) {
    Interval point;
    point.begin_s = static_cast<double>(second);
    point.long_s = 1;
    point.messages = point.deliveries = 1000;
    point.server_cpu_ns = 500'000'000;
    point.closed = second == 1 ? 1 : 0;
    for (std::uint64_t i = 1; i <= 1000; ++i) point.latency.record(i * 1000);
    run->findings.latency.merge(point.latency);
    run->series.push_back(point);
    if (second == 0) run->window = point;
    if (second > 0) run->window.join(point);
  }
  run->findings.sent = run->findings.delivered = 1000 * seconds;
  return run;
}

Scenario a_scenario() {
  Scenario scenario;
  scenario.name = "echo<script>alert(1)</script>\"'&";
  scenario.server = "127.0.0.1:1\"><img src=x onerror=alert(1)>";
  scenario.commit = "<b>abc";
  scenario.connections = 10;
  EXPECT_TRUE(set_flag(scenario, "must", "lost = 0, p99-ms < 0.1"));
  return scenario;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Page, ShowsClaimsFiguresAndCharts) {
  const auto run = a_run(5);
  const Scenario scenario = a_scenario();
  const Report report = make_report(scenario, *run);
  const std::string page = to_html(scenario, *run, report, "ringroom bench --x <y>", "today");
  for (const char* shown :
       {"FAILS, 1 of 2", ">holds<", "p99-ms &lt; 0.1", "1,000/s", "rate over time",
        "latency by percentile", "latency over time", "cores busy over time", "connections closed",
        "ringroom bench --x &lt;y&gt;", "today"}) {
    EXPECT_TRUE(has(page, shown)) << shown;
  }
}

TEST(Page, KeepsWhatItIsToldAsText) {
  const auto run = a_run(3);
  run->findings.complain("refused: <svg onload=alert(1)>");
  const Scenario scenario = a_scenario();
  const Report report = make_report(scenario, *run);
  for (const std::string& out :
       {to_html(scenario, *run, report, "<script>", "<now>"), to_svg(scenario, *run, report)}) {
    EXPECT_FALSE(has(out, "<script"));
    EXPECT_FALSE(has(out, "<img"));
    EXPECT_FALSE(has(out, "<svg onload"));
    EXPECT_FALSE(has(out, "<b>abc"));
  }
}

TEST(Page, IsWrittenOfARunThatMeasuredNothing) {
  const auto run = a_run(0);
  run->interrupted_by = 2;
  const Scenario scenario = a_scenario();
  const Report report = make_report(scenario, *run);
  EXPECT_TRUE(has(to_html(scenario, *run, report, "", ""), "interrupted, FAILS, 1 of 2"));
  EXPECT_FALSE(has(to_svg(scenario, *run, report), "nan"));
}

}  // namespace
}  // namespace ringroom::load
