#pragma once

#include "base/counter.h"

namespace ringroom::realtime {

// What is counted of one of the workspaces that `workspace-metrics` lists, one set per core. Which
// those are is the operator's choice, so no client can make a series.
struct WorkspaceCounters {
  Counter connections, rooms, publications_total;
};

inline constexpr CounterRow<WorkspaceCounters> workspace_counters[] = {
    {"workspace_connections", CounterKind::gauge, "WebSockets in service, of a workspace.",
     &WorkspaceCounters::connections},
    {"workspace_rooms", CounterKind::gauge, "Rooms alive, of a workspace.",
     &WorkspaceCounters::rooms},
    {"workspace_publish_total", CounterKind::total,
     "Publications accepted by their room, of a workspace.",
     &WorkspaceCounters::publications_total},
};

}  // namespace ringroom::realtime
