#include "realtime/option.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "realtime/config.h"
#include "realtime/namespace.h"
#include "realtime/quiet_hours.h"

namespace ringroom::realtime {

namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::optional<bool> parse_switch(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "yes", "on"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "0", "no", "off"})
    if (text == no) return false;
  return std::nullopt;
}

bool is_literal(const std::string& host) {
  in6_addr any;
  return inet_pton(AF_INET, host.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);

  std::uint16_t port = 0;
  const auto end = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (end.ec != std::errc{} || end.ptr != port_text.data() + port_text.size()) return std::nullopt;

  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  Address out{.host = host == "localhost" ? "127.0.0.1" : std::string(host), .port = port};
  if (bracketed != (out.host.find(':') != std::string::npos) || !is_literal(out.host))
    return std::nullopt;
  return out;
}

// Insertions, deletions and changes between two names, for telling a slip from another word.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

template <class Target>
const OptionRow<Target>* find_row(std::span<const OptionRow<Target>> rows, std::string_view name) {
  for (const OptionRow<Target>& row : rows)
    if (row.name == name) return &row;
  return nullptr;
}

template <class Target>
const OptionRow<Target>* nearest_row(std::span<const OptionRow<Target>> rows,
                                     std::string_view name) {
  if (name.size() > 64) return nullptr;
  std::string plain(name);
  for (char& c : plain)
    c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const OptionRow<Target>* nearest = nullptr;
  std::size_t fewest = 1 + std::max<std::size_t>(1, plain.size() / 3);
  for (const OptionRow<Target>& option : rows) {
    const std::size_t edits = edits_between(plain, option.name);
    if (edits >= fewest) continue;
    fewest = edits;
    nearest = &option;
  }
  return nearest;
}

template <class Target>
std::string suggestion(const OptionRow<Target>* nearest) {
  return nearest == nullptr ? "" : "; did you mean `" + std::string(nearest->name) + "`?";
}

template <class Target>
std::string accepted(const OptionRow<Target>& option) {
  using Row = OptionRow<Target>;
  return std::visit(
      Overloaded{
          [](const typename Row::Number& row) {
            return print_quantity(row.min, row.unit) + " to " + print_quantity(row.max, row.unit);
          },
          [](const typename Row::Switch&) { return std::string("true or false"); },
          [](const typename Row::Text&) { return std::string("text"); },
          [](const typename Row::Secret&) { return std::string("text"); },
          [](const typename Row::AddressAndPort&) {
            return std::string("an IP address and a port, such as 0.0.0.0:8000 or [::1]:8000");
          },
          [](const typename Row::Choice& row) {
            std::string out;
            for (const std::string_view name : row.names)
              out += (out.empty() ? "" : ", ") + std::string(name);
            return out;
          },
          [](const typename Row::Several& row) { return std::string(row.accepted); },
          [](const typename Row::List& row) { return std::string(row.accepted); },
      },
      option.value);
}

static std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

template <class Target, class Row>
static Outcome<Complaint> add_each(Target& target, const Row& row, char separator,
                                   std::string_view text) {
  while (!text.empty()) {
    std::string_view one = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if constexpr (std::is_same_v<Row, typename OptionRow<Target>::List>) one = trimmed(one);
    if (one.empty()) continue;
    if (auto done = row.add(target, one); !done) return done;
  }
  return Done{};
}

template <class Target>
Outcome<Complaint> assign(Target& target, const OptionRow<Target>& option, std::string_view text) {
  using Row = OptionRow<Target>;
  if (const auto* several = std::get_if<typename Row::Several>(&option.value))
    return add_each(target, *several, several->separator, text);
  if (const auto* list = std::get_if<typename Row::List>(&option.value)) {
    list->clear(target);
    return add_each(target, *list, Row::list_separator, text);
  }
  const bool understood =
      std::visit(Overloaded{
                     [&](const typename Row::Number& row) {
                       const auto number = parse_quantity(text, row.unit);
                       if (!number || *number < row.min || *number > row.max) return false;
                       target.*row.field = *number;
                       return true;
                     },
                     [&](const typename Row::Switch& row) {
                       const auto on = parse_switch(text);
                       if (on) target.*row.field = *on;
                       return on.has_value();
                     },
                     [&](const typename Row::Text& row) {
                       target.*row.field = text;
                       return true;
                     },
                     [&](const typename Row::Secret& row) {
                       target.*row.field = text;
                       return true;
                     },
                     [&](const typename Row::AddressAndPort& row) {
                       auto address = parse_address(text);
                       if (address) target.*row.field = std::move(*address);
                       return address.has_value();
                     },
                     [&](const typename Row::Choice& row) {
                       const auto name = std::ranges::find(row.names, text);
                       if (name == row.names.end()) return false;
                       row.set(target, static_cast<std::size_t>(name - row.names.begin()));
                       return true;
                     },
                     [](const typename Row::Several&) { return true; },  // above
                     [](const typename Row::List&) { return true; },
                 },
                 option.value);
  if (understood) return Done{};
  return fail(Complaint{std::string(option.name) + " must be " + accepted(option) + ", not \"" +
                        std::string(text) + "\""});
}

