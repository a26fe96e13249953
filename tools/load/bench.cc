#include "tools/load/bench.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/load/coordinator.h"
#include "tools/load/page.h"
#include "tools/load/report.h"
#include "tools/load/scenario.h"

namespace ringroom::load {
namespace {

enum ExitCode : int { held = 0, failed = 1, wrong_usage = 2, signalled = 128 };
constexpr char exit_codes[] =
    "exit code: 0 all that must hold holds, 1 something does not or the run failed, 2 wrong "
    "usage,\n"
    "130 interrupted by SIGINT, 143 by SIGTERM: the report is of what was measured until then.\n";

int complain(int code, const std::string& sentence) {
  std::fprintf(stderr, "bench: %s\n", sentence.c_str());
  return code;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// bench/scenarios/echo-20B.conf is called echo-20B.
std::string name_of(std::string_view path) {
  const std::string_view file = path.substr(path.find_last_of('/') + 1);
  return std::string(file.substr(0, file.rfind(".conf")));
}

std::optional<sockaddr_in> read_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, wrong] = std::from_chars(text.data() + colon + 1, end, port);
  if (wrong != std::errc{} || rest != end || port == 0) return std::nullopt;
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    return std::nullopt;
  address.sin_port = htons(port);
  return address;
}

// As a shell would want it, so that a report's command can be run again.
std::string quoted(std::string_view word) {
  const bool plain = std::ranges::all_of(word, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-_=+:,./@%{}").find(c) != std::string_view::npos;
  });
  if (plain && !word.empty()) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') out += "'\\'";
    out += c;
  }
  return out + "'";
}

std::string now_as_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char out[40];
  const std::size_t bytes = std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S %z", &parts);
  return {out, bytes};
}

// The file first, so that flags override it wherever they stand.
Outcome<ScenarioError> read_arguments(Scenario& scenario, std::span<char*> arguments) {
  std::vector<std::pair<std::string, std::string>> flags;
  bool file_read = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string argument = arguments[i];
    if (argument.starts_with("--")) {
      const std::size_t equals = argument.find('=');
      if (equals != std::string::npos) {
        flags.emplace_back(argument.substr(2, equals - 2), argument.substr(equals + 1));
      } else if (i + 1 < arguments.size()) {
        flags.emplace_back(argument.substr(2), arguments[++i]);
      } else {
        return fail(ScenarioError{argument + ": expected a value"});
      }
      continue;
    }
    if (file_read) return fail(ScenarioError{argument + ": one scenario at a time"});
    const auto text = read_file(argument);
    if (!text) return fail(ScenarioError{argument + ": cannot be read"});
    auto outcome = read_scenario(scenario, argument, *text);
    if (!outcome) return outcome;
    scenario.name = name_of(argument);
    file_read = true;
  }
  for (const auto& [key, value] : flags) {
    auto outcome = set_flag(scenario, key, value);
    if (!outcome) return outcome;
  }
  return check_together(scenario);
}

}  // namespace

int run_bench(int argc, char** argv) {
  const std::span<char*> arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  std::string command = "ringroom bench";
  for (const char* argument : arguments) {
    if (std::string_view(argument) == "--help") {
      std::printf("usage: ringroom bench [SCENARIO.conf] [--key value ...]\n\n%s\nmust: ",
                  scenario_manual().c_str());
      for (const std::string_view name : measure_names()) {
        std::printf("%.*s ", static_cast<int>(name.size()), name.data());
      }
      std::printf("\n\n%s", exit_codes);
      return held;
    }
    command.append(" ").append(quoted(argument));
  }

  Scenario scenario;
  const auto outcome = read_arguments(scenario, arguments);
  if (!outcome) return complain(wrong_usage, outcome.error().sentence);
  const auto server = read_address(scenario.server);
  if (!server) {
    return complain(wrong_usage,
                    "server: expected an IPv4 address and port such as 127.0.0.1:8000");
  }

  const auto run = run_scenario(scenario, *server);
  if (!run) {
    const int signal = run.error().interrupted_by;
    return complain(signal != 0 ? signalled + signal : failed, run.error().sentence);
  }
  const Report report = make_report(scenario, *run);
  std::fputs(to_text(scenario, *run, report).c_str(), stdout);
  struct Paper {
    const char* key;
    const std::string& file;
    std::string (*write)(const Scenario&, const Run&, const Report&, std::string_view command);
  };
  const Paper papers[] = {
      {"json", scenario.json, to_json},
      {"html", scenario.html,
       [](const Scenario& of, const Run& ran, const Report& as, std::string_view by) {
         return to_html(of, ran, as, by, now_as_text());
       }},
      {"svg", scenario.svg,
       [](const Scenario& of, const Run& ran, const Report& as, std::string_view) {
         return to_svg(of, ran, as);
       }}};
  for (const Paper& paper : papers) {
    if (paper.file.empty()) continue;
    std::ofstream file(paper.file);
    file << paper.write(scenario, *run, report, command);
    if (file.flush()) continue;
    return complain(failed, std::string(paper.key) + ": " + paper.file + " cannot be written");
  }
  if (run->interrupted_by != 0) return signalled + run->interrupted_by;
  return report.all_hold() ? held : failed;
}

}  // namespace ringroom::load
