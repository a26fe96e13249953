#include "realtime/session/questions.h"

#include "realtime/shard.h"

namespace ringroom::realtime {

// Names the room and who asks in it, and sends it to the room's home.
template <class Question>
void Questions::ask(const About& about, Question question) {
  const NameIn name(about.workspace, about.room);
  question.room = shard_.node.room_id(name);
  question.room_name = name;
  question.asker = about.asker;
  question.correlation_id = about.correlation_id;
  shard_.send(shard_.node.home_of(question.room), question);
}

void Questions::create(const About& about, const Creation& creation) {
  ask(about, CreateRoom{.owner = creation.owner,
                        .metadata = creation.metadata,
                        .max_members = creation.max_members,
                        .is_public = creation.is_public,
                        .by_client = creation.by_client});
}

void Questions::remove(const About& about, const Removal& removal) {
  ask(about, DeleteRoom{.user_id = removal.user_id, .is_granted = removal.is_granted});
}

void Questions::describe(const About& about) { ask(about, DescribeRoom{}); }

void Questions::presence(const About& about, Presence what) {
  ask(about, ReadPresence{.counts_only = what == Presence::counts});
}

void Questions::history(const About& about, const Page& page) {
  ask(about, ReadHistory{.limit = page.limit,
                         .reverse = page.reverse,
                         .since_sequence = page.since.sequence,
                         .since_epoch = page.since.epoch,
                         .permissions = page.permissions,
                         .edition = page.edition});
}

void Questions::clear_history(const About& about) { ask(about, ClearHistory{}); }

}  // namespace ringroom::realtime
