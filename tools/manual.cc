#include "tools/manual.h"

#include <variant>

#include "realtime/config.h"

namespace ringroom::tools {

namespace {

using realtime::Config;
using realtime::Option;
using realtime::OptionRow;

// ---- bash

// What can follow the option, as bash's compgen has it; empty: anything.
std::string values_of(const Option& option) {
  if (std::holds_alternative<realtime::Switch>(option.value)) return "-W \"true false\"";
  if (const auto* choice = std::get_if<realtime::Choice>(&option.value)) {
    std::string out = "-W \"";
    for (const std::string_view name : choice->names)
      out += (out.back() == '"' ? "" : " ") + std::string(name);
    return out + "\"";
  }
  return option.name.ends_with("-file") ? "-f" : "";
}

// ---- troff

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`') {
      out += '"';  // what stands between two of them is code
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

void append_entry(std::string& out, const std::string& title, std::string_view text) {
  out += ".TP\n" + title + "\n" + escaped(text) + "\n";
}

template <class Target>
std::string detail_of(const OptionRow<Target>& row, const Target& defaults) {
  const std::string value = realtime::print(defaults, row);
  return " Takes " + realtime::accepted(row) + (value.empty() ? "." : "; default " + value + ".");
}

template <class Target>
void append_rows(std::string& out, std::span<const OptionRow<Target>> rows) {
  for (const OptionRow<Target>& row : rows)
    append_entry(out, ".B " + escaped(row.name), std::string(row.help) + detail_of(row, Target{}));
}

}  // namespace

std::string bash_completion(std::span<const CommandHelp> commands) {
  std::string names, flags, values;
  for (const CommandHelp& command : commands) names += std::string(command.name) + " ";
  for (const Option& option : realtime::options) {
    flags += "--" + std::string(option.name) + " ";
    if (const std::string value = values_of(option); !value.empty())
      values += "        --" + std::string(option.name) + ") COMPREPLY=($(compgen " + value +
                " -- \"$word\")); return ;;\n";
  }
  return "# Completion of ringroom for bash, printed by `ringroom completion`.\n"
         "_ringroom() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  COMPREPLY=()\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W \"" +
         names +
         "\" -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case ${COMP_WORDS[1]} in\n"
         "    serve | config)\n"
         "      if [[ ${COMP_WORDS[1]} == config && $COMP_CWORD == 2 ]]; then\n"
         "        COMPREPLY=($(compgen -W \"show check defaults docs\" -- \"$word\"))\n"
         "        return\n"
         "      fi\n"
         "      case $before in\n"
         "        -c | --config) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n" +
         values +
         "      esac\n"
         "      COMPREPLY=($(compgen -W \"--config " +
         flags +
         "\" -- \"$word\"))\n"
         "      ;;\n"
         "    *)\n"
         "      COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" \"${COMP_WORDS[1]}\" --help "
         "2>/dev/null |\n"
         "        grep -oE -- '--[a-z][a-z-]*')\" -f -- \"$word\"))\n"
         "      ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _ringroom ringroom\n";
}

std::string man_page(std::span<const CommandHelp> commands) {
  std::string out = ".TH RINGROOM 1 \"\" \"ringroom " RINGROOM_VERSION
                    "\"\n"
                    ".SH NAME\nringroom \\- a realtime edge: rooms over WebSocket\n"
                    ".SH SYNOPSIS\n.B ringroom\n.I COMMAND\n.RI [ OPTIONS ]\n"
                    ".SH COMMANDS\n";
  for (const CommandHelp& command : commands)
    append_entry(out, ".B " + escaped(command.name), command.help);
  out +=
      ".SH OPTIONS OF SERVE\n"
      "A flag wins over a variable, a variable over the file, the file over the default.\n";
  append_entry(out, ".BR \\-c \", \" \\-\\-config \" FILE\"",
               "File to read options from (TOML), whose keys are their names.");
  for (const Option& option : realtime::options)
    append_entry(out, ".B \\-\\-" + escaped(option.name),
                 std::string(option.help) + detail_of(option, Config{}) + " Variable " +
                     realtime::environment_name(option) + ".");
  out +=
      ".SH OPTIONS OF A NAMESPACE\n"
      "Keys of a table [namespace.NAME] of the file.\n";
  append_rows(out, realtime::namespace_options);
  out +=
      ".SH OPTIONS OF QUIET HOURS\n"
      "Keys of a table [quiet\\-hours.NAME] of the file.\n";
  append_rows(out, realtime::quiet_hours_options);
  out += ".SH SIGNALS\n";
  append_entry(out, ".BR SIGTERM \", \" SIGINT",
               "Drains: clients are sent away over drain-ms, then the process ends. Again: at "
               "once.");
  append_entry(out, ".B SIGHUP",
               "Reads the configuration and the files of keys anew. If anything in them is wrong, "
               "nothing changes.");
  append_entry(out, ".B SIGUSR1", "Opens log-file anew.");
  out += ".SH EXIT STATUS\n";
  append_entry(out, ".B 0", "It did what it was asked for.");
  append_entry(out, ".B 1", "It could not; the server said no or nothing.");
  append_entry(out, ".B 2", "It was asked wrongly: an option, the file.");
  append_entry(out, ".B 78", "This kernel or container does not let it use io_uring.");
  return out;
}

}  // namespace ringroom::tools
