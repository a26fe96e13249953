#include "realtime/session/everybody.h"

#include <utility>

#include "realtime/bounds.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void Everybody::receive(const ToEverybody& item) {
  walks_.push_back(std::make_unique<Walk>(Walk{.to = item.to,
                                               .number = item.number,
                                               .workspace = OwnedWorkspace(item.workspace),
                                               .exclude = item.exclude,
                                               .permission = item.permission,
                                               .message = {shard_.dialects, item.frame}}));
}

bool Everybody::is_meant(const Walk& walk, const Session& session) const {
  return session.kind == SessionKind::native && session.state == SessionState::authenticated &&
         workspace_of(session) == Workspace(walk.workspace) && !session.awaits_greeting &&
         !(shard_.connection_id(session) == walk.exclude) &&
         session.grants.permissions().has(walk.permission);
}

bool Everybody::go_on(Walk& walk, std::size_t& looks, std::size_t& sends) {
  for (; walk.slot < shard_.sessions.slots(); ++walk.slot) {
    if (looks == 0 || sends == 0) return false;
    --looks;
    Session* const session = shard_.sessions.in_use(walk.slot);
    if (session == nullptr || !is_meant(walk, *session)) continue;
    --sends;
    shard_.told(session->socket, walk.message.to(*session));
  }
  return true;
}

void Everybody::walk() {
  std::size_t looks = bounds::everybody_looks_per_turn, sends = bounds::everybody_sends_per_turn;
  while (!walks_.empty() && go_on(*walks_.front(), looks, sends)) {
    const std::unique_ptr<Walk> done = std::move(walks_.front());
    walks_.pop_front();
    shard_.send(CoreId{done->to.core},
                RoomsReached{.to = done->to, .number = done->number, .reached = 0, .refused = 0});
  }
}

}  // namespace ringroom::realtime
