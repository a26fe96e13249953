#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/token.h"

namespace ringroom::engine {

struct Completion {
  Token token;
  std::int32_t result;   // bytes, a file or 0 when >= 0, -errno otherwise
  bool more;             // the operation goes on: this was not its last completion
  bool has_buffer;       // received bytes lie in `buffer`, lent until give_back
  std::uint16_t buffer;  //
};

// A socket in the ring's own file table. It never appears in the process' descriptor table.
using File = std::uint32_t;

enum class Shots : std::uint8_t { one, many };
enum class Patience : std::uint8_t {
  at_once,  // takes what fits now; completes only if something was left (bytes taken, or -EAGAIN)
  parked    // waits until everything was taken; completes always
};

// How long a turn waits when nothing is there. With a minimum wait it goes on waiting for
// `completions_min` until `min_wait_us` have passed, and from then on for one.
struct Wait {
  std::uint64_t ns;  // at most; 0: not at all
  std::uint32_t completions_min = 1;
  std::uint32_t min_wait_us = 0;
};

// The kernel as a value: what can be asked of it for one core, and what comes back.
//
//   ask: accept receive send ...  --turn()-->  kernel  --completions-->  the same turn()
//
// The seam of the engine: io_uring behind it in service, something smaller where io_uring is
// forbidden. One virtual call per operation of about 3 us.
//
// Owner:   the thread that opened it; no call is safe from another thread.
// Order:   operations are begun in the order of the calls, at the next turn().
// Memory:  names and vectors in a call need to stay put until the next turn() returns; bytes of a
//          parked send, and the place for a peer's name, until the completion.
// Errors:  opening can fail; after that the only failures are results of single operations.
class Ring {
 public:
  static constexpr std::uint64_t wait_forever = ~std::uint64_t{0};

  virtual ~Ring() = default;

  virtual void accept(Token token, int listener, Shots shots) = 0;  // result: a File
  virtual void peer_name(Token token, File file, void* name, std::uint32_t name_bytes) = 0;
  virtual void receive(Token token, File file) = 0;   // until it ends, from the ring's buffers
  virtual void readable(Token token, File file) = 0;  // once, when a receive would bring something
  virtual void send(Token token, File file, std::span<const std::byte> bytes,
                    Patience patience) = 0;
  virtual void send_gathered(Token token, File file, const msghdr& message, Patience patience) = 0;
  virtual void shutdown_writing(Token token, File file) = 0;
  virtual void reset_on_close(Token token, File file) = 0;  // close() then sends RST
  virtual void close(Token token, File file) = 0;
  virtual void cancel(Token token, Token target) = 0;
  virtual void watch(Token token, int event_fd) = 0;  // a completion for every write to it

  // Begins everything asked for, waits for a completion, and returns all there are. The span is
  // valid until the next call.
  virtual std::span<const Completion> turn(const Wait& wait) = 0;

  // A turn would bring something. A look at shared memory, no system call; what was asked for since
  // the last turn is not begun by it.
  virtual bool ready() = 0;
  // A minimum wait is kept; otherwise a turn waits for one completion, whatever it is asked.
  virtual bool can_gather() const = 0;

  // The bytes of a completion with a buffer; lent until the buffer is given back. The kernel sees
  // returned buffers at the next turn().
  virtual std::span<std::byte> received(const Completion& completion) = 0;
  virtual void give_back(std::uint16_t buffer) = 0;
};

}  // namespace ringroom::engine
