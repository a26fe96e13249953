#pragma once

#include "realtime/compact_list.h"
#include "realtime/room/subscribers.h"

namespace ringroom::realtime {

// What a session listens to: nothing for many, few rooms for most.
using SubscriptionList = CompactList<Subscription>;
static_assert(sizeof(SubscriptionList) == sizeof(void*), "the part of it that idle sessions pay");

}  // namespace ringroom::realtime
