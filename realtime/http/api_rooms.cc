#include "realtime/http/api.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void Api::list_rooms(Session& session, const Arguments& said) {
  // A listing is answered before anything behind it begins, so the last one is complete.
  RR_CHECK(shard_.listings.begin(
      {.asker = asker_of(session),
       .correlation_id = {},
       .workspace = workspace_,
       .prefix = said.text("prefix"),
       .after = said.text("after"),
       .limit = static_cast<std::uint32_t>(said.number("limit", bounds::listed_rooms_usual))}));
}

void Api::create_room(Session& session, const Arguments& said) {
  shard_.questions.create(about(session, said), {.owner = said.text("owner"),
                                                 .metadata = said.text("metadata"),
                                                 .max_members = said.number("max_members"),
                                                 .is_public = said.flag("public", true),
                                                 .by_client = false});
}

void Api::describe_room(Session& session, const Arguments& said) {
  shard_.questions.describe(about(session, said));
}

void Api::delete_room(Session& session, const Arguments& said) {
  shard_.questions.remove(about(session, said), {.user_id = {}, .is_granted = true});
}

void Api::presence(Session& session, const Arguments& said) {
  shard_.questions.presence(about(session, said), Questions::Presence::members);
}

void Api::presence_stats(Session& session, const Arguments& said) {
  shard_.questions.presence(about(session, said), Questions::Presence::counts);
}

void Api::history(Session& session, const Arguments& said) {
  if (said.has("sequence") != said.has("epoch"))
    return refuse(session, said.fault(said.has("epoch") ? "sequence" : "epoch",
                                      "is missing: a position is a sequence and its epoch"));
  shard_.questions.history(
      about(session, said),
      {.since = {.epoch = said.text("epoch"), .sequence = said.number("sequence")},
       .limit = static_cast<std::uint32_t>(said.number("limit", bounds::history_page_usual)),
       .reverse = said.flag("reverse"),
       .permissions = PermissionView::all().bytes()});
}

void Api::clear_history(Session& session, const Arguments& said) {
  shard_.questions.clear_history(about(session, said));
}

}  // namespace ringroom::realtime
