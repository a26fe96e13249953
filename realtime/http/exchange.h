#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "proto/command.h"
#include "proto/http.h"
#include "realtime/http/pipeline.h"
#include "realtime/http/routes.h"
#include "realtime/letters/publication.h"
#include "realtime/letters/refused.h"
#include "realtime/letters/room_life.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// HTTP on one connection: requests out of its bytes, answered in their order, until the connection
// ends or becomes a WebSocket.
//
//   received --> HttpReader --> Routes --> respond()           at once
//                                     \--> wait(), answer()    when another core has answered
//                                     \--> WebSocket: the rest of the bytes are frames
//
// Pipelined requests: publications are under way together, Exchange::calls_max of a connection. All
// else begins when everything before it is answered, and is answered before anything behind it
// begins; so a connection sees its calls take effect in their order.
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
  // Why a request is not answered as it wants:
  //   {"error":{"code","message","path"?,"retry_after"?,"request_id"}}
  struct Problem {
    int status;
    std::string_view code, message;
    std::string_view path = {};  // of what is wrong: "$.payload.user", "?limit"; empty: all of it
    std::optional<std::uint64_t> retry_after_ms = {};  // said in a header, too
    std::span<const proto::HttpHeader> headers = {};
    bool close = false;
  };
  static Problem problem_of(proto::ErrorCode code, std::string_view message);

  // The peer has taken all its answers.
  void drained(engine::SocketId socket);

  // To the request that was read last, or the command of a batch that is being begun.
  void respond(Session& session, const Answer& answer);
  void refuse(Session& session, const Problem& problem);
  void refuse(Session& session, proto::ErrorCode code, std::string_view message) {
    refuse(session, problem_of(code, message));
  }
  void refuse(Session& session, int status, std::string_view code, std::string_view message,
              std::span<const proto::HttpHeader> headers = {}, bool close = false) {
    refuse(
        session,
        {.status = status, .code = code, .message = message, .headers = headers, .close = close});
  }

  // The answer comes from another core: the number of the request.
  std::uint32_t wait(Session& session);
  void receive(Session& session, const Published& published);
  void receive(Session& session, const Refused& refused);
  void receive(Session& session, const RoomDescribed& room);
  void receive(Session& session, std::uint32_t exchange, const proto::RoomList& list);
  // The answer to that request, if it still waits.
  void answer(Session& session, std::uint32_t exchange, const Answer& answer);
  void answer(Session& session, std::uint32_t exchange, std::string_view json, int status = 200);
  void refuse(Session& session, std::uint32_t exchange, const Problem& problem);
  void refuse(Session& session, std::uint32_t exchange, proto::ErrorCode code,
              std::string_view message) {
    refuse(session, exchange, problem_of(code, message));
  }

 private:
  // In front of the first request of a trusted proxy's connection. False: nothing to read yet, or
  // any more.
  bool take_proxy_header(Session& session, std::span<std::byte>& bytes);
  void read(Session& session, std::span<std::byte> bytes);
  bool may_read(Session& session);
  void let_continue(Session& session);
  void pause(Session& session, std::span<const std::byte> behind);
  void begin(Session& session, const proto::Request& request, const Routes::Found& found);
  void go_on(Session& session);
  Call& current(Session& session);
  void settle(Session& session, Call& call, const Answer& answer);
  void settle(Session& session, Call& call, const Problem& problem);
  // The answer of the first call.
  void write(Session& session, std::span<const std::byte> response, bool keep_alive);
  std::string_view id_of_batch(Session& session);
  std::string_view write_problem(const Problem& problem, std::string_view request_id);

  Shard& shard_;
  Routes routes_;
  alloc::BlockBuilder out_, body_, problem_;
};

}  // namespace ringroom::realtime
