#include "tests/support/scripted_ring.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace ringroom::support {

using engine::Completion;
using engine::File;
using engine::Op;
using engine::Patience;
using engine::Token;

ScriptedRing::ScriptedRing(const Size& size, Script& script)
    : script_(script), files_(size.files), memory_(size.buffers * buffer_bytes) {
  RR_CHECK(size.buffers <= 65'536);  // their numbers have 16 bits
  free_files_.reserve(size.files);
  for (File file = size.files; file > 0; --file) free_files_.push_back(file - 1);
  free_buffers_.reserve(size.buffers);
  for (std::uint32_t buffer = size.buffers; buffer > 0; --buffer) {
    free_buffers_.push_back(static_cast<std::uint16_t>(buffer - 1));
  }
  // At most a name, an end, a cancel and a close of every file, and every buffer.
  coming_.reserve(4 * std::size_t{size.files} + size.buffers);
  now_.reserve(coming_.capacity());
}

File ScriptedRing::connect() {
  RR_CHECK(can_connect());
  const File file = free_files_.back();
  free_files_.pop_back();
  files_[file] = {};
  complete(accept_, static_cast<std::int32_t>(file), accepts_many_);
  accepting_ = accepts_many_;
  return file;
}

void ScriptedRing::say(File file, std::span<const std::byte> bytes) {
  const Connection& connection = files_[file];
  RR_CHECK(connection.receiving);
  while (!bytes.empty()) {
    RR_CHECK(!free_buffers_.empty());
    const std::uint16_t buffer = free_buffers_.back();
    free_buffers_.pop_back();
    const std::size_t size = std::min(bytes.size(), buffer_bytes);
    std::memcpy(memory_.data() + buffer * buffer_bytes, bytes.data(), size);
    bytes = bytes.subspan(size);
    coming_.push_back({.token = connection.receive,
                       .result = static_cast<std::int32_t>(size),
                       .more = true,
                       .has_buffer = true,
                       .buffer = buffer});
  }
}

void ScriptedRing::hang_up(File file) {
  files_[file].hung_up = true;
  end_receive(file, 0);
}

void ScriptedRing::accept(Token token, int, engine::Shots shots) {
  RR_CHECK(!accepting_);
  accept_ = token;
  accepting_ = true;
  accepts_many_ = shots == engine::Shots::many;
}

void ScriptedRing::peer_name(Token token, File, void* name, std::uint32_t name_bytes) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(name, &peer, std::min<std::size_t>(name_bytes, sizeof peer));
  complete(token, 0);
}

void ScriptedRing::receive(Token token, File file) {
  Connection& connection = files_[file];
  RR_CHECK(!connection.receiving);
  connection.receive = token;
  connection.receiving = true;
  if (connection.hung_up) end_receive(file, 0);
}

// Only sockets that rest are polled, and the options of a scripted core let none.
void ScriptedRing::readable(Token, File) { RR_CHECK(false); }

void ScriptedRing::send(Token token, File file, std::span<const std::byte> bytes,
                        Patience patience) {
  // Nearly always, and not to count as work of the core.
  if (patience == Patience::at_once && bytes.size() <= script_.window(file)) {
    return script_.heard(file, bytes);
  }
  const iovec whole{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  take(token, file, {&whole, 1}, patience);
}

void ScriptedRing::send_gathered(Token token, File file, const msghdr& message, Patience patience) {
  take(token, file, {message.msg_iov, message.msg_iovlen}, patience);
}

void ScriptedRing::take(Token token, File file, std::span<const iovec> vectors, Patience patience) {
  Connection& connection = files_[file];
  RR_CHECK(connection.rest.empty());  // never two sends of a socket
  std::size_t left = script_.window(file);
  std::size_t taken = 0;
  std::size_t asked = 0;
  for (const iovec& vector : vectors) {
    const std::size_t part = std::min(vector.iov_len, left);
    auto* bytes = static_cast<std::byte*>(vector.iov_base);
    if (part > 0) script_.heard(file, {bytes, part});
    left -= part;
    taken += part;
    asked += vector.iov_len;
    if (patience == Patience::parked && part < vector.iov_len) {
      connection.rest.push_back({.iov_base = bytes + part, .iov_len = vector.iov_len - part});
    }
  }
  if (patience == Patience::at_once) {
    // All of it: silent.
    if (taken < asked) complete(token, taken > 0 ? static_cast<std::int32_t>(taken) : -EAGAIN);
  } else if (taken == asked) {
    complete(token, static_cast<std::int32_t>(asked));
  } else {
    connection.parked = token;
    connection.parked_bytes = asked;
    parked_.push_back(file);
  }
}

void ScriptedRing::take_rest(File file) {
  Connection& connection = files_[file];
  std::size_t left = script_.window(file);
  std::size_t gone = 0;
  for (iovec& vector : connection.rest) {
    const std::size_t part = std::min(vector.iov_len, left);
    if (part > 0) script_.heard(file, {static_cast<const std::byte*>(vector.iov_base), part});
    left -= part;
    vector.iov_base = static_cast<std::byte*>(vector.iov_base) + part;
    vector.iov_len -= part;
    if (vector.iov_len > 0) break;
    ++gone;
  }
  connection.rest.erase(connection.rest.begin(),
                        connection.rest.begin() + static_cast<std::ptrdiff_t>(gone));
  if (connection.rest.empty()) {
    complete(connection.parked, static_cast<std::int32_t>(connection.parked_bytes));
  }
}

void ScriptedRing::shutdown_writing(Token token, File file) {
  complete(token, 0);
  hang_up(file);
}

void ScriptedRing::reset_on_close(Token token, File) { complete(token, 0); }

void ScriptedRing::close(Token token, File file) {
  RR_CHECK(!files_[file].receiving && files_[file].rest.empty());
  complete(token, 0);
  free_files_.push_back(file);
}

void ScriptedRing::cancel(Token token, Token target) {
  if (target.op == Op::accept) {
    stop_accepting();
  } else if (target.op == Op::receive) {
    end_receive(target.slot, -ECANCELED);
  } else if (target.op == Op::send_parked && !files_[target.slot].rest.empty()) {
    files_[target.slot].rest.clear();
    std::erase(parked_, target.slot);
    complete(files_[target.slot].parked, -ECANCELED);
  }
  complete(token, 0);
}

// Nobody rings: one core, and the script comes with every turn.
void ScriptedRing::watch(Token, int) {}

std::span<const Completion> ScriptedRing::turn(const engine::Wait&) {
  script_.before_turn(*this);
  for (const File file : parked_) take_rest(file);
  std::erase_if(parked_, [this](File file) { return files_[file].rest.empty(); });
  now_.swap(coming_);
  coming_.clear();
  return now_;
}

std::span<std::byte> ScriptedRing::received(const Completion& completion) {
  return {memory_.data() + completion.buffer * buffer_bytes,
          static_cast<std::size_t>(completion.result)};
}

void ScriptedRing::give_back(std::uint16_t buffer) { free_buffers_.push_back(buffer); }

void ScriptedRing::complete(Token token, std::int32_t result, bool more) {
  coming_.push_back(
      {.token = token, .result = result, .more = more, .has_buffer = false, .buffer = 0});
}

void ScriptedRing::end_receive(File file, std::int32_t result) {
  Connection& connection = files_[file];
  if (!connection.receiving) return;
  connection.receiving = false;
  complete(connection.receive, result);
}

void ScriptedRing::stop_accepting() {
  if (!accepting_) return;
  accepting_ = false;
  complete(accept_, -ECANCELED);
}

}  // namespace ringroom::support
