#include "base/log.h"

#include <signal.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstring>
#include <ctime>
#include <exception>
#include <memory>
#include <mutex>
#include <string>

#include "base/check.h"
#include "base/clock.h"

namespace ringroom {

namespace {

constexpr std::string_view level_names[] = {"trace", "debug", "info", "warning", "error"};

// What travels from line() to the writer inside spdlog's record, which copies bytes without
// looking:
//
//   u64 wall_ms | u8 level | text message | { text key | u8 kind | text or u64 }...    text: u32,
//   bytes
class Packer {
 public:
  explicit Packer(spdlog::memory_buf_t& out) : out_(out) {}

  template <class Plain>
  void plain(Plain value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, bytes + sizeof value);
  }
  void text(std::string_view text) {
    plain(static_cast<std::uint32_t>(text.size()));
    out_.append(text.data(), text.data() + text.size());
  }
  void value(const Log::Value& value) {
    plain(value.kind());
    switch (value.kind()) {
      case Log::Value::Kind::text:
        return text(value.text());
      case Log::Value::Kind::integer:
        return plain(value.integer());
      case Log::Value::Kind::real:
        return plain(value.real());
      case Log::Value::Kind::natural:
      case Log::Value::Kind::truth:
        return plain(value.natural());
    }
  }

 private:
  spdlog::memory_buf_t& out_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  template <class Plain>
  Plain plain() {
    Plain value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view text() {
    const auto bytes = plain<std::uint32_t>();
    const std::string_view out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }
  Log::Value value() {
    switch (plain<Log::Value::Kind>()) {
      case Log::Value::Kind::integer:
        return plain<std::int64_t>();
      case Log::Value::Kind::real:
        return plain<double>();
      case Log::Value::Kind::natural:
        return plain<std::uint64_t>();
      case Log::Value::Kind::truth:
        return plain<std::uint64_t>() != 0;
      case Log::Value::Kind::text:
        break;
    }
    return text();
  }

 private:
  std::string_view rest_;
};

// Control characters and quotes would end a record early or forge a second one. Bytes above 0x7f
// pass: a log may show a name in its own script.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(byte));
      out += code;
    } else {
      out += c;
    }
  }
}

template <class Number>
void append_number(std::string& out, Number number) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end.ptr);
}

