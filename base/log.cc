#include "base/log.h"

#include <signal.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "base/log_file.h"
#include "base/log_record.h"

namespace ringroom {

namespace {

// At the end, a reader that does not read is not waited for.
constexpr std::uint64_t last_patience_ms = 500;

std::atomic<std::uint64_t> lost{0};  // records that could not be written

// Runs on spdlog's thread. One write per record, so that records of several processes in one file
// do not mix.
class Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Sink(LogFile& file, bool json) : file_(file), json_(json) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    text_.clear();
    if (untold_ > 0) tell_lost();
    append_record(text_, {message.payload.data(), message.payload.size()}, json_);
    if (file_.write(text_)) {
      untold_ = 0;
    } else {
      ++untold_;
      lost.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void flush_() override {}

  void tell_lost() {
    std::string record;
    LogPacker packer(record);
    packer.begin(wall_ms(), Log::Level::warning, "records could not be written and are lost");
    packer.field("count", untold_);
    append_record(text_, record, json_);
  }

  LogFile& file_;
  std::string text_;
  std::uint64_t untold_ = 0;
  bool json_;
};

struct Writing {
  explicit Writing(std::unique_ptr<LogFile> file_) : file(std::move(file_)) {}
  std::unique_ptr<LogFile> file;  // outlives the thread
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

Outcome<int> Log::start(const Options& options) {
  RR_CHECK(writing == nullptr);
  const bool is_given = options.path.empty();
  auto file = is_given ? std::make_unique<LogFile>(options.fd)
                       : std::make_unique<LogFile>(std::string(options.path));
  if (const int error = file->open(); error != 0) return fail(error);
  const bool for_people = is_given && isatty(options.fd);
  const bool json =
      options.format == Format::json || (options.format == Format::automatic && !for_people);
  // Signals are for the thread that waits for them, never for the writer.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto next = std::make_unique<Writing>(std::move(file));
  next->thread = std::make_shared<spdlog::details::thread_pool>(records_max, 1);
  next->logger = std::make_shared<spdlog::async_logger>(
      "", std::make_shared<Sink>(*next->file, json), next->thread,
      spdlog::async_overflow_policy::overrun_oldest);
  next->logger->set_level(spdlog::level::trace);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  level(options.level);
  dropped_before = 0;
  lost = 0;
  writing = std::move(next);
  return Done{};
}

void Log::stop() {
  if (writing == nullptr) return;
  dropped_before.fetch_add(writing->thread->overrun_counter(), std::memory_order_relaxed);
  writing->file->hurry(last_patience_ms);
  writing = nullptr;  // joins the writer, which empties its queue first
}

Outcome<int> Log::reopen() {
  const int error = writing == nullptr ? 0 : writing->file->open();
  if (error != 0) return fail(error);
  return Done{};
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
    LogPacker packer(record);
    packer.begin(now_ms, level, message);
    for (const Field& field : fields) packer.field(field.key, field.value);
    if (burst.left_out > 0) {
      packer.field("left_out", burst.left_out);
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
  return dropped_before.load(std::memory_order_relaxed) + overrun +
         lost.load(std::memory_order_relaxed);
}

}  // namespace ringroom
