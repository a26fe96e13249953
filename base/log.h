#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/result.h"

namespace ringroom {

// One-line records of what an operator should know. The caller only packs the values; a writer
// thread of its own turns them into text.
//
//   Log::line(Log::Level::info, "listening", {{"address", text}, {"cores", 4}});
//
//   logfmt   ts=2026-01-01T00:00:00.000Z level=info msg=listening address=127.0.0.1:80 cores=4
//   json     {"ts":"2026-01-01T00:00:00.000Z","level":"info","msg":"listening",...}
//
// Owner:    the process: start() before the first thread that logs, stop() after the last. Silent
//           outside of these two, so tests are quiet.
// Threads:  line() may be called from any; it never waits. When the queue is full the oldest record
//           gives way; so does what cannot be written, on a full disk or for a reader that is gone.
//           Both are counted (dropped()).
// Bursts:   a call site writes at most `lines_per_second` a second on each thread; the next record
// it
//           writes says how many were left out.
// Content:  never a token, a key or a payload. Strings of clients are escaped and cut, so one
// record
//           is always one line, of bounded length.
class Log {
 public:
  enum class Level : std::uint8_t { trace, debug, info, warning, error };
  enum class Format : std::uint8_t { automatic, logfmt, json };  // automatic: logfmt on a terminal

  class Value {
   public:
    enum class Kind : std::uint8_t { text, natural, integer, real, truth };

    constexpr Value(std::string_view text) : kind_(Kind::text), text_(text) {}
    constexpr Value(const char* text) : kind_(Kind::text), text_(text) {}
    constexpr Value(bool truth) : kind_(Kind::truth), natural_(truth ? 1 : 0) {}
    constexpr Value(unsigned value) : kind_(Kind::natural), natural_(value) {}
    constexpr Value(unsigned long value) : kind_(Kind::natural), natural_(value) {}
    constexpr Value(unsigned long long value) : kind_(Kind::natural), natural_(value) {}
    constexpr Value(int value) : kind_(Kind::integer), integer_(value) {}
    constexpr Value(long value) : kind_(Kind::integer), integer_(value) {}
    constexpr Value(long long value) : kind_(Kind::integer), integer_(value) {}
    constexpr Value(double value) : kind_(Kind::real), real_(value) {}

    Kind kind() const { return kind_; }
    std::string_view text() const { return text_; }
    std::uint64_t natural() const { return natural_; }
    std::int64_t integer() const { return integer_; }
    double real() const { return real_; }

   private:
    Kind kind_;
    std::string_view text_;
    union {
      std::uint64_t natural_ = 0;
      std::int64_t integer_;
      double real_;
    };
  };

  struct Field {
    std::string_view key;
    Value value;
  };

  // Where a record was written: what bursts are counted by.
  struct Site {
    const char* file;
    int line;
    static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
      return {file, line};
    }
  };

  struct Options {
    Level level = Level::info;
    Format format = Format::automatic;
    int fd = 2;
    std::string_view path = {};  // a file instead, which is appended to
  };

  static constexpr std::uint32_t lines_per_second = 10;
  static constexpr std::size_t text_bytes_max = 512;  // of one value
  static constexpr std::uint32_t records_max = 8192;  // about 3 MiB: a second of a very bad day

  static Outcome<int> start(const Options& options);  // or why the file cannot be opened (errno)
  static void stop();  // writes what is queued; returns when the writer has ended
  // Goes on in the file that has the path now: the one before was moved away. Or why it cannot
  // (errno), and goes on where it was.
  static Outcome<int> reopen();

  static bool on(Level level);
  static void level(Level level);  // from now on
  static void line(Level level, std::string_view message, std::initializer_list<Field> fields = {},
                   Site site = Site::here());

  static std::uint64_t dropped();  // records that were taken and not written
};

}  // namespace ringroom