template <class Target>
std::string print(const Target& target, const OptionRow<Target>& option) {
  using Row = OptionRow<Target>;
  return std::visit(
      Overloaded{
          [&](const typename Row::Number& row) {
            return print_quantity(target.*row.field, row.unit);
          },
          [&](const typename Row::Switch& row) {
            return std::string(target.*row.field ? "true" : "false");
          },
          [&](const typename Row::Text& row) { return target.*row.field; },
          [&](const typename Row::Secret& row) {
            return std::string((target.*row.field).empty() ? "" : "(set)");
          },
          [&](const typename Row::AddressAndPort& row) {
            const Address& address = target.*row.field;
            const bool six = address.host.find(':') != std::string::npos;
            return (six ? "[" + address.host + "]" : address.host) + ":" +
                   std::to_string(address.port);
          },
          [&](const typename Row::Choice& row) { return std::string(row.names[row.get(target)]); },
          [&](const typename Row::Several& row) { return row.get(target); },
          [&](const typename Row::List& row) {
            std::string out;
            for (const std::string& each : row.get(target))
              out += (out.empty() ? "" : std::string(1, Row::list_separator)) + each;
            return out;
          },
      },
      option.value);
}

template <class Target>
bool is_same(const Target& a, const Target& b, const OptionRow<Target>& option) {
  using Row = OptionRow<Target>;
  // What print() does not show is compared as it is.
  if (const auto* secret = std::get_if<typename Row::Secret>(&option.value))
    return a.*secret->field == b.*secret->field;
  return print(a, option) == print(b, option);
}

template <class Target>
void copy(Target& to, const Target& from, const OptionRow<Target>& option) {
  using Row = OptionRow<Target>;
  if (const auto* secret = std::get_if<typename Row::Secret>(&option.value)) {
    to.*secret->field = from.*secret->field;
  } else if (const auto* several = std::get_if<typename Row::Several>(&option.value)) {
    if (several->copy != nullptr) several->copy(to, from);
  } else {
    RR_CHECK(assign(to, option, print(from, option)));
  }
}

template const OptionRow<Config>* find_row(std::span<const OptionRow<Config>>, std::string_view);
template const OptionRow<Config>* nearest_row(std::span<const OptionRow<Config>>, std::string_view);
template std::string suggestion(const OptionRow<Config>*);
template Outcome<Complaint> assign(Config&, const OptionRow<Config>&, std::string_view);
template std::string print(const Config&, const OptionRow<Config>&);
template bool is_same(const Config&, const Config&, const OptionRow<Config>&);
template void copy(Config&, const Config&, const OptionRow<Config>&);
template std::string accepted(const OptionRow<Config>&);

template const OptionRow<Namespace>* find_row(std::span<const OptionRow<Namespace>>,
                                              std::string_view);
template const OptionRow<Namespace>* nearest_row(std::span<const OptionRow<Namespace>>,
                                                 std::string_view);
template std::string suggestion(const OptionRow<Namespace>*);
template Outcome<Complaint> assign(Namespace&, const OptionRow<Namespace>&, std::string_view);
template std::string print(const Namespace&, const OptionRow<Namespace>&);
template std::string accepted(const OptionRow<Namespace>&);

template const OptionRow<Role>* find_row(std::span<const OptionRow<Role>>, std::string_view);
template const OptionRow<Role>* nearest_row(std::span<const OptionRow<Role>>, std::string_view);
template std::string suggestion(const OptionRow<Role>*);
template Outcome<Complaint> assign(Role&, const OptionRow<Role>&, std::string_view);
template std::string print(const Role&, const OptionRow<Role>&);
template std::string accepted(const OptionRow<Role>&);

template const OptionRow<QuietHours>* find_row(std::span<const OptionRow<QuietHours>>,
                                               std::string_view);
template const OptionRow<QuietHours>* nearest_row(std::span<const OptionRow<QuietHours>>,
                                                  std::string_view);
template std::string suggestion(const OptionRow<QuietHours>*);
template Outcome<Complaint> assign(QuietHours&, const OptionRow<QuietHours>&, std::string_view);
template std::string print(const QuietHours&, const OptionRow<QuietHours>&);
template std::string accepted(const OptionRow<QuietHours>&);

}  // namespace ringroom::realtime
