#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "realtime/quantity.h"

namespace ringroom::realtime {

struct Complaint {
  std::string sentence;
};
inline Failure<Complaint> complain(std::string sentence) {
  return fail(Complaint{std::move(sentence)});
}

struct Address {
  std::string host;  // a literal; without the brackets of IPv6
  std::uint16_t port;
  bool operator==(const Address&) const = default;
};

// When another choice counts: in a new process only, or once SIGHUP has read it.
enum class Applies : std::uint8_t { at_start, at_reload };

// One thing an operator can choose, as a row: the field of Target it sets, what that may hold, and
// a sentence. Whatever reads, prints or documents options walks a table of such rows: `options`
// (config.h) of a Config, `namespace_options` (namespace.h) of a Namespace, `quiet_hours_options`
// (quiet_hours.h) of QuietHours.
template <class Target>
struct OptionRow {
  struct Number {
    std::uint64_t Target::*field;
    std::uint64_t min, max;
    Unit unit;
  };
  struct Switch {
    bool Target::*field;
  };
  struct Text {
    std::string Target::*field;
  };
  struct Secret {  // a Text that is never printed
    std::string Target::*field;
  };
  struct AddressAndPort {
    Address Target::*field;
  };
  struct Choice {  // an enum, by the names of its values in their order
    std::span<const std::string_view> names;
    std::size_t (*get)(const Target&);
    void (*set)(Target&, std::size_t);
  };
  struct Several {  // can be given again, and adds; one text separates them with `separator`
    char separator;
    std::string_view accepted;
    std::string (*get)(const Target&);
    Outcome<Complaint> (*add)(Target&, std::string_view);
    void (*copy)(Target& to, const Target& from) = nullptr;
  };
  struct List {  // texts between commas, in a file also an array; a later one takes its place
    std::string_view accepted;
    std::vector<std::string> (*get)(const Target&);
    void (*clear)(Target&);
    Outcome<Complaint> (*add)(Target&, std::string_view);
  };
  static constexpr char list_separator = ',';

  std::string_view name;
  std::variant<Number, Switch, Text, Secret, AddressAndPort, Choice, Several, List> value;
  std::string_view help;
  Applies applies = Applies::at_start;

  // The row of an enum.
  template <auto field>
  static constexpr Choice choice(std::span<const std::string_view> names) {
    using Enum = std::remove_reference_t<decltype(std::declval<Target&>().*field)>;
    return {names, [](const Target& target) { return static_cast<std::size_t>(target.*field); },
            [](Target& target, std::size_t index) { target.*field = static_cast<Enum>(index); }};
  }
};

// A table is read by programs and people: a name is lower-case words with dashes.
template <class Target, std::size_t count>
constexpr bool well_named(const OptionRow<Target> (&rows)[count]) {
  for (const OptionRow<Target>& row : rows)
    for (const char c : row.name)
      if (c != '-' && (c < 'a' || c > 'z')) return false;
  return true;
}

// Defined in option.cc for the targets there are.

template <class Target>
const OptionRow<Target>* find_row(std::span<const OptionRow<Target>> rows, std::string_view name);
// The row a mistyped name was probably meant to be, or nothing.
template <class Target>
const OptionRow<Target>* nearest_row(std::span<const OptionRow<Target>> rows,
                                     std::string_view name);
// "; did you mean `echo`?", or nothing: the end of a sentence about an unknown name.
template <class Target>
std::string suggestion(const OptionRow<Target>* nearest);

// Reads one value from text, as flags and the environment have it. Names the option, not where the
// text came from: the caller says that.
template <class Target>
Outcome<Complaint> assign(Target& target, const OptionRow<Target>& row, std::string_view text);

// The value as assign() would take it back; a secret that is set is shown as "(set)".
template <class Target>
std::string print(const Target& target, const OptionRow<Target>& row);
// Whether two targets have the same value.
template <class Target>
bool is_same(const Target& a, const Target& b, const OptionRow<Target>& row);
template <class Target>
void copy(Target& to, const Target& from, const OptionRow<Target>& row);
// What assign() takes: "128B to 16MiB", "true or false", "trace, debug, ...".
template <class Target>
std::string accepted(const OptionRow<Target>& row);

}  // namespace ringroom::realtime
