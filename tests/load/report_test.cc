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
  run->window_s = 2;
  run->window_messages = 1000;
  run->window_deliveries = 1000;
  run->load_cpu_ns = 500'000'000;
  run->server_cpu_ns = 1'000'000'000;
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

double value_of(const Report& report, std::string_view name) {
  for (const Measure& measure : report.measures) {
    if (measure.name == name) return measure.value;
  }
  ADD_FAILURE() << "no measure " << name;
  return 0;
}

TEST(Report, DividesTheServersCpuByWhatWasVerified) {
  const Report report = make_report(an_echo("lost = 0"), *a_run());
  EXPECT_DOUBLE_EQ(value_of(report, "server-cpu-us"), 1000);
  EXPECT_DOUBLE_EQ(value_of(report, "server-cores"), 0.5);
  EXPECT_DOUBLE_EQ(value_of(report, "load-cores"), 0.25);
  EXPECT_DOUBLE_EQ(value_of(report, "deliveries-per-s"), 500);
}

TEST(Report, HoldsOnlyWhenEveryClaimDoes) {
  EXPECT_TRUE(make_report(an_echo("lost = 0, p99-ms < 1.1"), *a_run()).all_hold());
  EXPECT_FALSE(make_report(an_echo("lost = 0, p99-ms < 1"), *a_run()).all_hold());
}

TEST(Report, DoesNotBelieveWhatWasNotMeasured) {
  const auto run = a_run();
  run->server_cpu_ns.reset();
  EXPECT_FALSE(make_report(an_echo("server-cpu-us < 1000000"), *run).all_hold());
  EXPECT_FALSE(make_report(an_echo("memory-bytes-per-connection < 1000000"), *run).all_hold());
}

TEST(Report, NamesOnlyMeasuresThatAClaimCanBeMadeAbout) {
  const auto run = a_run();
  run->memory_bytes_per_connection = 512;
  run->server_waited_ns = 1;
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
    run->load_cpu_ns = row.load_cpu_ns;
    run->server_cpu_ns = row.server_cpu_ns;
    Scenario scenario = an_echo("lost = 0");
    scenario.rate = row.rate;
    EXPECT_EQ(make_report(scenario, *run).bottleneck, row.bottleneck);
  }
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
