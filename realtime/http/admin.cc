#include "realtime/http/admin.h"

#include "proto/json.h"

namespace ringroom::realtime {

void append_config(alloc::BlockBuilder& out, const Config& config) {
  out.append("{\"version\":\"" RINGROOM_VERSION "\",\"options\":{");
  bool is_first = true;
  for (const Option& option : options) {
    if (!is_first) out.append(',');
    is_first = false;
    proto::append_json_string(out, option.name);
    out.append(':');
    proto::append_json_string(out, print(config, option));
  }
  out.append("}}\n");
}

}  // namespace ringroom::realtime
