#include "tools/options.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "realtime/config_file.h"

namespace ringroom::tools {

namespace {

using realtime::Complaint;
using realtime::Config;
using realtime::Option;

Failure<Stop> refuse(std::string sentence) {
  return fail(Stop{.text = std::move(sentence), .exit_code = exit_usage});
}

// What the command line says, as text: nothing is assigned before the file and the environment
// were.
struct Flags {
  std::vector<std::optional<std::string>> values;  // one per row of realtime::options
  std::string file;
};

std::string flag_help(const Option& option) {
  std::string out(option.help);
  out += " [" + realtime::accepted(option);
  const std::string value = realtime::print(Config{}, option);
  if (!value.empty()) out += "; default " + value;
  return out + "]";
}

// CLI11 throws; it is met here and nowhere else.
Result<Flags, Stop> read_flags(int argc, const char* const* argv) {
  CLI::App app("Serves rooms over WebSocket.", "ringroom serve");
  app.footer(
      "Every option can also be given as a variable, such as RINGROOM_MAX_MESSAGE_BYTES, or "
      "as a key of the file. docs/config.md and `ringroom config defaults` list the options of a "
      "namespace.");
  app.allow_extras();
  Flags flags;
  flags.values.resize(realtime::options.size());
  std::vector<std::string> texts(realtime::options.size());
  std::vector<CLI::Option*> given;
  try {
    app.add_option("-c,--config", flags.file, "File to read options from (TOML).")
        ->type_name("FILE");
    for (std::size_t i = 0; i < realtime::options.size(); ++i) {
      const Option& option = realtime::options[i];
      const std::string name = "--" + std::string(option.name);
      const bool is_switch = std::holds_alternative<realtime::Switch>(option.value);
      CLI::Option* flag = is_switch ? app.add_flag(name, texts[i], flag_help(option))
                                    : app.add_option(name, texts[i], flag_help(option));
      if (const auto* several = std::get_if<realtime::Several>(&option.value)) {
        flag->join(several->separator);
      } else if (std::holds_alternative<realtime::List>(option.value)) {
        flag->join(Option::list_separator);
      } else {
        flag->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      }
      if (!is_switch) flag->type_name("");
      given.push_back(flag);
    }
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return fail(Stop{.text = app.help(), .exit_code = 0});
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view text = error.what();
    return refuse(std::string(text.substr(0, text.find(':'))) + " needs a value");
  } catch (const CLI::Error& error) {
    return refuse(error.what());
  }

  for (const std::string& extra : app.remaining()) {
    if (extra.size() < 3 || extra.substr(0, 2) != "--")
      return refuse("`" + extra + "` is not a flag; see --help");
    const std::string name = extra.substr(2, extra.find('=') - 2);
    return refuse("there is no flag `--" + name + "`" +
                  realtime::suggestion(realtime::nearest_option(name)));
  }
  for (std::size_t i = 0; i < given.size(); ++i)
    if (given[i]->count() > 0) flags.values[i] = texts[i];
  return flags;
}

constexpr std::string_view prefix = "RINGROOM_";
constexpr std::string_view file_variable = "RINGROOM_CONFIG";

bool set_by_an_orchestrator(std::string_view name) {
  return name.starts_with("RINGROOM_PORT") || name.starts_with("RINGROOM_SERVICE_");
}

struct Variable {
  std::string_view name, value;
};

std::vector<Variable> our_variables(const char* const* environment) {
  std::vector<Variable> out;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with(prefix) || equals == std::string_view::npos) continue;
    const Variable variable{entry.substr(0, equals), entry.substr(equals + 1)};
    if (!set_by_an_orchestrator(variable.name)) out.push_back(variable);
  }
  return out;
}

// Everything that was chosen since `before` comes from there.
void note_namespaces(Loaded& loaded, const std::vector<realtime::ChosenNamespace>& before,
                     Origin origin) {
  const auto& now = loaded.config.chosen_namespaces;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (i == loaded.namespace_origins.size())
      loaded.namespace_origins.emplace_back(realtime::namespace_options.size(), Origin::defaults);
    for (std::size_t row = 0; row < realtime::namespace_options.size(); ++row) {
      const realtime::NamespaceOption& option = realtime::namespace_options[row];
      const bool is_new =
          i >= before.size() || !before[i].said[row] ||
          realtime::print(before[i].options, option) != realtime::print(now[i].options, option);
      if (now[i].said[row] && is_new) loaded.namespace_origins[i][row] = origin;
    }
  }
}

