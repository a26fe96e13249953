#include "tools/load/chart.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/load/markup.h"

namespace ringroom::load {
namespace {

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

Chart chart_of(std::vector<Spot> spots, Upward upward = Upward::from_zero) {
  return {.title = "a",
          .unit = "ms",
          .upward = upward,
          .curves = {{.name = "b", .kind = "ringroom", .spots = std::move(spots)}}};
}

TEST(Chart, TakesStepsThatPeopleCountIn) {
  EXPECT_EQ(ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(ticks(0, 600, 6), (std::vector<double>{0, 100, 200, 300, 400, 500, 600}));
  EXPECT_EQ(ticks(0, 7, 4), (std::vector<double>{0, 2, 4, 6}));
  EXPECT_EQ(ticks(3, 3, 4), (std::vector<double>{3}));
  for (double high = 0.001; high < 1e9; high *= 1.7) {
    const std::size_t count = ticks(0, high, 4).size();
    EXPECT_GE(count, 2u) << high;
    EXPECT_LE(count, 5u) << high;
  }
}

TEST(Chart, WritesNumbersBriefly) {
  EXPECT_EQ(brief(0), "0");
  EXPECT_EQ(brief(0.05), "0.05");
  EXPECT_EQ(brief(0.0005), "0.0005");
  EXPECT_EQ(brief(12.5), "12.5");
  EXPECT_EQ(brief(9000), "9000");
  EXPECT_EQ(brief(250'000), "250k");
  EXPECT_EQ(brief(1'200'000), "1200k");
  EXPECT_EQ(brief(12'000'000), "12M");
}

TEST(Chart, LeavesAGapWhereNothingWasMeasured) {
  const std::string svg = draw(chart_of({{0, 1}, {1, 2}, {2, {}}, {3, 4}, {4, 4}}));
  const std::size_t line = svg.find("class=\"line");
  EXPECT_EQ(times(svg.substr(line, svg.find("/>", line) - line), "M"), 2u);
}

TEST(Chart, IsDrawnWhateverTheValues) {
  const std::vector<std::vector<Spot>> sets = {{},
                                               {{0.5, 0}},
                                               {{0, {}}},
                                               {{0, 0}, {1, 0}},
                                               {{0, 5}},
                                               {{0, 1e-9}, {1, 1e12}},
                                               {{0, 1}, {9e5, 1}}};
  for (const auto& spots : sets) {
    for (const Upward upward : {Upward::from_zero, Upward::decades}) {
      const std::string svg = draw(chart_of(spots, upward));
      EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
      EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
      EXPECT_LT(svg.size(), 20'000u);
    }
  }
  EXPECT_FALSE(draw({.title = "nothing", .unit = "", .curves = {}}).empty());
}

TEST(Chart, EscapesEveryText) {
  Chart chart = chart_of({{0, 1}, {1, 2}});
  const std::string attack = "\"><script>x</script>&'";
  chart.title = chart.unit = chart.event_name = chart.curves[0].name = attack;
  chart.events = {1};
  const std::string svg = draw(chart);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_GE(times(svg, "&lt;script&gt;"), 4u);
}

TEST(Chart, LooksAsFarIntoTheTailAsThereAreRecords) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_TRUE(percentile_spots(*histogram).empty());
  for (std::uint64_t i = 1; i <= 1000; ++i) histogram->record(i * 1'000'000);
  const std::vector<Spot> spots = percentile_spots(*histogram);
  EXPECT_DOUBLE_EQ(spots.back().x, 3);
  EXPECT_NEAR(*spots.back().y, 1000, 8);
  EXPECT_NEAR(percentile_x(0.99), 2, 1e-9);
  for (std::size_t i = 1; i < spots.size(); ++i) {
    EXPECT_GT(spots[i].x, spots[i - 1].x);
    EXPECT_GE(*spots[i].y, *spots[i - 1].y);
  }
}

TEST(Markup, LeavesTextTextAndXmlXml) {
  EXPECT_EQ(escaped("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
  EXPECT_EQ(escaped("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
  for (const char* broken :
       {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x01", "\x1b", "\xC3", "\x7F"}) {
    const std::string out = escaped(std::string("a") + broken + "b");
    EXPECT_EQ(out.front(), 'a');
    EXPECT_EQ(out.back(), 'b');
    EXPECT_EQ(out.find_first_not_of("?", 1), out.size() - 1) << out;
  }
  EXPECT_EQ(escaped("a\tb\nc"), "a b\nc");
}

}  // namespace
}  // namespace ringroom::load
