#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/option.h"

namespace ringroom::realtime {

// Options that stand in several tables, each with a name: namespaces, quiet hours and the like. A
// file has them as [namespace.NAME]; a flag as NAME or NAME:OPTION=VALUE,OPTION=VALUE.

inline constexpr std::string_view table_name_rule =
    "1 to 64 letters, digits, `_`, `-` or `.`";  // for the end of a sentence
constexpr bool is_table_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

// What a table is, for sentences: "a role", "roles".
struct TableWords {
  std::string_view one, many;
};
// The table of that name, made if there is none.
template <class Table>
Result<Table*, Complaint> table_named(std::vector<Table>& chosen, std::string_view name,
                                      const TableWords& words, std::size_t tables_max) {
  const auto found = std::ranges::find(chosen, name, &Table::name);
  if (found != chosen.end()) return &*found;
  if (!is_table_name(name))
    return complain("\"" + std::string(name) + "\" is no name of " + std::string(words.one) + ": " +
                    std::string(table_name_rule));
  if (chosen.size() == tables_max)
    return complain("there are more than " + std::to_string(tables_max) + " " +
                    std::string(words.many));
  chosen.emplace_back().name = name;
  return &chosen.back();
}

// As the flag has it: what is as it is anyway is left out.
template <class Table>
std::string print_table(const Table& table, std::span<const OptionRow<Table>> rows) {
  std::string out = table.name;
  char separator = ':';
  for (const OptionRow<Table>& row : rows) {
    const std::string value = print(table, row);
    if (value == print(Table{}, row)) continue;
    out += separator + std::string(row.name) + "=" + value;
    separator = ',';
  }
  return out;
}

// Sets one option of the table `called` of a `kind`, "namespace". Error: its sentence begins with
// both.
template <class Target>
Outcome<Complaint> assign_in_table(std::string_view kind, std::string_view called, Target& target,
                                   std::span<const OptionRow<Target>> rows, std::string_view option,
                                   std::string_view value) {
  const std::string owner = std::string(kind) + " " + std::string(called);
  const OptionRow<Target>* row = find_row(rows, option);
  if (row == nullptr)
    return fail(Complaint{owner + " has no option `" + std::string(option) + "`" +
                          suggestion(nearest_row(rows, option))});
  if (const auto done = assign(target, *row, value); !done)
    return fail(Complaint{owner + ": " + done.error().sentence});
  return Done{};
}

// Reads the flag's form. `make` finds or makes the table of a name; choose(chosen, NAME, OPTION,
// VALUE) then sets each option.
template <class Chosen>
Outcome<Complaint> choose_table(std::string_view kind, std::string_view text, Chosen& chosen,
                                Outcome<Complaint> (*make)(Chosen&, std::string_view)) {
  const std::string_view name = text.substr(0, text.find(':'));
  if (auto done = make(chosen, name); !done) return done;
  text.remove_prefix(std::min(text.size(), name.size() + 1));
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos)
      return fail(Complaint{std::string(kind) + " " + std::string(name) + ": `" +
                            std::string(pair) + "` is no OPTION=VALUE"});
    if (auto done = choose(chosen, name, pair.substr(0, equals), pair.substr(equals + 1)); !done)
      return done;
  }
  return Done{};
}

}  // namespace ringroom::realtime
