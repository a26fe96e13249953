#include "realtime/config_file.h"

// Without exceptions toml++ returns its errors; it must then come as headers, because Debian's
// library was built with them.
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <string>
#include <variant>

namespace ringroom::realtime {

namespace {

Failure<Complaint> complain(std::string_view file, const toml::source_position& at,
                            std::string_view sentence) {
  return fail(Complaint{std::string(file) + ":" + std::to_string(at.line) + ":" +
                        std::to_string(at.column) + ": " + std::string(sentence)});
}

// The value as assign() reads it, if its type is one the option may have in a file.
template <class Target>
bool text_of(const toml::node& node, const OptionRow<Target>& option, std::string& out) {
  using Row = OptionRow<Target>;
  const bool number = std::holds_alternative<typename Row::Number>(option.value);
  if (std::holds_alternative<typename Row::List>(option.value) && node.is_array()) {
    for (const toml::node& each : *node.as_array()) {
      if (!each.is_string()) return false;
      out += (out.empty() ? "" : std::string(1, Row::list_separator)) + **each.as_string();
    }
  } else if (std::holds_alternative<typename Row::Switch>(option.value)) {
    if (!node.is_boolean()) return false;
    out = **node.as_boolean() ? "true" : "false";
  } else if (number && node.is_integer()) {
    out = std::to_string(**node.as_integer());
  } else if (node.is_string()) {
    out = **node.as_string();
  } else {
    return false;
  }
  return true;
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// Why the value cannot be read: "cores must be 0 to 256, not an array".
template <class Target>
std::string wrong_type(const OptionRow<Target>& option, const toml::node& node) {
  return std::string(option.name) + " must be " + accepted(option) + ", not " +
         std::string(type_name(node));
}

// A value, or an array of them where an option can be given again.
template <class Target, class Chosen>
Outcome<Complaint> read_value(std::string_view owner, std::string_view called,
                              const OptionRow<Target>& option, Chosen& chosen,
                              const toml::node& node, std::string_view file) {
  if (std::holds_alternative<typename OptionRow<Target>::Several>(option.value) &&
      node.is_array()) {
    for (const toml::node& one : *node.as_array())
      if (auto done = read_value(owner, called, option, chosen, one, file); !done) return done;
    return Done{};
  }
  std::string text;
  if (!text_of(node, option, text))
    return complain(file, node.source().begin,
                    std::string(owner) + ": " + wrong_type(option, node));
  if (const auto done = choose(chosen, called, option.name, text); !done)
    return complain(file, node.source().begin, done.error().sentence);
  return Done{};
}

// [namespace.NAME] and the like, one table each, with a key per row.
template <class Target, class Chosen>
Outcome<Complaint> read_tables(std::string_view kind, std::span<const OptionRow<Target>> rows,
                               Outcome<Complaint> (*make)(Chosen&, std::string_view),
                               Chosen& chosen, const toml::node& node, std::string_view file) {
  const toml::table* tables = node.as_table();
  const std::string heading = "[" + std::string(kind) + ".";
  if (tables == nullptr)
    return complain(file, node.source().begin,
                    std::string(kind) + " must be tables such as " + heading + "quote], not " +
                        std::string(type_name(node)));
  for (const auto& [name, table] : *tables) {
    const std::string called(name.str());
    if (!table.is_table())
      return complain(file, name.source().begin,
                      "`" + called + "` must be a table, " + heading + called + "], not " +
                          std::string(type_name(table)));
    if (const auto done = make(chosen, called); !done)
      return complain(file, name.source().begin, done.error().sentence);
    for (const auto& [key, value] : *table.as_table()) {
      const OptionRow<Target>* option = find_row(rows, key.str());
      if (option == nullptr)
        return complain(file, key.source().begin,
                        choose(chosen, called, key.str(), {}).error().sentence);
      if (auto done =
              read_value(std::string(kind) + " " + called, called, *option, chosen, value, file);
          !done)
        return done;
    }
  }
  return Done{};
}

Outcome<Complaint> read_tables(Config& config, const Option& option, const toml::node& node,
                               std::string_view file) {
  if (option.name == "namespace")
    return read_tables(option.name, namespace_options, choose_namespace, config.chosen_namespaces,
                       node, file);
  if (option.name == "role")
    return read_tables(option.name, role_options, choose_role, config.roles, node, file);
  return read_tables(option.name, quiet_hours_options, choose_quiet_hours, config.quiet_hours, node,
                     file);
}

}  // namespace

Outcome<Complaint> read_file_text(Config& config, std::string_view text, std::string_view file) {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) return complain(file, parsed.error().source().begin, parsed.error().description());

  for (const auto& [key, node] : parsed.table()) {
    const Option* option = find_option(key.str());
    if (option == nullptr)
      return complain(file, key.source().begin,
                      "there is no option `" + std::string(key.str()) + "`" +
                          suggestion(nearest_option(key.str())));
    if (std::holds_alternative<Several>(option->value)) {
      if (auto done = read_tables(config, *option, node, file); !done) return done;
      continue;
    }
    std::string value;
    if (!text_of(node, *option, value))
      return complain(file, node.source().begin, wrong_type(*option, node));
    if (const auto done = assign(config, *option, value); !done)
      return complain(file, node.source().begin, done.error().sentence);
  }
  return Done{};
}

}  // namespace ringroom::realtime
