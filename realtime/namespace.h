#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/command.h"
#include "realtime/access/fernet_keys.h"
#include "realtime/option.h"
#include "realtime/type_pace.h"

namespace ringroom::realtime {

// What a connection that does not read fast enough costs a room's messages to it.
enum class SlowPolicy : std::uint8_t {
  close,        // 4508: the client comes back and recovers
  drop_oldest,  // what waits longest is left out; the client sees a gap in the sequence
  keep_latest   // of what waits, only the newest of each key
};

// What happens when a user who is there already comes by another connection (C3).
enum class DuplicateSessions : std::uint8_t {
  allow,
  refuse,  // the newcomer is sent away
  replace  // the older one is
};
inline constexpr std::string_view duplicate_sessions_names[] = {"allow", "refuse", "replace"};

// What the rooms of one namespace do (R3). A room belongs to the namespace that is named before the
// first colon of its name: `quote:eur` to `quote`; a name without a colon, or with one that no
// namespace has, to the default namespace.
//
// Every option has a row in namespace.cc; what a namespace does not say it takes from the default.
struct Namespace {
  std::string name;  // empty: the default

  // History (R6). A message is kept while none of the three bounds is passed.
  std::uint64_t history_count = 0;  // per room; 0: rooms keep nothing
  std::uint64_t history_age_ms = 300'000;
  std::uint64_t history_bytes = 1024 * 1024;    // per room
  std::uint64_t history_total_bytes = 0;        // of all in one workspace; 0: no limit
  std::uint64_t recovery_messages_max = 1'000;  // more missed than this: told, not brought

  // Publishing (R7): how long a room knows a message_id again, and how many.
  std::uint64_t dedup_count = 1'000;
  std::uint64_t dedup_age_ms = 300'000;

  // Presence (R4).
  bool presence = false;
  std::uint64_t presence_grace_ms = 5'000;    // a connection that broke may come back so long
  std::uint64_t presence_interval_ms = 250;   // of the differences of a large room
  std::uint64_t presence_large = 100;         // more members than this make a room large
  std::uint64_t presence_listed_max = 1'000;  // names in a list or a difference

  // Rooms (R1).
  bool auto_create = true;               // joining or publishing makes a room that is not there
  bool client_create = true;             // clients may create rooms, where their grants say so
  std::uint64_t members_max = 0;         // of a room that does not say; 0: no limit
  std::uint64_t empty_room_ms = 60'000;  // a room without listeners is forgotten after this
  DuplicateSessions duplicate_sessions = DuplicateSessions::allow;  // of a user in one room

  // State (R11): the last value per key.
  std::uint64_t state_keys = 0;  // per room; 0: rooms keep no state
  std::uint64_t state_bytes = 1024 * 1024;
  bool state_deltas = false;  // a change is told as an RFC 7396 patch where that is smaller

  // Offline queue (R13), in the namespace `user` only: what waits for a user until it is
  // acknowledged. It takes the place of the history there.
  std::uint64_t offline_count = 1'000;  // 0: nothing waits
  std::uint64_t offline_bytes = 512 * 1024;
  std::uint64_t offline_age_ms = 24 * 3'600'000;

  // Flow (R8, R9).
  std::uint64_t ephemeral_interval_ms =
      0;  // newest per (type, sender) at most this often; 0: each turn
  proto::Priority priority = proto::Priority::medium;  // of a message that does not say
  SlowPolicy slow_consumer = SlowPolicy::close;
  TypePaces paces = {};  // of the types that may not go as often as they come

  // Encryption (A8).
  std::string fernet_keys_file = {};              // empty: payloads pass as they are
  std::uint64_t fernet_age_ms = 0;                // of a token that is taken; 0: any
  std::shared_ptr<const FernetKeys> fernet = {};  // what is in the file; settle() reads it

  bool is_personal() const;
  bool keeps_queue() const { return is_personal() && offline_count > 0; }
};

// The namespace of the rooms `user:<id>`. Where it is configured, each client is in its own room
// from the start.
inline constexpr std::string_view personal_namespace = "user";
inline bool Namespace::is_personal() const { return name == personal_namespace; }

// Whether rooms notice no difference.
bool is_same(const Namespace& a, const Namespace& b);

using NamespaceOption = OptionRow<Namespace>;
extern const std::span<const NamespaceOption> namespace_options;

// A namespace as it was written: the rest of its options are the default's.
struct ChosenNamespace {
  Namespace options;
  std::bitset<64> said;  // by row of namespace_options
};

// The name by which the default is configured; in Namespace it has none.
inline constexpr std::string_view default_namespace = "default";

// Sets one option of the namespace that is called so, which is made if it is new. Without an option
// the namespace is only made.
//
// Errors: about the name or the value, as a sentence that names both.
Outcome<Complaint> choose_namespace(std::vector<ChosenNamespace>& chosen, std::string_view name);
Outcome<Complaint> choose(std::vector<ChosenNamespace>& chosen, std::string_view name,
                          std::string_view option, std::string_view value);
// The same as text: `quote`, or `quote:history-count=100,presence=true`.
Outcome<Complaint> choose(std::vector<ChosenNamespace>& chosen, std::string_view text);
std::string print(const ChosenNamespace& chosen);

// What was chosen, with what each takes from the default. A default is there if one is configured,
// if nothing is configured, or with `insecure_dev`, which gives it a short history and presence so
// that a try-out shows them.
std::vector<Namespace> settle_namespaces(const std::vector<ChosenNamespace>& chosen,
                                         bool insecure_dev);

// The part of a room name that names its namespace; empty: none.
constexpr std::string_view namespace_of(std::string_view room) {
  const std::size_t colon = room.find(':');
  return colon == std::string_view::npos ? std::string_view() : room.substr(0, colon);
}

// All namespaces of a configuration.
class Namespaces {
 public:
  Namespaces() = default;
  // Without any rows there is the built-in default. One that is as it was `before` is that one.
  Namespaces(std::vector<Namespace> rows, bool insecure_dev, const Namespaces* before = nullptr);

  // nullptr: no namespace has rooms of that name, and there is no default.
  const Namespace* find(std::string_view room) const;
  // The same, for a room that outlives these namespaces.
  std::shared_ptr<const Namespace> hold(std::string_view room) const;
  // That of the rooms `user:<id>`; nullptr: it is not configured.
  const Namespace* personal() const;

 private:
  const std::shared_ptr<const Namespace>* row_of(std::string_view room) const;

  // Of topics.h, unless a namespace `admin` is configured.
  std::shared_ptr<const Namespace> own_numbers_;
  // Few: looked up when a room is made, not when it speaks.
  std::vector<std::shared_ptr<const Namespace>> rows_;
};

}  // namespace ringroom::realtime
