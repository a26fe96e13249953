#include "realtime/http/connection_lists.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/check.h"
#include "proto/json_object.h"
#include "realtime/bounds.h"
#include "realtime/session/connection_text.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

constexpr std::size_t core_digits = 4, slot_digits = 8;

std::string address_of(const engine::PeerAddress& peer) {
  constexpr std::size_t mapped_bytes = 12;  // ::ffff:0:0/96
  static constexpr std::uint8_t mapped[mapped_bytes] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN];
  const bool is_v4 = std::ranges::equal(mapped, std::span(peer.ip).first<mapped_bytes>());
  const void* bytes = is_v4 ? peer.ip + mapped_bytes : peer.ip;
  RR_CHECK(inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes, text, sizeof text) != nullptr);
  return text;
}

std::string_view dialect_of(const Session& session) {
  if (session.kind == SessionKind::raw) return "raw";
  if (session.kind == SessionKind::echo) return "echo";
  switch (session.dialect) {
    case WireForm::binary:
      return "binary";
    case WireForm::event:
      return "event";
    default:
      return "json";
  }
}

std::string_view state_of(const Session& session) {
  return session.state == SessionState::authenticated ? "authenticated" : "connected";
}

}  // namespace

ConnectionLists::ConnectionLists(Shard& shard) : shard_(shard), text_(shard.heap) {}

std::size_t ConnectionLists::bytes_max() const {
  return std::min<std::size_t>(bounds::listed_bytes_max, shard_.config().queue_bytes_max / 4);
}

std::optional<ConnectionLists::Cursor> ConnectionLists::parse_cursor(std::string_view text) {
  if (text.size() != core_digits + slot_digits) return std::nullopt;
  Cursor out;
  const char* middle = text.data() + core_digits;
  const char* end = text.data() + text.size();
  const auto core = std::from_chars(text.data(), middle, out.core, 16);
  const auto slot = std::from_chars(middle, end, out.slot, 16);
  if (core.ec != std::errc{} || core.ptr != middle || slot.ec != std::errc{} || slot.ptr != end)
    return std::nullopt;
  return out;
}

std::string ConnectionLists::text_of(const Cursor& cursor) {
  char text[core_digits + slot_digits + 1];
  std::snprintf(text, sizeof text, "%04x%08x", unsigned{cursor.core}, unsigned{cursor.slot});
  return text;
}

void ConnectionLists::begin(const Asker& asker, const Request& request) {
  const std::uint32_t number = next_++;
  pages_.emplace(number, Page{.cursor = request.cursor,
                              .limit = request.limit,
                              .workspace = OwnedWorkspace(request.workspace),
                              .user_id = std::string(request.user_id),
                              .room_name = std::string(request.room_name),
                              .network = std::string(request.network),
                              .is_slow = request.is_slow,
                              .connections = {}});
  ask(asker, number);
}

void ConnectionLists::ask(const Asker& asker, std::uint32_t number) {
  const Page& page = pages_.at(number);
  shard_.send(CoreId{page.cursor.core}, ListConnections{.asker = asker,
                                                        .number = number,
                                                        .from_slot = page.cursor.slot,
                                                        .limit = page.limit - page.count,
                                                        .workspace = page.workspace,
                                                        .user_id = page.user_id,
                                                        .room_name = page.room_name,
                                                        .network = page.network,
                                                        .is_slow = page.is_slow});
}

void ConnectionLists::receive(const ListConnections& asked) {
  Walk walk{.asker = asked.asker,
            .number = asked.number,
            .slot = asked.from_slot,
            .limit = asked.limit,
            .workspace = OwnedWorkspace(asked.workspace),
            .user_id = std::string(asked.user_id),
            .room = {},
            .network = {},
            .is_slow = asked.is_slow,
            .connections = {}};
  if (!asked.room_name.empty())
    walk.room = shard_.node.room_id(NameIn(asked.workspace, asked.room_name));
  if (!asked.network.empty()) walk.network = Network::parse(asked.network);
  walks_.add(std::move(walk));
}

void ConnectionLists::walk() {
  walks_.go_on(bounds::connection_looks_per_turn,
               [this](Walk& walk, std::size_t& looks) { return go_on(walk, looks); });
}

