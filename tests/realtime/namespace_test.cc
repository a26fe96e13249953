#include "realtime/namespace.h"

#include <gtest/gtest.h>

#include "realtime/config.h"
#include "realtime/config_file.h"

namespace ringroom::realtime {
namespace {

// The namespaces that these texts configure, each as a flag would give it.
Namespaces configured(std::vector<std::string_view> texts, bool insecure_dev = false) {
  std::vector<ChosenNamespace> chosen;
  for (const std::string_view text : texts) {
    const auto done = choose(chosen, text);
    EXPECT_TRUE(done) << done.error().sentence;
  }
  return Namespaces(settle_namespaces(chosen, insecure_dev), insecure_dev);
}

std::string complaint_about(std::string_view text) {
  std::vector<ChosenNamespace> chosen;
  const auto done = choose(chosen, text);
  return done ? "accepted" : done.error().sentence;
}

TEST(NamespaceOptions, TakeTheirOwnDefaultsBack) {
  for (const NamespaceOption& option : namespace_options) {
    Namespace options;
    const std::string text = print(Namespace{}, option);
    EXPECT_TRUE(assign(options, option, text)) << option.name << " = " << text;
    EXPECT_EQ(print(options, option), text) << option.name;
    EXPECT_EQ(find_row(namespace_options, option.name), &option) << "two are called alike";
    EXPECT_EQ(option.help.back(), '.') << option.name;
  }
}

TEST(NamespaceOptions, AcceptBothEndsOfEveryRangeAndNothingBeyond) {
  for (const NamespaceOption& option : namespace_options) {
    const auto* row = std::get_if<NamespaceOption::Number>(&option.value);
    if (row == nullptr) continue;
    Namespace options;
    for (const std::uint64_t value : {row->min, row->max}) {
      EXPECT_TRUE(assign(options, option, std::to_string(value))) << option.name << " " << value;
      EXPECT_EQ(options.*row->field, value);
    }
    EXPECT_FALSE(assign(options, option, std::to_string(row->max + 1))) << option.name;
    if (row->min > 0) {
      EXPECT_FALSE(assign(options, option, std::to_string(row->min - 1))) << option.name;
    }
  }
}

TEST(NamespaceOptions, AreReadFromOneTextAndPrintedAsIt) {
  const std::string_view text =
      "quote:history-count=100,presence=true,slow-consumer=keep-latest,ephemeral-interval-ms=50ms";
  std::vector<ChosenNamespace> chosen;
  ASSERT_TRUE(choose(chosen, text));
  const Namespace& quote = chosen.at(0).options;
  EXPECT_EQ(quote.name, "quote");
  EXPECT_EQ(quote.history_count, 100u);
  EXPECT_TRUE(quote.presence);
  EXPECT_EQ(quote.slow_consumer, SlowPolicy::keep_latest);
  EXPECT_EQ(quote.ephemeral_interval_ms, 50u);
  std::vector<ChosenNamespace> again;
  ASSERT_TRUE(choose(again, print(chosen[0])));
  EXPECT_EQ(print(again[0]), print(chosen[0]));
}

TEST(NamespaceOptions, GiveTypesPacesOfTheirOwn) {
  std::vector<ChosenNamespace> chosen;
  ASSERT_TRUE(choose(chosen,
                     "quote:type-interval=quote_update:100ms a:b:50,"
                     "type-debounce=search_text:300ms/2s,type-interval=trade:1s"));
  const TypePaces& paces = chosen.at(0).options.paces;
  ASSERT_NE(paces.find("quote_update"), nullptr);
  EXPECT_EQ(paces.find("quote_update")->interval_ms, 100u);
  EXPECT_EQ(paces.find("a:b")->interval_ms, 50u);
  EXPECT_EQ(paces.find("trade")->interval_ms, 1'000u);
  EXPECT_EQ(paces.find("search_text")->interval_ms, 0u);
  EXPECT_EQ(paces.find("search_text")->quiet_ms, 300u);
  EXPECT_EQ(paces.find("search_text")->waiting_ms_max, 2'000u);
  EXPECT_EQ(paces.find("room_message"), nullptr);
  EXPECT_EQ(print(chosen[0]),
            "quote:type-interval=quote_update:100ms a:b:50ms trade:1s,"
            "type-debounce=search_text:300ms/2s");
  ASSERT_TRUE(choose(chosen, "quote:type-interval=trade:2s,type-debounce=trade:10/20"));
  EXPECT_EQ(chosen[0].options.paces.find("trade")->interval_ms, 2'000u);
  EXPECT_EQ(chosen[0].options.paces.find("trade")->quiet_ms, 10u);
}

TEST(NamespaceOptions, RefuseAPaceThatIsNone) {
  for (const std::string_view text :
       {"quote_update", "quote_update:", "quote_update:0", "quote_update:61s", ":100ms",
        "Quote:100ms", "a b", "typing_indicator:100ms", "quote_update:100ms/1s"})
    EXPECT_NE(complaint_about("quote:type-interval=" + std::string(text)), "accepted") << text;
  for (const std::string_view text : {"x:100ms", "x:100ms/", "x:100ms/99ms", "x:0/1s", "x:/1s"})
    EXPECT_NE(complaint_about("quote:type-debounce=" + std::string(text)), "accepted") << text;
  EXPECT_EQ(complaint_about("quote:type-debounce=x:100ms/100ms"), "accepted");
}

TEST(NamespaceOptions, GiveOnlySoManyTypesAPace) {
  std::vector<ChosenNamespace> chosen;
  for (int n = 0; n < 64; ++n)
    ASSERT_TRUE(choose(chosen, "quote:type-interval=t" + std::to_string(n) + ":1s"));
  EXPECT_FALSE(choose(chosen, "quote:type-interval=one_more:1s"));
  EXPECT_TRUE(choose(chosen, "quote:type-interval=t0:2s"));
}

TEST(NamespaceOptions, AddUpWhenOneIsNamedAgain) {
  std::vector<ChosenNamespace> chosen;
  ASSERT_TRUE(choose(chosen, "quote:history-count=100,presence=true"));
  ASSERT_TRUE(choose(chosen, "quote:history-count=5"));
  ASSERT_EQ(chosen.size(), 1u);
  EXPECT_EQ(chosen[0].options.history_count, 5u);
  EXPECT_TRUE(chosen[0].options.presence);
}

TEST(NamespaceOptions, SayWhatIsWrongAndWhatWasMeant) {
  EXPECT_EQ(complaint_about("quote:histroy-count=1"),
            "namespace quote has no option `histroy-count`; did you mean `history-count`?");
  EXPECT_EQ(complaint_about("quote:history-count=many"),
            "namespace quote: history-count must be 0 to 1000000, not \"many\"");
  EXPECT_EQ(complaint_about("quote:history-count"),
            "namespace quote: `history-count` is no OPTION=VALUE");
  EXPECT_EQ(
      complaint_about("quote:slow-consumer=maybe"),
      "namespace quote: slow-consumer must be close, drop-oldest, keep-latest, not \"maybe\"");
  for (const std::string_view name : {"", ":presence=true", "a b", "a*", "\xc3\xa4"})
    EXPECT_NE(complaint_about(name).find("is no name of a namespace"), std::string::npos) << name;
  EXPECT_EQ(complaint_about(std::string(64, 'x')), "accepted");
  EXPECT_NE(complaint_about(std::string(65, 'x')), "accepted");
}

TEST(NamespaceOptions, AreOfSoManyNamespacesAndNoMore) {
  std::vector<ChosenNamespace> chosen;
  for (int i = 0; i < 256; ++i) ASSERT_TRUE(choose(chosen, "n" + std::to_string(i)));
  EXPECT_FALSE(choose(chosen, "one-more"));
  EXPECT_TRUE(choose(chosen, "n0:presence=true"));
}

TEST(Namespaces, BelongToTheFirstWordOfARoomsName) {
  const Namespaces namespaces = configured({"quote:history-count=5", "default:history-count=7"});
  struct Case {
    std::string_view room;
    std::uint64_t history_count;
  };
  for (const auto& [room, history_count] :
       {Case{"quote:eur", 5}, Case{"quote:eur:usd", 5}, Case{"quote:", 5}, Case{"quote", 7},
        Case{"lobby", 7}, Case{"quotes:eur", 7}, Case{"quot:eur", 7}, Case{"Quote:eur", 7},
        Case{":quote:eur", 7}, Case{"a:quote:b", 7}, Case{"default:x", 7}, Case{":", 7}}) {
    ASSERT_NE(namespaces.find(room), nullptr) << room;
    EXPECT_EQ(namespaces.find(room)->history_count, history_count) << room;
  }
}

TEST(Namespaces, AreAllThereIsUnlessADefaultIsConfigured) {
  const Namespaces strict = configured({"quote:presence=true"});
  EXPECT_NE(strict.find("quote:eur"), nullptr);
  for (const std::string_view room : {"chat:1", "lobby", "quote", ":x", "default:x", ""})
    EXPECT_EQ(strict.find(room), nullptr) << room;

  const Namespaces open = configured({"quote:presence=true", "default"});
  for (const std::string_view room : {"chat:1", "lobby", "quote", ":x", "default:x"})
    EXPECT_NE(open.find(room), nullptr) << room;
}

TEST(Namespaces, HaveTheBuiltInDefaultWhenNothingIsConfigured) {
  for (const Namespaces& namespaces : {configured({}), Namespaces({}, false)}) {
    ASSERT_NE(namespaces.find("a:b"), nullptr);
    EXPECT_EQ(namespaces.find("a:b"), namespaces.find("lobby"));
    for (const NamespaceOption& option : namespace_options)
      EXPECT_EQ(print(*namespaces.find("lobby"), option), print(Namespace{}, option))
          << option.name;
  }
}

TEST(Namespaces, TakeWhatTheyDoNotSayFromTheDefaultWhereverItStands) {
  for (const bool default_first : {true, false}) {
    const std::string_view fallback = "default:history-count=50,presence=true,state-keys=3";
    const std::string_view quote = "quote:history-count=0,members-max=9";
    const Namespaces namespaces =
        default_first ? configured({fallback, quote}) : configured({quote, fallback});
    const Namespace& options = *namespaces.find("quote:eur");
    EXPECT_EQ(options.name, "quote");
    EXPECT_EQ(options.history_count, 0u) << "said, though it is the built-in value";
    EXPECT_EQ(options.members_max, 9u);
    EXPECT_TRUE(options.presence);
    EXPECT_EQ(options.state_keys, 3u);
    EXPECT_EQ(namespaces.find("lobby")->members_max, 0u);
  }
}

TEST(Namespaces, RememberAndShowWhoIsThereInATryOut) {
  const Namespaces bare = configured({}, true);
  EXPECT_EQ(bare.find("lobby")->history_count, 100u);
  EXPECT_EQ(bare.find("lobby")->history_age_ms, 300'000u);
  EXPECT_TRUE(bare.find("a:b")->presence);

  const Namespaces with_one = configured({"quote:history-count=5"}, true);
  EXPECT_EQ(with_one.find("quote:eur")->history_count, 5u);
  EXPECT_TRUE(with_one.find("quote:eur")->presence);
  EXPECT_EQ(with_one.find("chat:1")->history_count, 100u);

  const Namespaces configured_off = configured({"default:presence=false"}, true);
  EXPECT_FALSE(configured_off.find("lobby")->presence);
  EXPECT_EQ(configured_off.find("lobby")->history_count, 100u);
}

std::string complaint_about_file(std::string_view text) {
  Config config;
  const auto done = read_file_text(config, text, "r.toml");
  return done ? "accepted" : done.error().sentence;
}

TEST(NamespaceFile, HasATableForEach) {
  Config config;
  ASSERT_TRUE(read_file_text(config,
                             "cores = 2\n"
                             "[namespace.quote]\n"
                             "history-count = 100\n"
                             "history-age-ms = \"5min\"\n"
                             "slow-consumer = \"drop-oldest\"\n"
                             "type-interval = [\"quote_update:100ms\", \"trade:1s\"]\n"
                             "type-debounce = \"search_text:300ms/2s\"\n"
                             "[namespace.default]\n"
                             "presence = true\n"
                             "[namespace.chat]\n",
                             "r.toml"));
  ASSERT_TRUE(settle(config));
  const Namespaces namespaces(config.namespaces, false);
  EXPECT_EQ(namespaces.find("quote:eur")->history_count, 100u);
  EXPECT_EQ(namespaces.find("quote:eur")->history_age_ms, 300'000u);
  EXPECT_EQ(namespaces.find("quote:eur")->slow_consumer, SlowPolicy::drop_oldest);
  EXPECT_EQ(namespaces.find("quote:eur")->paces.find("trade")->interval_ms, 1'000u);
  EXPECT_EQ(namespaces.find("quote:eur")->paces.find("search_text")->quiet_ms, 300u);
  EXPECT_TRUE(namespaces.find("quote:eur")->presence);
  EXPECT_EQ(namespaces.find("chat:1")->name, "chat");
  EXPECT_EQ(namespaces.find("lobby")->history_count, 0u);
}

TEST(NamespaceFile, SaysWhereItIsWrong) {
  EXPECT_EQ(complaint_about_file("[namespace.quote]\n  histroy-count = 1\n"),
            "r.toml:2:3: namespace quote has no option `histroy-count`; did you mean "
            "`history-count`?");
  EXPECT_EQ(complaint_about_file("[namespace.quote]\nhistory-count = -1\n"),
            "r.toml:2:17: namespace quote: history-count must be 0 to 1000000, not \"-1\"");
  EXPECT_EQ(complaint_about_file("[namespace.quote]\npresence = \"true\"\n"),
            "r.toml:2:12: namespace quote: presence must be true or false, not a string");
  EXPECT_EQ(
      complaint_about_file("[namespace.quote]\ntype-interval = [\"a:1s\", 7]\n").substr(0, 12),
      "r.toml:2:26:");
  EXPECT_EQ(complaint_about_file("namespace = 1\n"),
            "r.toml:1:13: namespace must be tables such as [namespace.quote], not an integer");
  EXPECT_EQ(complaint_about_file("[namespace]\nquote = 1\n"),
            "r.toml:2:1: `quote` must be a table, [namespace.quote], not an integer");
  EXPECT_EQ(complaint_about_file("[namespace.'a b']\n").substr(0, 12), "r.toml:1:12:");
  EXPECT_EQ(complaint_about_file("[namespace.a.b]\n").substr(0, 12), "r.toml:1:14:");
  EXPECT_EQ(complaint_about_file("[namespaces.quote]\n"),
            "r.toml:1:2: there is no option `namespaces`; did you mean `namespace`?");
}

}  // namespace
}  // namespace ringroom::realtime
