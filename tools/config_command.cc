#include "tools/config_command.h"

#include <cstdio>
#include <string_view>
#include <variant>

#include "realtime/config.h"
#include "tools/options.h"

namespace ringroom::tools {

namespace {

using realtime::Config;
using realtime::Option;

std::string_view origin_name(Origin origin) {
  switch (origin) {
    case Origin::defaults:
      return "default";
    case Origin::file:
      return "file";
    case Origin::environment:
      return "environment";
    case Origin::flag:
      break;
  }
  return "flag";
}

bool is_secret(const Option& option) {
  return std::holds_alternative<realtime::Secret>(option.value);
}

// A value as the file has it.
std::string toml_value(const Config& config, const Option& option) {
  std::string text = realtime::print(config, option);
  if (std::holds_alternative<realtime::Switch>(option.value)) return text;
  if (const auto* number = std::get_if<realtime::Number>(&option.value))
    if (number->unit == realtime::Unit::count || config.*number->field == 0) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

void show(const Loaded& loaded) {
  for (std::size_t i = 0; i < realtime::options.size(); ++i) {
    const Option& option = realtime::options[i];
    const std::string line = (is_secret(option) ? "# " : "") + std::string(option.name) + " = " +
                             (is_secret(option) ? realtime::print(loaded.config, option)
                                                : toml_value(loaded.config, option));
    std::printf("%-48s # %s\n", line.c_str(), std::string(origin_name(loaded.origins[i])).c_str());
  }
}

constexpr std::string_view usage =
    "usage: ringroom config show|check|defaults|docs [flags of serve]";

}  // namespace

std::string config_defaults() {
  std::string out;
  for (const Option& option : realtime::options) {
    out += "# " + std::string(option.help) + "\n# " + realtime::accepted(option) + "\n";
    out += (realtime::print(Config{}, option).empty() ? "#" : "") + std::string(option.name) +
           " = " + toml_value(Config{}, option) + "\n\n";
  }
  return out;
}

std::string config_markdown() {
  std::string out =
      "# Configuration\n\n"
      "Printed from the option table by `ringroom config docs`; a test compares the two.\n\n"
      "A flag wins over a variable, a variable over the file, the file over the default. The file "
      "is TOML and named by `--config` or `RINGROOM_CONFIG`; its keys are the names below. Sizes "
      "take `B`, `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB`; times take `ms`, `s`, `min`, `h`. A name "
      "that is no option is an error.\n\n"
      "* `ringroom config check [flags]` says what is wrong, with line and column, and exits with "
      "2.\n"
      "* `ringroom config show [flags]` prints what would be used and where it comes from.\n"
      "* `ringroom config defaults` prints a file to start from.\n\n"
      "| Option | Variable | Takes | Default | |\n|---|---|---|---|---|\n";
  for (const Option& option : realtime::options) {
    const std::string value = realtime::print(Config{}, option);
    out += "| `" + std::string(option.name) + "` | `" + realtime::environment_name(option) +
           "` | " + realtime::accepted(option) + " | " + (value.empty() ? "" : "`" + value + "`") +
           " | " + std::string(option.help) + " |\n";
  }
  return out;
}

int config_command(int argc, const char* const* argv, const char* const* environment) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "defaults" || what == "docs") {
    std::fputs((what == "docs" ? config_markdown() : config_defaults()).c_str(), stdout);
    return 0;
  }
  if (what != "show" && what != "check")
    return report({.text = std::string(usage), .exit_code = exit_usage});
  const auto loaded = load_with_origins(argc - 1, argv + 1, environment);
  if (!loaded) return report(loaded.error());
  if (what == "show") {
    show(*loaded);
    return 0;
  }
  for (const std::string_view note : realtime::notes(loaded->config))
    std::printf("note: %s\n", std::string(note).c_str());
  std::puts("the configuration is good");
  return 0;
}

}  // namespace ringroom::tools
