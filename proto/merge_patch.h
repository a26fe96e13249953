#pragma once

#include "alloc/block.h"
#include "proto/json.h"

namespace ringroom::proto {

// Appends the JSON merge patch (RFC 7396) that turns the object `from` into the object `to`: what
// is new or different, `null` for what is gone. Equal objects give `{}`.
//
// Values count as equal if they are the same text, so another spelling of one number only makes the
// patch larger.
// False: no patch can say it, because a member of `to` that is new or different holds null, which a
// patch takes for "remove"; or it is not worth it: an object has more than patch_members_max
// members, or two of one name. `out` is as it was.
// Both values stem from different parsers.
bool append_merge_patch(const JsonValue& from, const JsonValue& to, alloc::BlockBuilder& out);

}  // namespace ringroom::proto
