#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "proto/command.h"
#include "proto/http.h"
#include "realtime/http/routes.h"
#include "realtime/letters.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// HTTP on one connection: requests out of its bytes one at a time, each answered before the next is
// looked at, until the connection ends or becomes a WebSocket.
//
//   received --> HttpReader --> Routes --> respond()           at once
//                                     \--> wait(), respond()   when another core has answered
//                                     \--> WebSocket: the rest of the bytes are frames
class Exchanges {
 public:
  explicit Exchanges(Shard& shard);

  void received(Session& session, std::span<std::byte> bytes);

  struct Answer {
    int status;
    std::string_view content_type;
    std::string_view body;
    std::span<const proto::HttpHeader> headers = {};
    bool close = false;  // whatever the client asked
  };
  void respond(Session& session, const Answer& answer);
  // {"error":{"code","message","request_id"}} with the status of the code, or another one.
  void refuse(Session& session, proto::ErrorCode code, std::string_view message);
  void refuse(Session& session, int status, std::string_view code, std::string_view message,
              std::span<const proto::HttpHeader> headers = {}, bool close = false);

  // The answer comes from another core: names the request for it.
  std::uint32_t wait(Session& session);
  void receive(Session& session, const Published& published);
  void receive(Session& session, const Refused& refused);
  void receive(Session& session, const RoomDescribed& room);
  void receive(Session& session, std::uint32_t exchange, const proto::RoomList& list);
  // The answer to that request, if it still waits.
  void answer(Session& session, std::uint32_t exchange, const Answer& answer);
  void refuse(Session& session, std::uint32_t exchange, proto::ErrorCode code,
              std::string_view message);

 private:
  // In front of the first request of a trusted proxy's connection. False: nothing to read yet, or
  // any more.
  bool take_proxy_header(Session& session, std::span<std::byte>& bytes);
  void answer(Session& session, const proto::Request& request);
  void go_on(Session& session);

  Shard& shard_;
  Routes routes_;
  alloc::BlockBuilder out_, body_;
};

}  // namespace ringroom::realtime