bool ConnectionLists::go_on(Walk& walk, std::size_t& looks) {
  const auto is_full = [this, &walk] {
    return walk.count == walk.limit || walk.connections.size() >= bytes_max();
  };
  bool is_end = false;
  if (!walk.user_id.empty()) {
    // A user has few; in the order of slots, as everywhere.
    std::vector<std::uint32_t> slots;
    if (const User* user = shard_.sessions.find_user(NameIn(walk.workspace, walk.user_id)))
      shard_.sessions.for_each_of(*user, [&](Session& session) {
        if (session.socket.slot >= walk.slot) slots.push_back(session.socket.slot);
      });
    std::ranges::sort(slots);
    is_end = true;
    for (const std::uint32_t slot : slots) {
      if (is_full()) {
        is_end = false;
        break;
      }
      Session* session = shard_.sessions.in_use(slot);
      if (session != nullptr && is_meant(walk, *session)) show(walk, *session);
      walk.slot = slot + 1;
    }
  } else {
    while (looks > 0 && !is_full() && walk.slot < shard_.sessions.slots()) {
      --looks;
      Session* session = shard_.sessions.in_use(walk.slot++);
      if (session != nullptr && is_meant(walk, *session)) show(walk, *session);
    }
    is_end = walk.slot >= shard_.sessions.slots();
  }
  if (!is_end && !is_full()) return false;
  shard_.send(CoreId{walk.asker.to.core}, ConnectionsListed{.asker = walk.asker,
                                                            .number = walk.number,
                                                            .count = walk.count,
                                                            .next_slot = walk.slot,
                                                            .is_end = is_end,
                                                            .connections = walk.connections});
  return true;
}

bool ConnectionLists::is_meant(const Walk& walk, Session& session) const {
  if (!is_listed(session) || !(workspace_of(session) == Workspace(walk.workspace))) return false;
  if (walk.is_slow && shard_.outbox.queued_bytes(session.socket) == 0) return false;
  if (walk.room && session.find(*walk.room) == nullptr) return false;
  return !walk.network || walk.network->contains(std::to_array(session.peer.ip));
}

void ConnectionLists::show(Walk& walk, const Session& session) {
  if (walk.count++ > 0) walk.connections.push_back(',');
  walk.connections.append(write(session));
}

std::string_view ConnectionLists::write(const Session& session) {
  const ConnectionText id(shard_.connection_id(session));
  const std::uint32_t silent_ms = static_cast<std::uint32_t>(shard_.now_ms) - session.heard_ms;
  text_.clear();
  proto::JsonObject object(text_);
  object.text("connection_id", id);
  if (session.user != nullptr) object.text("user", session.user->id());
  object.text("address", address_of(session.peer));
  object.text("user_agent", shard_.sessions.user_agent(session.user_agent));
  object.text("dialect", dialect_of(session));
  object.text("state", state_of(session));
  object.number("connected_at", session.accepted_s);
  object.seconds("heard_at", shard_.wall_ms - silent_ms);
  if (session.expires_s != 0) object.number("token_ends_at", session.expires_s);
  object.number("rooms", session.subscriptions.size());
  object.number("queued_bytes", shard_.outbox.queued_bytes(session.socket));
  object.end();
  return text_.text();
}

void ConnectionLists::receive(const ConnectionsListed& listed) {
  const auto found = pages_.find(listed.number);
  RR_CHECK(found != pages_.end());  // a core that was asked answers once
  Page& page = found->second;
  if (page.count > 0 && listed.count > 0) page.connections.push_back(',');
  page.count += listed.count;
  page.connections.append(listed.connections);
  page.cursor.slot = listed.next_slot;
  const bool has_next_core = page.cursor.core + 1u < shard_.node.cores;
  if (listed.is_end && has_next_core)
    page.cursor = {.core = static_cast<std::uint16_t>(page.cursor.core + 1), .slot = 0};
  const bool is_end = listed.is_end && !has_next_core;
  // A core whose part was cut short has said as much as fits.
  if (is_end || !listed.is_end || page.count == page.limit ||
      page.connections.size() >= bytes_max())
    return finish(listed.asker, listed.number, is_end);
  ask(listed.asker, listed.number);
}

void ConnectionLists::finish(const Asker& asker, std::uint32_t number, bool is_end) {
  const auto found = pages_.find(number);
  const Page page = std::move(found->second);
  pages_.erase(found);
  text_.clear();
  text_.append(R"({"connections":[)");
  text_.append(page.connections);
  text_.append(']');
  if (!is_end) {
    text_.append(R"(,"next":")");
    text_.append(text_of(page.cursor));
    text_.append('"');
  }
  text_.append("}\n");
  shard_.send(CoreId{asker.to.core}, Answered{.asker = asker, .body = text_.text()});
}

}  // namespace ringroom::realtime
