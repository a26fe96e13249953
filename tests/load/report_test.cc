#include "tools/load/report.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ringroom::load {
namespace {

// Two seconds of 1,000 deliveries on a server that was busy for one of them.
std::unique_ptr<Run> a_run() {
  auto run = std::make_unique<Run>();
  run->window.long_s = 2;
  run->window.messages = 1000;
  run->window.deliveries = 1000;
  run->window.load_cpu_ns = 500'000'000;
  run->window.server_cpu_ns = 1'000'000'000;
  run->findings.sent = 1000;
  run->findings.delivered = 1000;
  for (int i = 0; i < 1000; ++i) run->findings.latency.record(1'000'000);
  return run;
}

Scenario an_echo(const std::string& must) {
  Scenario scenario;
  scenario.connections = 10;
  EXPECT_TRUE(set_flag(scenario, "must", must));
  return scenario;
}

TEST(Report, DividesTheServersCpuByWhatWasVerified) {
  const Report report = make_report(an_echo("lost = 0"), *a_run());
  EXPECT_DOUBLE_EQ(value_of(report, "server-cpu-us").value_or(-1), 1000);
  EXPECT_DOUBLE_EQ(value_of(report, "server-cores").value_or(-1), 0.5);
  EXPECT_DOUBLE_EQ(value_of(report, "load-cores").value_or(-1), 0.25);
  EXPECT_DOUBLE_EQ(value_of(report, "deliveries-per-s").value_or(-1), 500);
}

TEST(Report, HoldsOnlyWhenEveryClaimDoes) {
  EXPECT_TRUE(make_report(an_echo("lost = 0, p99-ms < 1.1"), *a_run()).all_hold());
  EXPECT_FALSE(make_report(an_echo("lost = 0, p99-ms < 1"), *a_run()).all_hold());
}

TEST(Report, DoesNotBelieveWhatWasNotMeasured) {
  const auto run = a_run();
  run->window.server_cpu_ns.reset();
  EXPECT_FALSE(make_report(an_echo("server-cpu-us < 1000000"), *run).all_hold());
  EXPECT_FALSE(make_report(an_echo("memory-bytes-per-connection < 1000000"), *run).all_hold());
}

TEST(Report, NamesOnlyMeasuresThatAClaimCanBeMadeAbout) {
  const auto run = a_run();
  run->memory_bytes_per_connection = 512;
  run->window.server_waited_ns = 1;
  for (const Work work : {Work::echo, Work::storm}) {
    Scenario scenario = an_echo("lost = 0");
    scenario.work = work;
    scenario.protocol = Protocol::json;
    for (const Measure& measure : make_report(scenario, *run).measures) {
      EXPECT_TRUE(read_claims(std::string(measure.name) + " < 1")) << measure.name;
    }
  }
}

TEST(Report, SaysWhoWasTheBottleneck) {
  struct Row {
    std::uint64_t load_cpu_ns;
    std::uint64_t server_cpu_ns;
    std::uint64_t rate;
    std::string bottleneck;
  };
  const Row rows[] = {
      {1'000'000'000, 1'900'000'000, 0, "server"},
      {1'900'000'000, 1'000'000'000, 0, "load"},
      {1'000'000'000, 1'000'000'000, 0, "none, each waits for the other"},
      {1'000'000'000, 1'000'000'000, 50, "none, the rate is given"},
  };
  for (const Row& row : rows) {
    const auto run = a_run();
    run->window.load_cpu_ns = row.load_cpu_ns;
    run->window.server_cpu_ns = row.server_cpu_ns;
    Scenario scenario = an_echo("lost = 0");
    scenario.rate = row.rate;
    EXPECT_EQ(make_report(scenario, *run).bottleneck, row.bottleneck);
  }
}

TEST(Report, BeginsWithWhatMostReadersWantToKnow) {
  const auto run = a_run();
  const Scenario scenario = an_echo("lost = 0, p99-ms < 0.5");
  const std::string text = to_text(scenario, *run, make_report(scenario, *run));
  const std::string head =
      "\n  verdict        deliveries/s  messages/s  p50 ms  p99 ms  p99.9 ms  CPU us/message  "
      "bottleneck\n  FAILS, 1 of 2           500         500   1.000   1.000     1.000        "
      "1000.000  none, each waits for the other\n\n";
  EXPECT_NE(text.find(head), std::string::npos) << text;
}

TEST(Report, SaysThatItWasInterrupted) {
  const auto run = a_run();
  run->interrupted_by = 2;
  const Scenario scenario = an_echo("lost = 0");
  const Report report = make_report(scenario, *run);
  EXPECT_EQ(verdict_of(report, *run), "interrupted, holds, 1 of 1");
  EXPECT_NE(to_text(scenario, *run, report).find("2.00 s measured, interrupted\n"),
            std::string::npos);
  EXPECT_NE(to_json(scenario, *run, report, "").find("\"interrupted\":true"), std::string::npos);
}

TEST(Report, WritesTheSeriesInColumns) {
  const auto run = a_run();
  Interval second;
  second.long_s = 1;
  second.messages = second.deliveries = 500;
  second.load_cpu_ns = 250'000'000;
  run->series = {second, second};
  run->series[1].begin_s = 1;
  run->series[1].server_cpu_ns = 1'000'000;
  run->series[1].latency.record(255);
  const Scenario scenario = an_echo("lost = 0");
  const std::string json = to_json(scenario, *run, make_report(scenario, *run), "");
  EXPECT_NE(json.find(R"("series":{"until_s":[1.000,2.000],"messages_per_s":[500.000,500.000],)"
                      R"("deliveries_per_s":[500.000,500.000],"p50_ms":[null,0.000255],)"
                      R"("p99_ms":[null,0.000255],"max_ms":[null,0.000255],)"
                      R"("server_cpu_us":[null,2.000000],"load_cores":[0.250,0.250],)"
                      R"("closed":[0,0]}})"),
            std::string::npos)
      << json;
}

TEST(Report, WritesJsonThatNoTextCanBreak) {
  const auto run = a_run();
  run->findings.complain("refused: {\"code\":\"\\x\"}\n");
  const Scenario scenario = an_echo("lost = 0");
  const std::string json = to_json(scenario, *run, make_report(scenario, *run), "ringroom bench");
  EXPECT_NE(json.find(R"("complaint":"refused: {\"code\":\"\\x\"} ")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("claim":"lost = 0","holds":true)"), std::string::npos);
  EXPECT_NE(json.find("\"p99.9\":1.0"), std::string::npos);
}

}  // namespace
}  // namespace ringroom::load
