#include "realtime/config.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "realtime/config_file.h"

namespace ringroom::realtime {
namespace {

Outcome<Complaint> set(Config& config, std::string_view name, std::string_view text) {
  return assign(config, *find_option(name), text);
}

std::string complaint_about(std::string_view name, std::string_view text) {
  Config config;
  const auto done = set(config, name, text);
  return done ? "accepted" : done.error().sentence;
}

std::string complaint_about_file(std::string_view text) {
  Config config;
  const auto done = read_file_text(config, text, "r.toml");
  return done ? "accepted" : done.error().sentence;
}

// A file that is gone with the test.
class TextFile {
 public:
  explicit TextFile(std::string_view text) : fd_(memfd_create("secret", MFD_CLOEXEC)) {
    EXPECT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  ~TextFile() { close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

TEST(Config, TakesItsOwnDefaultsBack) {
  const Config defaults;
  for (const Option& option : options) {
    Config config;
    const std::string text = print(defaults, option);
    EXPECT_TRUE(assign(config, option, text)) << option.name << " = " << text;
    EXPECT_EQ(print(config, option), text) << option.name;
  }
  Config config;
  EXPECT_TRUE(settle(config));
}

TEST(Config, HasANameAndASentenceForEveryOption) {
  for (const Option& option : options) {
    EXPECT_EQ(find_option(option.name), &option) << "two options are called " << option.name;
    ASSERT_FALSE(option.help.empty());
    EXPECT_EQ(option.help.back(), '.') << option.name;
  }
}

TEST(Config, AcceptsBothEndsOfEveryRangeAndNothingBeyond) {
  for (const Option& option : options) {
    const auto* row = std::get_if<Number>(&option.value);
    if (row == nullptr) continue;
    Config config;
    for (const std::uint64_t value : {row->min, row->max}) {
      EXPECT_TRUE(assign(config, option, std::to_string(value))) << option.name << " " << value;
      EXPECT_EQ(config.*row->field, value);
    }
    EXPECT_FALSE(assign(config, option, std::to_string(row->max + 1))) << option.name;
    if (row->min > 0) {
      EXPECT_FALSE(assign(config, option, std::to_string(row->min - 1)));
    }
    EXPECT_EQ(config.*row->field, row->max) << "a refused value changed " << option.name;
  }
}

TEST(Config, ReadsAmountsWithUnits) {
  Config config;
  ASSERT_TRUE(set(config, "max-message-bytes", "1MiB"));
  ASSERT_TRUE(set(config, "ping-interval-ms", "30s"));
  EXPECT_EQ(config.message_bytes_max, 1u << 20);
  EXPECT_EQ(config.ping_interval_ms, 30'000u);
}

TEST(Config, ReadsAddresses) {
  struct Case {
    std::string_view text;
    Address address;
  };
  for (const auto& [text, address] :
       {Case{"127.0.0.1:8000", {"127.0.0.1", 8000}}, Case{"0.0.0.0:1", {"0.0.0.0", 1}},
        Case{"localhost:0", {"127.0.0.1", 0}}, Case{"[::1]:65535", {"::1", 65535}},
        Case{"[::]:80", {"::", 80}}}) {
    Config config;
    EXPECT_TRUE(set(config, "listen", text)) << text;
    EXPECT_EQ(config.listen, address) << text;
  }
  for (const std::string_view text :
       {"", ":", "8000", ":8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:80x", "::1:80", "[::1]", "[127.0.0.1]:80", "[]:80", "example.com:80", "1.2.3:80",
        "127.0.0.1:80 "}) {
    Config config;
    EXPECT_FALSE(set(config, "listen", text)) << text;
  }
}

TEST(Config, SaysWhatItWouldHaveTaken) {
  EXPECT_EQ(complaint_about("max-message-bytes", "32MiB"),
            "max-message-bytes must be 128B to 16MiB, not \"32MiB\"");
  EXPECT_EQ(complaint_about("echo", "maybe"), "echo must be true or false, not \"maybe\"");
  EXPECT_EQ(complaint_about("log-level", "loud"),
            "log-level must be trace, debug, info, warning, error, not \"loud\"");
  EXPECT_EQ(complaint_about("cores", "257"), "cores must be 0 to 256, not \"257\"");
}

TEST(Config, FindsTheOptionASlipWasMeantToBe) {
  struct Case {
    std::string_view text, meant;
  };
  for (const auto& [text, meant] :
       {Case{"lissen", "listen"}, Case{"max-message-byte", "max-message-bytes"},
        Case{"MAX_MESSAGE_BYTES", "max-message-bytes"}, Case{"ping-interval", "ping-interval-ms"},
        Case{"rooms-per-connections", "rooms-per-connection-max"}, Case{"core", "cores"}}) {
    const Option* nearest = nearest_option(text);
    ASSERT_NE(nearest, nullptr) << text;
    EXPECT_EQ(nearest->name, meant) << text;
  }
  EXPECT_EQ(nearest_option("colour"), nullptr);
  EXPECT_EQ(nearest_option(""), nullptr);
  EXPECT_EQ(nearest_option(std::string(100'000, 'x')), nullptr);
}

TEST(Config, IsNamedInCapitalsInTheEnvironment) {
  EXPECT_EQ(environment_name(*find_option("max-message-bytes")), "RINGROOM_MAX_MESSAGE_BYTES");
}

// What settle() says of it; empty: nothing.
std::string complaint_when_settled(Config config) {
  const auto done = settle(config);
  return done ? "" : done.error().sentence;
}

TEST(Config, RefusesKeysThatCanBeGuessedWhereverTheyCanBeTried) {
  const std::string good = "bXlzZWNyZXRpc2xvbmc5OQ", bad = "change-me-1234567890";
  for (const std::string_view name : {"api-key", "admin-key"}) {
    for (const bool is_outside : {false, true}) {
      Config config;
      config.admin = true;
      config.admin_key = "another bXlzZWNyZXRpc2xv";
      if (is_outside) config.listen.host = config.admin_listen.host = "0.0.0.0";
      config.listen.port = 1;
      (name == "api-key" ? config.api_key : config.admin_key) = good;
      EXPECT_EQ(complaint_when_settled(config), "") << name;
      (name == "api-key" ? config.api_key : config.admin_key) = bad;
      const std::string complaint = complaint_when_settled(config);
      EXPECT_EQ(complaint.empty(), !is_outside) << complaint;
      if (!is_outside) continue;
      EXPECT_EQ(complaint.find(std::string(name) + " can be guessed"), 0u) << complaint;
      EXPECT_EQ(complaint.find(bad), std::string::npos) << "it tells the key";
    }
  }
  Config config;
  config.listen.host = "::";
  config.token_hmac_secret = "change-me-change-me-change-me-change-me";
  EXPECT_NE(complaint_when_settled(config), "");
  config.listen.host = "::1";
  EXPECT_EQ(complaint_when_settled(config), "");
}

TEST(Config, AdminListensOutsideOnlyWithAKeyOfItsOwn) {
  Config config;
  config.admin = true;
  EXPECT_EQ(complaint_when_settled(config), "");
  config.admin_listen.host = "10.0.0.1";
  EXPECT_NE(complaint_when_settled(config).find("admin-key"), std::string::npos);
  config.api_key = "bXlzZWNyZXRpc2xvbmc5OQ";
  EXPECT_NE(complaint_when_settled(config), "") << "the key of the API is none";
  config.admin_key = config.api_key;
  EXPECT_NE(complaint_when_settled(config).find("the same"), std::string::npos);
  config.admin_key = "another bXlzZWNyZXRpc2xv";
  EXPECT_EQ(complaint_when_settled(config), "");
  config.insecure_dev = true;
  EXPECT_NE(complaint_when_settled(config).find("insecure-dev"), std::string::npos);
}

TEST(Config, PathsOfTheAdminListenerNeedOne) {
  Config config;
  config.internal_api = true;
  EXPECT_NE(complaint_when_settled(config).find("internal-api"), std::string::npos);
  config.admin = true;
  EXPECT_EQ(complaint_when_settled(config), "");
  config.admin_listen = config.listen;
  EXPECT_NE(complaint_when_settled(config).find("same address"), std::string::npos);
}

TEST(Config, ReadsFurtherKeysFromTheirFiles) {
  const TextFile one("first key\n"), two("second key\n"), again("first key\n");
  Config config;
  ASSERT_TRUE(set(config, "access-key", "a:publish:" + one.path() + ",b:read+rooms:" + two.path()));
  EXPECT_EQ(complaint_when_settled(config), "");
  ASSERT_TRUE(settle(config));
  EXPECT_EQ(config.access_keys[0].secret, "first key");
  EXPECT_EQ(print(config, *find_option("access-key")).find("first key"), std::string::npos);
  ASSERT_TRUE(set(config, "access-key", "a:publish:" + one.path() + ",b:read:" + again.path()));
  EXPECT_NE(complaint_when_settled(config).find("the same"), std::string::npos);
  ASSERT_TRUE(set(config, "access-key", "a:publish:/nonexistent/key"));
  EXPECT_NE(complaint_when_settled(config).find("/nonexistent/key"), std::string::npos);
  EXPECT_FALSE(set(config, "access-key", "a:publish:/f,a:read:/g"));
}

TEST(Config, NeverPrintsASecret) {
  Config config;
  ASSERT_TRUE(set(config, "api-key", "hunter2"));
  EXPECT_EQ(print(config, *find_option("api-key")), "(set)");
  EXPECT_EQ(print(Config{}, *find_option("api-key")), "");
}

TEST(Config, RefusesATokenSecretShorterThanItsHash) {
  for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
    Config config;
    config.token_hmac_algorithm = algorithm;
    config.token_hmac_secret = std::string(row_of(algorithm).bytes - 1, 's');
    EXPECT_FALSE(settle(config));
    config.token_hmac_secret += 's';
    EXPECT_TRUE(settle(config));
  }
}

TEST(Config, ReadsASecretFromItsFileWithoutTheEndOfLine) {
  const TextFile file("0123456789abcdef0123456789abcdef\r\n");
  Config config;
  config.token_hmac_secret_file = file.path();
  ASSERT_TRUE(settle(config));
  EXPECT_EQ(config.token_hmac_secret, "0123456789abcdef0123456789abcdef");
}

TEST(Config, RefusesASecretGivenTwiceOrAFileThatHoldsNone) {
  const TextFile empty("\n");
  Config config;
  config.api_key_file = empty.path();
  EXPECT_NE(settle(config).error().sentence.find("is empty"), std::string::npos);

  config = {};
  config.api_key = "k";
  config.api_key_file = empty.path();
  EXPECT_EQ(settle(config).error().sentence,
            "api-key and api-key-file are both set: remove one of them");

  config = {};
  config.api_key_file = "/nonexistent/key";
  EXPECT_EQ(settle(config).error().sentence,
            "api-key-file /nonexistent/key cannot be read: No such file or directory");

  config = {};
  config.api_key_file = "/";
  EXPECT_EQ(settle(config).error().sentence, "api-key-file / cannot be read: Is a directory");

  const TextFile huge(std::string(64 * 1024 + 1, 'x'));
  config = {};
  config.api_key_file = huge.path();
  EXPECT_NE(settle(config).error().sentence.find("too long"), std::string::npos);
}

TEST(Config, GrowsTheDefaultQueueWithTheMessagesAndRefusesAChosenOneThatIsTooSmall) {
  Config config;
  config.message_bytes_max = 1024 * 1024;
  ASSERT_TRUE(settle(config));
  EXPECT_EQ(config.queue_bytes_max, 2u * 1024 * 1024);

  config = {};
  config.queue_bytes_max = 2 * config.message_bytes_max;
  EXPECT_TRUE(settle(config));
  --config.queue_bytes_max;
  EXPECT_EQ(settle(config).error().sentence,
            "queue-bytes-max must be at least twice max-message-bytes, 128KiB, not 131071B");
}

TEST(Config, WaitsForLatencyOrForPowerButNotForBoth) {
  Config config;
  config.low_latency = true;
  EXPECT_TRUE(settle(config));
  config.low_power = true;
  EXPECT_EQ(settle(config).error().sentence,
            "low-latency and low-power exclude each other: set one of them or neither");
  config.low_latency = false;
  EXPECT_TRUE(settle(config));
}

TEST(Config, LetsEverybodyInOnlyOnALoopbackAddress) {
  struct Case {
    std::string host;
    bool allowed;
  };
  for (const auto& [host, allowed] :
       {Case{"127.0.0.1", true}, Case{"127.9.9.9", true}, Case{"::1", true},
        Case{"::ffff:127.0.0.1", true}, Case{"0.0.0.0", false}, Case{"::", false},
        Case{"10.0.0.1", false}, Case{"128.0.0.1", false}, Case{"::ffff:10.0.0.1", false},
        Case{"126.255.255.255", false}}) {
    Config config;
    config.insecure_dev = true;
    config.listen.host = host;
    EXPECT_EQ(settle(config).has_value(), allowed) << host;
    config.insecure_dev = false;
    EXPECT_TRUE(settle(config)) << host;
  }
}

TEST(ConfigFile, AssignsEachKeyInItsType) {
  Config config;
  ASSERT_TRUE(read_file_text(config,
                             "# a comment\n"
                             "listen = \"0.0.0.0:9000\"\n"
                             "cores = 2\n"
                             "echo = true\n"
                             "max-message-bytes = \"1MiB\"\n"
                             "ping-interval-ms = 1000\n"
                             "log-format = \"json\"\n",
                             "r.toml"));
  EXPECT_EQ(config.listen, (Address{"0.0.0.0", 9000}));
  EXPECT_EQ(config.cores, 2u);
  EXPECT_TRUE(config.echo);
  EXPECT_EQ(config.message_bytes_max, 1u << 20);
  EXPECT_EQ(config.ping_interval_ms, 1'000u);
  EXPECT_EQ(config.log_format, Log::Format::json);
  EXPECT_EQ(config.rooms_per_connection_max, Config{}.rooms_per_connection_max);
}

TEST(ConfigFile, SaysWhereItIsWrong) {
  EXPECT_EQ(complaint_about_file("cores = 1\nlissen = \"x\"\n"),
            "r.toml:2:1: there is no option `lissen`; did you mean `listen`?");
  EXPECT_EQ(complaint_about_file("\n  colour = 1"), "r.toml:2:3: there is no option `colour`");
  EXPECT_EQ(complaint_about_file("cores = 300"), "r.toml:1:9: cores must be 0 to 256, not \"300\"");
  EXPECT_EQ(complaint_about_file("cores = -1"), "r.toml:1:9: cores must be 0 to 256, not \"-1\"");
  EXPECT_EQ(complaint_about_file("cores = 1.5"),
            "r.toml:1:9: cores must be 0 to 256, not a number with a fraction");
  EXPECT_EQ(complaint_about_file("echo = \"true\""),
            "r.toml:1:8: echo must be true or false, not a string");
  EXPECT_EQ(complaint_about_file("echo = 1"),
            "r.toml:1:8: echo must be true or false, not an integer");
  EXPECT_EQ(complaint_about_file("log-level = true"),
            "r.toml:1:13: log-level must be trace, debug, info, warning, error, not true or false");
  EXPECT_EQ(complaint_about_file("listen = [\"127.0.0.1:1\"]"),
            "r.toml:1:10: listen must be an IP address and a port, such as 0.0.0.0:8000 or "
            "[::1]:8000, not an array");
  EXPECT_EQ(complaint_about_file("[server]\ncores = 1"), "r.toml:1:2: there is no option `server`");
}

TEST(ConfigFile, SaysWhereItIsNotToml) {
  EXPECT_EQ(complaint_about_file("cores = 1\necho = \n").substr(0, 9), "r.toml:2:");
  EXPECT_EQ(complaint_about_file("cores = 1\ncores = 2\n").substr(0, 9), "r.toml:2:");
}

TEST(ConfigFile, TakesAnyPrefixOfItselfOrSaysWhy) {
  const std::string text = "listen = \"[::1]:80\"\ncores = 2\necho = true # yes\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    Config config;
    const auto done = read_file_text(config, std::string_view(text).substr(0, size), "r.toml");
    if (!done) {
      EXPECT_EQ(done.error().sentence.substr(0, 7), "r.toml:") << size;
    }
  }
}

Config read_and_settled(std::string_view text) {
  Config config;
  EXPECT_TRUE(read_file_text(config, text, "r.toml"));
  const auto done = settle(config);
  EXPECT_TRUE(done) << done.error().sentence;
  return config;
}

TEST(Reload, TakesWhatAppliesAtOnceAndKeepsTheRestAsItWas) {
  const Config now = read_and_settled(
      "cores = 2\ndrain-ms = 1000\ntoken-audience = \"a\"\nmax-message-bytes = 1024\n"
      "[namespace.default]\nhistory-count = 1\n[quiet-hours.night]\n");
  const auto reloaded = reload(
      now, read_and_settled("cores = 3\ndrain-ms = 2000\ntoken-audience = \"a\"\n"
                            "max-message-bytes = 2048\n[namespace.default]\nhistory-count = 2\n"
                            "[quiet-hours.night]\nfrom = \"22:00\"\n"));
  ASSERT_TRUE(reloaded) << reloaded.error().sentence;
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(reloaded->changed, (Names{"drain-ms", "namespace"}));
  EXPECT_EQ(reloaded->waiting, (Names{"cores", "max-message-bytes", "quiet-hours"}));
  EXPECT_EQ(reloaded->config.cores, 2u);
  EXPECT_EQ(reloaded->config.message_bytes_max, 1024u);
  EXPECT_EQ(reloaded->config.drain_ms, 2000u);
  EXPECT_EQ(reloaded->config.namespaces.at(0).history_count, 2u);
  EXPECT_EQ(reloaded->config.quiet_hours.at(0).from, "00:00");
}

TEST(Reload, RefusesWhatDoesNotGoWithWhatHasToStay) {
  const Config now = read_and_settled("queue-bytes-max = \"256KiB\"\n");
  const auto reloaded =
      reload(now, read_and_settled("queue-bytes-max = \"4MiB\"\n[namespace.user]\n"
                                   "offline-bytes = \"1MiB\"\n"));
  ASSERT_FALSE(reloaded);
  EXPECT_NE(reloaded.error().sentence.find("offline-bytes"), std::string::npos);
}

TEST(Reload, SwitchesNothingOffThatIsOn) {
  const Config now = read_and_settled("[namespace.default]\npresence = true\n");
  const auto reloaded =
      reload(now, read_and_settled("off = [\"presence\"]\n[namespace.default]\npresence = true\n"));
  ASSERT_TRUE(reloaded);
  EXPECT_TRUE(reloaded->changed.empty());
  EXPECT_EQ(reloaded->waiting, std::vector<std::string_view>{"off"});
  EXPECT_TRUE(reloaded->config.namespaces.at(0).presence);
}

TEST(Reload, ChangesNothingWhereNothingIsChanged) {
  const std::string_view text = "drain-ms = 1000\nlimit = [\"message/user=1/1s\"]\n";
  const auto reloaded = reload(read_and_settled(text), read_and_settled(text));
  ASSERT_TRUE(reloaded);
  EXPECT_TRUE(reloaded->changed.empty() && reloaded->waiting.empty());
}

TEST(Off, TakesOptionsOfNamespacesAlong) {
  const Config config = read_and_settled(
      "off = [\"history\", \"state\", \"presence\", \"offline\"]\n[namespace.user]\n"
      "history-count = 1\nstate-keys = 1\npresence = true\n");
  const Namespace& user = config.namespaces.at(0);
  EXPECT_EQ(user.history_count + user.state_keys + user.offline_count, 0u);
  EXPECT_FALSE(user.presence);
}

}  // namespace
}  // namespace ringroom::realtime
