#include "tools/options.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ringroom::tools {
namespace {

// A file that is gone with the test.
class TextFile {
 public:
  explicit TextFile(std::string_view text) : fd_(memfd_create("config", MFD_CLOEXEC)) {
    EXPECT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  ~TextFile() { close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

Result<Loaded, Stop> load_from(std::vector<std::string> flags,
                               std::vector<std::string> variables = {}) {
  std::vector<const char*> argv{"serve"};
  for (const std::string& flag : flags) argv.push_back(flag.c_str());
  std::vector<const char*> environment{"PATH=/bin", "RINGROOMS=1"};
  for (const std::string& variable : variables) environment.push_back(variable.c_str());
  environment.push_back(nullptr);
  return load_with_origins(static_cast<int>(argv.size()), argv.data(), environment.data());
}

std::string complaint(std::vector<std::string> flags, std::vector<std::string> variables = {}) {
  const auto loaded = load_from(std::move(flags), std::move(variables));
  if (loaded) return "accepted";
  EXPECT_EQ(loaded.error().exit_code, exit_usage);
  return loaded.error().text;
}

Origin origin_of(const Loaded& loaded, std::string_view name) {
  return loaded
      .origins[static_cast<std::size_t>(realtime::find_option(name) - realtime::options.data())];
}

TEST(Options, AreTheDefaultsWhenNobodySaysAnything) {
  const auto loaded = load_from({});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.listen, realtime::Config{}.listen);
  for (const Origin origin : loaded->origins) EXPECT_EQ(origin, Origin::defaults);
}

TEST(Options, PreferFlagsToTheEnvironmentToTheFileToDefaults) {
  const TextFile file("cores = 2\nrooms-max = 200\nconnections-max = 20\n");
  const auto loaded = load_from({"--config", file.path(), "--cores", "4"},
                                {"RINGROOM_CORES=3", "RINGROOM_ROOMS_MAX=300"});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.cores, 4u);
  EXPECT_EQ(loaded->config.rooms_max, 300u);
  EXPECT_EQ(loaded->config.connections_max, 20u);
  EXPECT_EQ(origin_of(*loaded, "cores"), Origin::flag);
  EXPECT_EQ(origin_of(*loaded, "rooms-max"), Origin::environment);
  EXPECT_EQ(origin_of(*loaded, "connections-max"), Origin::file);
  EXPECT_EQ(origin_of(*loaded, "listen"), Origin::defaults);
}

TEST(Options, ReadEveryOptionFromAFlagAndFromAVariable) {
  for (const realtime::Option& option : realtime::options) {
    if (option.name.ends_with("-file") || option.name == "token-hmac-secret" ||
        option.name == "token-jwks-url" || option.name.ends_with("-role"))
      continue;
    std::string value = realtime::print(realtime::Config{}, option);
    if (std::holds_alternative<realtime::List>(option.value)) continue;  // below
    if (value.empty()) value = "x";
    const auto by_flag = load_from({"--" + std::string(option.name) + "=" + value});
    ASSERT_TRUE(by_flag) << option.name << ": " << by_flag.error().text;
    EXPECT_EQ(origin_of(*by_flag, option.name), Origin::flag);
    const auto by_variable = load_from({}, {realtime::environment_name(option) + "=" + value});
    ASSERT_TRUE(by_variable) << option.name << ": " << by_variable.error().text;
    EXPECT_EQ(origin_of(*by_variable, option.name), Origin::environment);
  }
}

TEST(Options, TakeASwitchWithAndWithoutAValue) {
  EXPECT_TRUE(load_from({"--echo"})->config.echo);
  EXPECT_TRUE(load_from({"--echo=true"})->config.echo);
  EXPECT_FALSE(load_from({"--echo=false"}, {"RINGROOM_ECHO=true"})->config.echo);
}

TEST(Options, TakeTheLastOfAFlagGivenTwice) {
  EXPECT_EQ(load_from({"--cores", "1", "--cores", "2"})->config.cores, 2u);
}

TEST(Options, ReadListsFromOneTextOrSeveralAndTakeTheLastSource) {
  const TextFile file(
      "trusted-proxy = [\"10.0.0.0/8\", \"::1\"]\nallowed-origin = \"https://a.com\"\n");
  const auto of = [](const Result<Loaded, Stop>& loaded, std::string_view name) {
    EXPECT_TRUE(loaded) << loaded.error().text;
    return realtime::print(loaded->config, *realtime::find_option(name));
  };
  const auto from_file = load_from({"-c", file.path()});
  EXPECT_EQ(of(from_file, "trusted-proxy"), "10.0.0.0/8,::1");
  EXPECT_EQ(of(from_file, "allowed-origin"), "https://a.com");
  EXPECT_EQ(origin_of(*from_file, "trusted-proxy"), Origin::file);
  EXPECT_EQ(of(load_from({"-c", file.path()}, {"RINGROOM_TRUSTED_PROXY=10.1.0.0/16, ::2"}),
               "trusted-proxy"),
            "10.1.0.0/16,::2");
  EXPECT_EQ(
      of(load_from({"--limit", "publish/user=1/1s", "--limit=join/user=2/1s sliding"}), "limit"),
      "publish/user=1/1s,join/user=2/1s sliding");
  EXPECT_NE(complaint({"--trusted-proxy", "10.0.0.0/8,10.0.0.1/8"}).find("\"10.0.0.1/8\""),
            std::string::npos);
}

TEST(Options, FindTheFileByVariableUnlessAFlagNamesOne) {
  const TextFile one("cores = 1\n"), two("cores = 2\n");
  EXPECT_EQ(load_from({}, {"RINGROOM_CONFIG=" + one.path()})->config.cores, 1u);
  EXPECT_EQ(load_from({"-c", two.path()}, {"RINGROOM_CONFIG=" + one.path()})->config.cores, 2u);
}

TEST(Options, AddUpNamespacesFromEveryWhere) {
  const TextFile file("[namespace.quote]\nhistory-count = 1\npresence = true\nstate-keys = 1\n");
  const auto loaded = load_from({"-c", file.path(), "--namespace", "quote:history-count=3",
                                 "--namespace=chat:presence=true", "--namespace", "default"},
                                {"RINGROOM_NAMESPACE=quote:history-count=2,state-keys=2;news"});
  ASSERT_TRUE(loaded) << loaded.error().text;
  const realtime::Namespaces namespaces(loaded->config.namespaces, false);
  const realtime::Namespace& quote = *namespaces.find("quote:eur");
  EXPECT_EQ(quote.history_count, 3u);
  EXPECT_EQ(quote.state_keys, 2u);
  EXPECT_TRUE(quote.presence);
  EXPECT_TRUE(namespaces.find("chat:1")->presence);
  EXPECT_EQ(namespaces.find("news:1")->name, "news");
  EXPECT_EQ(namespaces.find("lobby")->name, "");

  ASSERT_EQ(loaded->config.chosen_namespaces.at(0).options.name, "quote");
  const auto origin = [&](std::string_view option) {
    const auto* row = realtime::find_row(realtime::namespace_options, option);
    return loaded->namespace_origins.at(0).at(
        static_cast<std::size_t>(row - realtime::namespace_options.data()));
  };
  EXPECT_EQ(origin("history-count"), Origin::flag);
  EXPECT_EQ(origin("state-keys"), Origin::environment);
  EXPECT_EQ(origin("presence"), Origin::file);
  EXPECT_EQ(origin("members-max"), Origin::defaults);
}

TEST(Options, SayWhichNamespaceIsWrong) {
  EXPECT_EQ(complaint({"--namespace", "quote:presense=true"}),
            "namespace quote has no option `presense`; did you mean `presence`?");
  EXPECT_EQ(complaint({}, {"RINGROOM_NAMESPACE=quote:presence=maybe"}),
            "RINGROOM_NAMESPACE: namespace quote: presence must be true or false, not \"maybe\"");
}

TEST(Options, NameTheUnknownAndWhatWasProbablyMeant) {
  const TextFile file("lissen = \"127.0.0.1:1\"\n");
  EXPECT_EQ(complaint({"--lissen", "x"}), "there is no flag `--lissen`; did you mean `listen`?");
  EXPECT_EQ(complaint({"--lissen=x"}), "there is no flag `--lissen`; did you mean `listen`?");
  EXPECT_EQ(complaint({}, {"RINGROOM_LISSEN=x"}),
            "there is no option for the variable RINGROOM_LISSEN; did you mean RINGROOM_LISTEN?");
  EXPECT_EQ(complaint({"-c", file.path()}),
            file.path() + ":1:1: there is no option `lissen`; did you mean `listen`?");
  EXPECT_EQ(complaint({"extra"}), "`extra` is not a flag; see --help");
  EXPECT_EQ(complaint({"-x"}), "`-x` is not a flag; see --help");
}

TEST(Options, SayWhichVariableIsWrong) {
  EXPECT_EQ(complaint({}, {"RINGROOM_CORES=many"}),
            "RINGROOM_CORES: cores must be 0 to 256, not \"many\"");
  EXPECT_EQ(complaint({"--cores", "many"}), "cores must be 0 to 256, not \"many\"");
}

TEST(Options, RefuseAFlagWithoutItsValue) {
  EXPECT_EQ(complaint({"--cores"}), "--cores needs a value");
  EXPECT_EQ(complaint({"--cores="}), "--cores needs a value");
}

TEST(Options, RefuseAFileThatIsNotThere) {
  EXPECT_EQ(complaint({"-c", "/nonexistent.toml"}),
            "/nonexistent.toml: the configuration file cannot be read: No such file or directory");
}

TEST(Options, LetAnOrchestratorSetVariablesForAServiceOfOurName) {
  EXPECT_TRUE(load_from({}, {"RINGROOM_PORT=tcp://10.0.0.1:8000", "RINGROOM_SERVICE_HOST=10.0.0.1",
                             "RINGROOM_PORT_8000_TCP_ADDR=10.0.0.1"}));
}

TEST(Options, RefuseToLetEverybodyInFromOutside) {
  EXPECT_NE(complaint({"--insecure-dev", "--listen", "0.0.0.0:8000"}).find("insecure-dev"),
            std::string::npos);
  EXPECT_EQ(complaint({"--insecure-dev"}), "accepted");
}

TEST(Options, ExplainThemselvesOnRequest) {
  const auto help = load_from({"--help"});
  ASSERT_FALSE(help);
  EXPECT_EQ(help.error().exit_code, 0);
  for (const realtime::Option& option : realtime::options)
    EXPECT_NE(help.error().text.find("--" + std::string(option.name)), std::string::npos)
        << option.name;
}

}  // namespace
}  // namespace ringroom::tools