Outcome<Stop> read_environment(Loaded& loaded, const std::vector<Variable>& variables) {
  const std::vector<realtime::ChosenNamespace> before = loaded.config.chosen_namespaces;
  for (const auto& [name, value] : variables) {
    if (name == file_variable) continue;
    bool known = false;
    for (std::size_t i = 0; i < realtime::options.size(); ++i) {
      if (realtime::environment_name(realtime::options[i]) != name) continue;
      known = true;
      loaded.origins[i] = Origin::environment;
      if (const auto done = realtime::assign(loaded.config, realtime::options[i], value); !done)
        return refuse(std::string(name) + ": " + done.error().sentence);
    }
    if (known) continue;
    const Option* nearest = realtime::nearest_option(name.substr(prefix.size()));
    return refuse(
        "there is no option for the variable " + std::string(name) +
        (nearest == nullptr ? "" : "; did you mean " + realtime::environment_name(*nearest) + "?"));
  }
  note_namespaces(loaded, before, Origin::environment);
  return Done{};
}

constexpr std::size_t file_bytes_max = 1024 * 1024;  // some hundred lines; more is another file

Result<std::string, Stop> read_whole(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  std::string text(file_bytes_max + 1, '\0');
  if (file != nullptr) text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (file == nullptr || std::ferror(file.get()) != 0)
    return refuse(path + ": the configuration file cannot be read: " + std::strerror(errno));
  if (text.size() > file_bytes_max)
    return refuse(path + ": the configuration file is larger than 1MiB");
  return text;
}

Outcome<Stop> read_file(Loaded& loaded, const std::string& path) {
  const auto text = read_whole(path);
  if (!text) return fail(text.error());
  const Config before = loaded.config;
  if (const auto done = realtime::read_file_text(loaded.config, *text, path); !done)
    return refuse(done.error().sentence);
  // A key that repeats a default is told as a default: it changes nothing.
  for (std::size_t i = 0; i < realtime::options.size(); ++i) {
    const Option& option = realtime::options[i];
    if (realtime::print(before, option) != realtime::print(loaded.config, option))
      loaded.origins[i] = Origin::file;
  }
  note_namespaces(loaded, before.chosen_namespaces, Origin::file);
  return Done{};
}

}  // namespace

Result<Loaded, Stop> load_with_origins(int argc, const char* const* argv,
                                       const char* const* environment) {
  const auto flags = read_flags(argc, argv);
  if (!flags) return fail(flags.error());
  const std::vector<Variable> variables = our_variables(environment);
  std::string file = flags->file;
  for (const auto& [name, value] : variables)
    if (name == file_variable && file.empty()) file = value;

  Loaded loaded;
  loaded.origins.resize(realtime::options.size(), Origin::defaults);
  if (!file.empty())
    if (const auto done = read_file(loaded, file); !done) return fail(done.error());
  if (const auto done = read_environment(loaded, variables); !done) return fail(done.error());
  const std::vector<realtime::ChosenNamespace> before = loaded.config.chosen_namespaces;
  for (std::size_t i = 0; i < realtime::options.size(); ++i) {
    if (!flags->values[i]) continue;
    loaded.origins[i] = Origin::flag;
    const auto done = realtime::assign(loaded.config, realtime::options[i], *flags->values[i]);
    if (!done) return refuse(done.error().sentence);
  }
  note_namespaces(loaded, before, Origin::flag);
  if (const auto done = realtime::settle(loaded.config); !done)
    return refuse(done.error().sentence);
  return loaded;
}

Result<Config, Stop> load(int argc, const char* const* argv, const char* const* environment) {
  auto loaded = load_with_origins(argc, argv, environment);
  if (!loaded) return fail(loaded.error());
  return std::move(loaded->config);
}

int report(const Stop& stop) {
  if (stop.exit_code == 0) {
    std::printf("%s\n", stop.text.c_str());
  } else {
    std::fprintf(stderr, "ringroom: %s\n", stop.text.c_str());
  }
  return stop.exit_code;
}

}  // namespace ringroom::tools