void append_time(std::string& out, std::uint64_t wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  out.append(text, size);
  std::snprintf(text, sizeof text, ".%03uZ", static_cast<unsigned>(wall_ms % 1'000));
  out += text;
}

// A form of a record: how a text stands in it, and what stands around keys.
class Writer {
 public:
  Writer(std::string& out, bool json) : out_(out), json_(json) {}

  void key(std::string_view key) {
    if (!first_) out_ += json_ ? ',' : ' ';
    first_ = false;
    if (json_) out_ += '"';
    append_escaped(out_, key);
    out_ += json_ ? "\":" : "=";
  }
  void text(std::string_view text) {
    const bool quoted = json_ || text.empty() || needs_quotes(text);
    if (quoted) out_ += '"';
    append_escaped(out_, text);
    if (quoted) out_ += '"';
  }
  void value(const Log::Value& value) {
    switch (value.kind()) {
      case Log::Value::Kind::text:
        return text(value.text());
      case Log::Value::Kind::natural:
        return append_number(out_, value.natural());
      case Log::Value::Kind::integer:
        return append_number(out_, value.integer());
      case Log::Value::Kind::real:
        // JSON has no word for infinity.
        return std::isfinite(value.real()) ? append_number(out_, value.real()) : text("not finite");
      case Log::Value::Kind::truth:
        out_ += value.natural() != 0 ? "true" : "false";
        return;
    }
  }

 private:
  static bool needs_quotes(std::string_view text) {
    for (const char c : text)
      if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f)
        return true;
    return false;
  }

  std::string& out_;
  bool json_;
  bool first_ = true;
};

void append_record(std::string& out, std::string_view packed, bool json) {
  Unpacker record(packed);
  Writer writer(out, json);
  if (json) out += '{';
  writer.key("ts");
  if (json) out += '"';
  append_time(out, record.plain<std::uint64_t>());
  if (json) out += '"';
  writer.key("level");
  writer.text(level_names[record.plain<std::uint8_t>()]);
  writer.key("msg");
  writer.text(record.text());
  while (!record.done()) {
    writer.key(record.text());
    writer.value(record.value());
  }
  out += json ? "}\n" : "\n";
}

// Runs on spdlog's thread. One write per record, so that records of several processes in one file
// do not mix.
class Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Sink(int fd, bool json) : fd_(fd), json_(json) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    text_.clear();
    append_record(text_, {message.payload.data(), message.payload.size()}, json_);
    std::string_view rest = text_;
    while (!rest.empty()) {
      const ssize_t written = ::write(fd_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // whoever read the log is gone; the server has other work
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush_() override {}

  std::string text_;
  int fd_;
  bool json_;
};

struct Writing {
  std::shared_ptr<spdlog::details::thread_pool> thread;
  std::shared_ptr<spdlog::async_logger> logger;
};

std::unique_ptr<Writing> writing;  // set by start(), before other threads
std::atomic<Log::Level> level_from{Log::Level::info};
std::atomic<std::uint64_t> dropped_before{0};

// How much a call site wrote in this second. Per thread, so that counting needs no lock.
struct Burst {
  Log::Site site{};
  std::uint64_t second = 0;
  std::uint32_t written = 0;
  std::uint64_t left_out = 0;
};
thread_local std::array<Burst, 256> bursts;

// Two sites that fall on one row take turns in owning it: at worst a few lines more are written.
Burst& burst_of(Log::Site site) {
  const std::size_t mixed =
      reinterpret_cast<std::uintptr_t>(site.file) / 16 * 31 + static_cast<std::size_t>(site.line);
  Burst& burst = bursts[mixed % bursts.size()];
  if (burst.site.file != site.file || burst.site.line != site.line) burst = {.site = site};
  return burst;
}

}  // namespace

void Log::start(const Options& options) {
  RR_CHECK(writing == nullptr);
  const bool json = options.format == Format::json ||
                    (options.format == Format::automatic && !isatty(options.fd));
  // Signals are for the thread that waits for them, never for the writer.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto next = std::make_unique<Writing>();
  next->thread = std::make_shared<spdlog::details::thread_pool>(records_max, 1);
  next->logger = std::make_shared<spdlog::async_logger>(
      "", std::make_shared<Sink>(options.fd, json), next->thread,
      spdlog::async_overflow_policy::overrun_oldest);
  next->logger->set_level(spdlog::level::trace);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  level(options.level);
  dropped_before = 0;
  writing = std::move(next);
}

void Log::stop() {
  if (writing == nullptr) return;
  dropped_before = dropped();
  writing = nullptr;  // joins the writer, which empties its queue first
}

bool Log::on(Level level) {
  return writing != nullptr && level >= level_from.load(std::memory_order_relaxed);
}

void Log::level(Level level) { level_from.store(level, std::memory_order_relaxed); }

void Log::line(Level level, std::string_view message, std::initializer_list<Field> fields,
               Site site) {
  if (!on(level)) return;
  const std::uint64_t now_ms = wall_ms();
  Burst& burst = burst_of(site);
  if (burst.second != now_ms / 1'000) {
    burst.second = now_ms / 1'000;
    burst.written = 0;
  }
  if (burst.written == lines_per_second) {
    ++burst.left_out;
    return;
  }
  ++burst.written;

  try {
    spdlog::memory_buf_t record;
    Packer packer(record);
    packer.plain(now_ms);
    packer.plain(level);
    packer.text(message);
    for (const Field& field : fields) {
      packer.text(field.key);
      packer.value(field.value);
    }
    if (burst.left_out > 0) {
      packer.text("left_out");
      packer.value(burst.left_out);
      burst.left_out = 0;
    }
    writing->logger->log(spdlog::level::info, spdlog::string_view_t(record.data(), record.size()));
  } catch (const std::exception&) {
    // Out of memory for a log record: the record is what we can do without.
    dropped_before.fetch_add(1, std::memory_order_relaxed);
  }
}

std::uint64_t Log::dropped() {
  const std::uint64_t overrun = writing == nullptr ? 0 : writing->thread->overrun_counter();
  return dropped_before.load(std::memory_order_relaxed) + overrun;
}

}  // namespace ringroom
