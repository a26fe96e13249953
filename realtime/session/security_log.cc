#include "realtime/session/security_log.h"

#include <arpa/inet.h>

#include <algorithm>
#include <iterator>

#include "realtime/session/connection_text.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

constexpr std::string_view event_names[] = {"auth_failure", "authz_refusal", "limit_hit"};

struct AddressText {
  char text[INET6_ADDRSTRLEN] = {};
  explicit AddressText(const engine::PeerAddress& peer) {
    in6_addr six;
    std::copy(std::begin(peer.ip), std::end(peer.ip), six.s6_addr);
    const bool is_four = IN6_IS_ADDR_V4MAPPED(&six);
    inet_ntop(is_four ? AF_INET : AF_INET6, is_four ? &six.s6_addr[12] : &six.s6_addr[0], text,
              sizeof text);
  }
};

}  // namespace

void log_security(const Shard& shard, const Session& session, SecurityEvent event,
                  std::string_view because, std::string_view room, Log::Site site) {
  constexpr Log::Level level = Log::Level::info;  // it is the client's fault, not ours
  if (!Log::on(level)) return;
  const ConnectionText connection(shard.connection_id(session));
  const AddressText address(session.peer);
  Log::line(level, "security",
            {{"event", event_names[std::size_t(event)]},
             {"conn", std::string_view(connection)},
             {"address", address.text},
             {"user", session.user == nullptr ? std::string_view() : session.user->id()},
             {"workspace",
              session.user == nullptr ? Workspace::default_id : session.user->workspace().id()},
             {"room", room},
             {"because", because}},
            site);
}

}  // namespace ringroom::realtime
