#include "tools/config_command.h"

#include <cstdio>
#include <string_view>
#include <variant>

#include "realtime/access/token_keys.h"
#include "realtime/config.h"
#include "tools/options.h"

namespace ringroom::tools {

namespace {

using realtime::Config;
using realtime::Namespace;
using realtime::NamespaceOption;
using realtime::Option;
using realtime::QuietHours;
using realtime::QuietHoursOption;
using realtime::Role;
using realtime::RoleOption;

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

bool is_table(const Option& option) {
  return std::holds_alternative<realtime::Several>(option.value);
}

// A value as the file has it.
template <class Target>
std::string toml_value(const Target& target, const realtime::OptionRow<Target>& option) {
  using Row = realtime::OptionRow<Target>;
  std::string text = realtime::print(target, option);
  if (std::holds_alternative<typename Row::Switch>(option.value)) return text;
  if (const auto* number = std::get_if<typename Row::Number>(&option.value))
    if (number->unit == realtime::Unit::count || target.*number->field == 0) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

void show_line(const std::string& line, std::string_view origin) {
  std::printf("%-48s # %.*s\n", line.c_str(), static_cast<int>(origin.size()), origin.data());
}

// What the rooms of a namespace do and who said so: it, the default for it, or nobody.
void show(const Loaded& loaded, const Namespace& options) {
  const auto origin_in = [&loaded](std::string_view name, std::size_t row) {
    const auto& chosen = loaded.config.chosen_namespaces;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      if (chosen[i].options.name == name) return loaded.namespace_origins[i][row];
    return Origin::defaults;
  };
  const std::string_view name = options.name.empty() ? realtime::default_namespace : options.name;
  std::printf("\n[namespace.%.*s]\n", static_cast<int>(name.size()), name.data());
  for (std::size_t i = 0; i < realtime::namespace_options.size(); ++i) {
    const NamespaceOption& option = realtime::namespace_options[i];
    const Origin own = origin_in(options.name, i);
    const bool inherited = own == Origin::defaults && origin_in("", i) != Origin::defaults;
    show_line(std::string(option.name) + " = " + toml_value(options, option),
              inherited ? "namespace.default" : origin_name(own));
  }
}

void show(const QuietHours& hours) {
  std::printf("\n[quiet-hours.%s]\n", hours.name.c_str());
  for (const QuietHoursOption& option : realtime::quiet_hours_options)
    std::printf("%s = %s\n", std::string(option.name).c_str(), toml_value(hours, option).c_str());
}

void show(const Role& role) {
  std::printf("\n[role.%s]\n", role.name.c_str());
  for (const RoleOption& option : realtime::role_options)
    std::printf("%s = %s\n", std::string(option.name).c_str(), toml_value(role, option).c_str());
}

void show(const Loaded& loaded) {
  for (std::size_t i = 0; i < realtime::options.size(); ++i) {
    const Option& option = realtime::options[i];
    if (is_table(option)) continue;
    const std::string line = (is_secret(option) ? "# " : "") + std::string(option.name) + " = " +
                             (is_secret(option) ? realtime::print(loaded.config, option)
                                                : toml_value(loaded.config, option));
    show_line(line, origin_name(loaded.origins[i]));
  }
  for (const Namespace& options : loaded.config.namespaces) show(loaded, options);
  for (const QuietHours& hours : loaded.config.quiet_hours) show(hours);
  for (const Role& role : loaded.config.roles) show(role);
}

constexpr std::string_view usage =
    "usage: ringroom config show|check|defaults|docs [flags of serve]";

}  // namespace

std::string config_defaults() {
  std::string out;
  const auto explain = [&out](const auto& option) {
    out += "# " + std::string(option.help) + "\n# " + realtime::accepted(option) + "\n";
  };
  for (const Option& option : realtime::options) {
    if (is_table(option)) continue;
    explain(option);
    out += (realtime::print(Config{}, option).empty() ? "#" : "") + std::string(option.name) +
           " = " + toml_value(Config{}, option) + "\n\n";
  }
  out +=
      "# What rooms do. [namespace.quote] is for those called quote:..., [namespace.default] for "
      "all\n# that no other is for. What a table does not say is as [namespace.default] says.\n"
      "#[namespace.default]\n\n";
  for (const NamespaceOption& option : realtime::namespace_options) {
    explain(option);
    out += "#" + std::string(option.name) + " = " + toml_value(Namespace{}, option) + "\n\n";
  }
  out += "# Hours that a publication waits for which names them.\n#[quiet-hours.office]\n\n";
  for (const QuietHoursOption& option : realtime::quiet_hours_options) {
    explain(option);
    out += "#" + std::string(option.name) + " = " + toml_value(QuietHours{}, option) + "\n\n";
  }
  out += "# Rights for tokens that list this among their `roles`.\n#[role.editor]\n\n";
  for (const RoleOption& option : realtime::role_options) {
    explain(option);
    out += "#" + std::string(option.name) + " = " + toml_value(Role{}, option) + "\n\n";
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
      "SIGHUP reads all of it anew. If anything is wrong in it, it is told in the log and nothing "
      "changes; what says *start* below is told there too, and waits for a new process. No "
      "connection "
      "is closed: what limits them counts from then on, for each when it asks for something "
      "next.\n\n"
      "| Option | Variable | Takes | Default | Applies at | |\n|---|---|---|---|---|---|\n";
  for (const Option& option : realtime::options) {
    const std::string value = realtime::print(Config{}, option);
    out += "| `" + std::string(option.name) + "` | `" + realtime::environment_name(option) +
           "` | " + realtime::accepted(option) + " | " + (value.empty() ? "" : "`" + value + "`") +
           (option.applies == realtime::Applies::at_reload ? " | SIGHUP | " : " | *start* | ") +
           std::string(option.help) + " |\n";
  }
  out +=
      "\n## Namespaces\n\n"
      "What rooms do is configured by the first word of their names: `quote:eur` belongs to the "
      "namespace `quote`. Rooms without a colon, and those whose first word no namespace has, "
      "belong to the one called `default`. It is there if it is configured, if no namespace is, "
      "or with `insecure-dev`, which lets it keep 100 messages and presence; without it such rooms "
      "are refused with `not_found`. What a namespace does not say it takes from the default.\n\n"
      "```toml\n"
      "[namespace.default]\n"
      "history-count = 100\n\n"
      "[namespace.quote]\n"
      "state-keys = 500          # and history-count = 100, from the default\n"
      "```\n\n"
      "The same by flags: `--namespace default:history-count=100 --namespace "
      "quote:state-keys=500`; "
      "and by variable: `RINGROOM_NAMESPACE='default:history-count=100;quote:state-keys=500'`.\n\n"
      "What SIGHUP brings applies to rooms that are there, too, but for `presence`, "
      "`duplicate-sessions` and whether a room keeps an offline queue: these stay as the room was "
      "made with them, until it is forgotten. Rooms of a namespace that is gone are the default's, "
      "or "
      "stay as they are if there is none.\n\n"
      "| Option of a namespace | Takes | Default | |\n|---|---|---|---|\n";
  for (const NamespaceOption& option : realtime::namespace_options)
    out += "| `" + std::string(option.name) + "` | " + realtime::accepted(option) + " | `" +
           realtime::print(Namespace{}, option) + "` | " + std::string(option.help) + " |\n";
  out +=
      "\n## Quiet hours\n\n"
      "A publication that names one of these by `quiet_hours` waits until its hours begin "
      "(docs/protocol.md).\n\n"
      "```toml\n"
      "[quiet-hours.office]\n"
      "zone = \"user\"\n"
      "fallback-zone = \"Europe/Berlin\"\n"
      "days = \"mon-fri\"\n"
      "from = \"09:00\"\n"
      "to = \"17:30\"\n"
      "```\n\n"
      "The same by a flag: `--quiet-hours "
      "office:zone=user,fallback-zone=Europe/Berlin,days=mon-fri,from=09:00,to=17:30`.\n\n"
      "| Option of quiet hours | Takes | Default | |\n|---|---|---|---|\n";
  for (const QuietHoursOption& option : realtime::quiet_hours_options)
    out += "| `" + std::string(option.name) + "` | " + realtime::accepted(option) + " | `" +
           realtime::print(QuietHours{}, option) + "` | " + std::string(option.help) + " |\n";
  out +=
      "\n## Roles\n\n"
      "A token lists its user's roles (claim `roles`, docs/protocol.md), and everybody with a "
      "token "
      "has `default-role`. A role adds to what the token says itself; one that a token names and "
      "that is not here grants nothing. Names with blanks cannot be written here.\n\n"
      "```toml\n"
      "[role.editor]\n"
      "rooms = [\"doc:*=join+publish+presence\", \"lobby=join\"]\n"
      "permissions = [\"draft:view\"]\n"
      "```\n\n"
      "The same by a flag: `--role "
      "'editor:rooms=doc:*=join+publish+presence lobby=join,permissions=draft:view'`.\n\n"
      "| Option of a role | Takes | |\n|---|---|---|\n";
  for (const RoleOption& option : realtime::role_options)
    out += "| `" + std::string(option.name) + "` | " + realtime::accepted(option) + " | " +
           std::string(option.help) + " |\n";
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
  if (const auto keys = realtime::configured_keys(loaded->config); !keys)
    return report({.text = keys.error().sentence, .exit_code = exit_usage});
  for (const std::string_view note : realtime::notes(loaded->config))
    std::printf("note: %s\n", std::string(note).c_str());
  std::puts("the configuration is good");
  return 0;
}

}  // namespace ringroom::tools
