#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/ring.h"

namespace ringroom::support {

class ScriptedRing;

// What happens outside. Asked once per turn, before the core sees the turn's completions.
class Script {
 public:
  virtual ~Script() = default;
  virtual void before_turn(ScriptedRing& ring) = 0;
  // What was taken of a send of the core; the bytes are lent for the call.
  virtual void heard(engine::File file, std::span<const std::byte> bytes) = 0;
  // How much the peer still takes in this turn: asked for every send, and in every turn for the
  // rest of a parked one.
  virtual std::size_t window(engine::File) { return static_cast<std::size_t>(-1); }
};

// A Ring without a kernel: connections that a script opens, bytes that it says, and sends that are
// taken whole, or as far as the script lets them. The same script gives the same completions in the
// same order, so a core on this ring can be counted and compared, and costs nothing but its own
// work.
//
//   script   connect() say() hang_up()   --> completions of this turn
//   core     send()                      --> heard(), at once; what does not fit waits or comes
//   back
//            everything else             --> its completion in the next turn
//
// Peers behave: a FIN is answered by theirs, and nothing that the core asks for fails.
//
// Owner:   the core that runs on it; the script outlives both.
// Memory:  all of it is reserved by the constructor, so that a count of allocations is the core's;
//          only what a window keeps waiting takes more.
// Errors:  a core that breaks the rules of Ring is stopped by a check.
class ScriptedRing : public engine::Ring {
 public:
  static constexpr std::size_t buffer_bytes = 4096;  // as in service

  struct Size {
    std::uint32_t files;
    std::uint32_t buffers;  // received bytes that the core has not given back, in pieces
  };
  ScriptedRing(const Size& size, Script& script);

  // For the script, within before_turn().
  bool can_connect() const { return accepting_ && !free_files_.empty(); }
  engine::File connect();
  void say(engine::File file, std::span<const std::byte> bytes);  // cut into buffers
  void hang_up(engine::File file);
  bool listens(engine::File file) const { return files_[file].receiving; }

  // For the core.
  using Token = engine::Token;
  using File = engine::File;
  void accept(Token token, int listener, engine::Shots shots) override;
  void peer_name(Token token, File file, void* name, std::uint32_t name_bytes) override;
  void receive(Token token, File file) override;
  void readable(Token token, File file) override;
  void send(Token token, File file, std::span<const std::byte> bytes,
            engine::Patience patience) override;
  void send_gathered(Token token, File file, const msghdr& message,
                     engine::Patience patience) override;
  void shutdown_writing(Token token, File file) override;
  void reset_on_close(Token token, File file) override;
  void close(Token token, File file) override;
  void cancel(Token token, Token target) override;
  void watch(Token token, int event_fd) override;
  std::span<const engine::Completion> turn(const engine::Wait& wait) override;
  bool ready() override { return true; }  // the script comes with every turn
  bool can_gather() const override { return false; }
  std::span<std::byte> received(const engine::Completion& completion) override;
  void give_back(std::uint16_t buffer) override;

 private:
  struct Connection {
    Token receive{};
    Token parked{};
    std::vector<iovec> rest{};  // of the parked send; it has ended when there is none
    std::size_t parked_bytes = 0;
    bool receiving = false;
    bool hung_up = false;  // its end is told as soon as somebody listens
  };

  void complete(Token token, std::int32_t result, bool more = false);
  void take(Token token, File file, std::span<const iovec> vectors, engine::Patience patience);
  void take_rest(File file);
  void end_receive(File file, std::int32_t result);
  void stop_accepting();

  Script& script_;
  std::vector<Connection> files_;
  std::vector<File> free_files_;
  std::vector<std::byte> memory_;
  std::vector<std::uint16_t> free_buffers_;
  std::vector<File> parked_;  // files with a parked send
  Token accept_{};
  bool accepting_ = false;
  bool accepts_many_ = false;
  std::vector<engine::Completion> coming_;  // for the next turn
  std::vector<engine::Completion> now_;     // lent to the core
};

}  // namespace ringroom::support
