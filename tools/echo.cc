// A TCP echo server on engine/ alone: what a user of the engine writes.
//
//   echo PORT [CORES]      then: nc localhost PORT

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "engine/engine.h"

namespace {

using namespace ringroom;
using namespace ringroom::engine;

class Echo final : public Handler {
 public:
  void on_turn(const Inbox& inbox, Outbox& outbox) override {
    for (const Received& received : inbox.received) {
      // A peer that does not read what it gets is not worth the memory.
      if (outbox.write(received.socket, received.bytes) == Outbox::Send::over_limit) {
        outbox.abort(received.socket);
      }
    }
    if (inbox.stopping) outbox.finished();
  }
};

}  // namespace

int main(int argc, char** argv) {
  const long port = argc > 1 ? std::strtol(argv[1], nullptr, 10) : -1;
  const long cores = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 1;
  if (port < 0 || port > 65535 || cores < 1) {
    std::fprintf(stderr, "usage: echo PORT [CORES]\n");
    return 2;
  }

  EngineOptions options;
  options.cores = static_cast<std::uint32_t>(cores);
  options.listeners = {{"*", static_cast<std::uint16_t>(port)}};
  options.queue_bytes_max = 16u << 20;

  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  auto engine = Engine::start(options, [](CoreId, Outbox&) { return std::make_unique<Echo>(); });
  if (!engine) {
    std::fprintf(stderr, "%s\n", describe(engine.error(), options).c_str());
    return 1;
  }
  std::printf("echo on port %u\n", unsigned{(*engine)->ports()[0]});
  std::fflush(stdout);

  int signal = 0;
  sigwait(&ending, &signal);
  (*engine)->stop();
  (*engine)->join();
}
