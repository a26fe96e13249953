#include "realtime/namespace.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "realtime/option_table.h"
#include "realtime/source/topics.h"

namespace ringroom::realtime {

namespace {

using Number = NamespaceOption::Number;
using Switch = NamespaceOption::Switch;
using Text = NamespaceOption::Text;

constexpr std::string_view kind = "namespace";
constexpr std::string_view slow_policy_names[] = {"close", "drop-oldest", "keep-latest"};

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t gib = 1024 * 1024 * kib;
constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t minute_ms = 60'000;
constexpr std::uint64_t year_ms = 365 * 24 * 60 * minute_ms;

constexpr NamespaceOption rows[] = {
    {"history-count", Number{&Namespace::history_count, 0, million, Unit::count},
     "Messages a room keeps; 0 keeps none, and nobody can recover."},
    {"history-age-ms", Number{&Namespace::history_age_ms, 10, year_ms, Unit::milliseconds},
     "Age after which a kept message goes."},
    {"history-bytes", Number{&Namespace::history_bytes, kib, gib, Unit::bytes},
     "Bytes of memory of one room's kept messages; the oldest go first."},
    {"history-total-bytes", Number{&Namespace::history_total_bytes, 0, 1024 * gib, Unit::bytes},
     "The same of all rooms of the namespace in one workspace: a room that speaks when it is spent "
     "forgets early; 0 "
     "is no limit but history-bytes-max."},
    {"recovery-messages-max", Number{&Namespace::recovery_messages_max, 1, million, Unit::count},
     "Who missed more messages than this is told `recovered: false` instead of getting them."},

    {"dedup-count", Number{&Namespace::dedup_count, 0, million, Unit::count},
     "Publications a room knows again by their `message_id`; 0 knows none."},
    {"dedup-age-ms", Number{&Namespace::dedup_age_ms, 10, year_ms, Unit::milliseconds},
     "Time for which it knows them."},

    {"presence", Switch{&Namespace::presence}, "Keeps and tells who is in a room."},
    {"presence-grace-ms",
     Number{&Namespace::presence_grace_ms, 0, 10 * minute_ms, Unit::milliseconds},
     "Time for a connection that broke to come back before its user is said to have left."},
    {"presence-interval-ms",
     Number{&Namespace::presence_interval_ms, 10, minute_ms, Unit::milliseconds},
     "Time between two differences of who is in a large room."},
    {"presence-large", Number{&Namespace::presence_large, 0, million, Unit::count},
     "Members up to which a room is not large and tells each change at once."},
    {"presence-listed-max", Number{&Namespace::presence_listed_max, 1, 100'000, Unit::count},
     "Names in one list or difference; the count beside it is always whole."},

    {"auto-create", Switch{&Namespace::auto_create},
     "Joining or publishing makes a room that is not there."},
    {"client-create", Switch{&Namespace::client_create},
     "Clients may make rooms where their grants say so."},
    {"members-max", Number{&Namespace::members_max, 0, 10 * million, Unit::count},
     "Members of a room that does not say itself; 0 is no limit."},
    {"empty-room-ms", Number{&Namespace::empty_room_ms, 0, year_ms, Unit::milliseconds},
     "Time after which a room that nobody listens to is forgotten."},
    {"duplicate-sessions",
     NamespaceOption::choice<&Namespace::duplicate_sessions>(duplicate_sessions_names),
     "A user's second connection in a room: allowed, refused, or it replaces the first."},

    {"state-keys", Number{&Namespace::state_keys, 0, million, Unit::count},
     "Keys whose last value a room keeps; 0 keeps none."},
    {"state-bytes", Number{&Namespace::state_bytes, kib, gib, Unit::bytes},
     "Bytes of keys and values of one room."},
    {"state-deltas", Switch{&Namespace::state_deltas},
     "Tells a change as an RFC 7396 merge patch where that is smaller."},

    {"offline-count", Number{&Namespace::offline_count, 0, million, Unit::count},
     "Of the namespace `user`: messages that wait in a room `user:<id>` until they are "
     "acknowledged, the user being there or not; 0 keeps none, and history-count holds instead."},
    {"offline-bytes", Number{&Namespace::offline_bytes, kib, gib, Unit::bytes},
     "Bytes of memory of what waits for one user; at most half of queue-bytes-max, which a "
     "returning client gets at once."},
    {"offline-age-ms", Number{&Namespace::offline_age_ms, 10, year_ms, Unit::milliseconds},
     "Time that a message waits for its user."},

    {"ephemeral-interval-ms",
     Number{&Namespace::ephemeral_interval_ms, 0, minute_ms, Unit::milliseconds},
     "Of a sender's `typing_indicator` and the like only the newest, this often; 0 is once a "
     "turn."},
    {"priority", NamespaceOption::choice<&Namespace::priority>(proto::priority_names),
     "Of messages that do not say: of two rooms, whose wait for the same connection, the higher "
     "goes first."},
    {"slow-consumer", NamespaceOption::choice<&Namespace::slow_consumer>(slow_policy_names),
     "What happens to a connection that does not read fast enough: closed with 4508, or messages "
     "are left out."},
    {"type-interval",
     NamespaceOption::Several{
         ' ', "TYPE:TIME TYPE:TIME",
         [](const Namespace& options) { return options.paces.print_intervals(); },
         [](Namespace& options, std::string_view text) {
           return options.paces.add_interval(text);
         }},
     "Time from one message of that type to the next, of each key or else each sender; meanwhile "
     "the newest waits in the place of those before it."},
    {"type-debounce",
     NamespaceOption::Several{
         ' ', "TYPE:QUIET/LONGEST TYPE:QUIET/LONGEST",
         [](const Namespace& options) { return options.paces.print_debounces(); },
         [](Namespace& options, std::string_view text) {
           return options.paces.add_debounce(text);
         }},
     "The newest message of that type, and of its key or else sender, goes when none has come for "
     "QUIET, or when one has been waiting for LONGEST."},

    {"fernet-keys-file", Text{&Namespace::fernet_keys_file},
     "File with Fernet keys, one a line: payloads leave encrypted by the first, and come in clear "
     "or "
     "encrypted by any of them."},
    {"fernet-age-ms", Number{&Namespace::fernet_age_ms, 0, year_ms, Unit::milliseconds},
     "Age after which an encrypted payload is not taken any more, in whole seconds; 0 takes any."},
};
static_assert(well_named(rows));
static_assert(std::size(rows) <= std::bitset<64>().size(), "ChosenNamespace::said has a bit each");

// Few: a room that is made looks through them one by one.
constexpr std::size_t namespaces_max = 256;

// nullptr: there are too many.
ChosenNamespace* find_or_add(std::vector<ChosenNamespace>& chosen, std::string_view name) {
  if (name == default_namespace) name = {};
  for (ChosenNamespace& each : chosen)
    if (each.options.name == name) return &each;
  if (chosen.size() == namespaces_max) return nullptr;
  chosen.emplace_back().options.name = name;
  return &chosen.back();
}

Result<ChosenNamespace*, Complaint> named(std::vector<ChosenNamespace>& chosen,
                                          std::string_view name) {
  if (!is_table_name(name))
    return complain("\"" + std::string(name) +
                    "\" is no name of a namespace: " + std::string(table_name_rule) +
                    ", as they stand before the first colon of a room's name");
  ChosenNamespace* each = find_or_add(chosen, name);
  if (each == nullptr)
    return complain("there are more than " + std::to_string(namespaces_max) + " namespaces");
  return each;
}

// What `from` has, wherever `said` does not say that it was chosen.
void inherit(Namespace& to, const Namespace& from, const std::bitset<64>& said) {
  for (std::size_t i = 0; i < std::size(rows); ++i)
    if (!said[i]) RR_CHECK(assign(to, rows[i], print(from, rows[i])));
}

Namespace built_in_default(bool insecure_dev) {
  Namespace out;
  if (!insecure_dev) return out;
  out.history_count = 100;
  out.presence = true;
  return out;
}

}  // namespace

const std::span<const NamespaceOption> namespace_options = rows;

Outcome<Complaint> choose_namespace(std::vector<ChosenNamespace>& chosen, std::string_view name) {
  const auto each = named(chosen, name);
  if (!each) return fail(each.error());
  return Done{};
}

Outcome<Complaint> choose(std::vector<ChosenNamespace>& chosen, std::string_view name,
                          std::string_view option, std::string_view value) {
  const auto each = named(chosen, name);
  if (!each) return fail(each.error());
  auto done = assign_in_table(kind, name, (*each)->options, namespace_options, option, value);
  if (done) (*each)->said.set(static_cast<std::size_t>(find_row(namespace_options, option) - rows));
  return done;
}

Outcome<Complaint> choose(std::vector<ChosenNamespace>& chosen, std::string_view text) {
  return choose_table(kind, text, chosen, choose_namespace);
}

std::string print(const ChosenNamespace& chosen) {
  std::string out =
      chosen.options.name.empty() ? std::string(default_namespace) : chosen.options.name;
  char separator = ':';
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    if (!chosen.said[i]) continue;
    out += std::exchange(separator, ',') + std::string(rows[i].name) + "=" +
           print(chosen.options, rows[i]);
  }
  return out;
}

std::vector<Namespace> settle_namespaces(const std::vector<ChosenNamespace>& chosen,
                                         bool insecure_dev) {
  Namespace fallback = built_in_default(insecure_dev);
  bool has_default = chosen.empty() || insecure_dev;
  for (const ChosenNamespace& each : chosen) {
    if (!each.options.name.empty()) continue;
    has_default = true;
    Namespace configured = each.options;
    inherit(configured, fallback, each.said);
    fallback = std::move(configured);
  }
  std::vector<Namespace> out;
  if (has_default) out.push_back(fallback);
  for (const ChosenNamespace& each : chosen) {
    if (each.options.name.empty()) continue;
    inherit(out.emplace_back(each.options), fallback, each.said);
  }
  return out;
}

bool is_same(const Namespace& a, const Namespace& b) {
  const bool has_keys = a.fernet != nullptr;
  if (a.name != b.name || has_keys != (b.fernet != nullptr)) return false;
  if (has_keys && *a.fernet != *b.fernet) return false;
  return std::ranges::all_of(
      rows, [&](const NamespaceOption& row) { return print(a, row) == print(b, row); });
}

Namespaces::Namespaces(std::vector<Namespace> rows, bool insecure_dev, const Namespaces* before) {
  if (before != nullptr) {
    own_numbers_ = before->own_numbers_;
  } else {
    Namespace own;
    own.name = "admin";
    own.history_count = 1;  // who comes sees the last ones at once
    own.dedup_count = 1;
    own.empty_room_ms = 10'000;
    own_numbers_ = std::make_shared<const Namespace>(std::move(own));
  }
  if (rows.empty()) rows.push_back(built_in_default(insecure_dev));
  for (Namespace& row : rows) {
    std::shared_ptr<const Namespace> same;
    if (before != nullptr)
      for (const auto& known : before->rows_)
        if (is_same(*known, row)) same = known;
    rows_.push_back(same ? same : std::make_shared<const Namespace>(std::move(row)));
  }
}

const Namespace* Namespaces::personal() const {
  const auto row =
      std::ranges::find_if(rows_, [](const auto& each) { return each->is_personal(); });
  return row == rows_.end() ? nullptr : row->get();
}

const std::shared_ptr<const Namespace>* Namespaces::row_of(std::string_view room) const {
  const std::string_view name = namespace_of(room);
  const std::shared_ptr<const Namespace>* fallback = nullptr;
  for (const auto& row : rows_) {
    if (row->name.empty()) fallback = &row;
    if (!name.empty() && row->name == name) return &row;
  }
  return topic_of_room(room) != nullptr ? &own_numbers_ : fallback;
}

const Namespace* Namespaces::find(std::string_view room) const {
  const auto* row = row_of(room);
  return row == nullptr ? nullptr : row->get();
}

std::shared_ptr<const Namespace> Namespaces::hold(std::string_view room) const {
  const auto* row = row_of(room);
  return row == nullptr ? nullptr : *row;
}

}  // namespace ringroom::realtime
