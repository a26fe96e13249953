#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <string>
#include <vector>

namespace ringroom {
namespace {

// A log that writes to a file of its own, and its records once it has stopped.
class LogTo {
 public:
  explicit LogTo(Log::Format format, Log::Level level = Log::Level::info) {
    fd_ = memfd_create("log", MFD_CLOEXEC);
    Log::start({.level = level, .format = format, .fd = fd_});
  }
  ~LogTo() {
    Log::stop();
    close(fd_);
  }

  std::vector<std::string> stop() {
    Log::stop();
    struct stat status {};
    fstat(fd_, &status);
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    EXPECT_EQ(pread(fd_, text.data(), text.size(), 0), status.st_size);
    std::vector<std::string> out;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      out.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return out;
  }

 private:
  int fd_;
};

constexpr std::size_t time_bytes = std::string_view("2026-01-01T00:00:00.000Z").size();

TEST(Log, WritesLogfmtWithValuesOfEveryKind) {
  LogTo log(Log::Format::logfmt);
  Log::line(Log::Level::info, "two words",
            {{"text", "plain"}, {"n", 7u}, {"i", -7}, {"x", 0.5}, {"yes", true}, {"empty", ""}});
  const auto lines = log.stop();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].substr(0, 3), "ts=");
  EXPECT_EQ(lines[0].substr(3 + time_bytes),
            " level=info msg=\"two words\" text=plain n=7 i=-7 x=0.5 yes=true empty=\"\"");
}

TEST(Log, WritesJson) {
  LogTo log(Log::Format::json);
  Log::line(Log::Level::warning, "listening", {{"address", "127.0.0.1:80"}, {"cores", 4}});
  const auto lines = log.stop();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].substr(0, 7), "{\"ts\":\"");
  EXPECT_EQ(
      lines[0].substr(7 + time_bytes),
      "\",\"level\":\"warning\",\"msg\":\"listening\",\"address\":\"127.0.0.1:80\",\"cores\":4}");
}

TEST(Log, ChoosesJsonWhereNobodyLooks) {
  LogTo log(Log::Format::automatic);
  Log::line(Log::Level::info, "x");
  EXPECT_EQ(log.stop().at(0).front(), '{');
}

TEST(Log, KeepsARecordOnOneLineWhateverAClientSends) {
  for (const Log::Format format : {Log::Format::logfmt, Log::Format::json}) {
    LogTo log(format);
    Log::line(Log::Level::info, "joined", {{"user", "a\nts=0 level=error\r\t\"\\\x01\x7f"}});
    const auto lines = log.stop();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find(R"("a\nts=0 level=error\r\t\"\\\u0001\u007f")"), std::string::npos)
        << lines[0];
  }
}

TEST(Log, SaysTheTimeInUtcWithMilliseconds) {
  LogTo log(Log::Format::logfmt);
  Log::line(Log::Level::info, "x");
  const std::string line = log.stop().at(0);
  const std::string shape = "dddd-dd-ddTdd:dd:dd.dddZ";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 'd') {
      EXPECT_TRUE(line[3 + i] >= '0' && line[3 + i] <= '9') << line;
    } else {
      EXPECT_EQ(line[3 + i], shape[i]) << line;
    }
  }
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  LogTo log(Log::Format::logfmt, Log::Level::warning);
  EXPECT_FALSE(Log::on(Log::Level::info));
  Log::line(Log::Level::info, "quiet");
  Log::line(Log::Level::warning, "loud");
  Log::level(Log::Level::debug);
  Log::line(Log::Level::debug, "now heard");
  const auto lines = log.stop();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("msg=loud"), std::string::npos);
  EXPECT_NE(lines[1].find("msg=\"now heard\""), std::string::npos);
}

TEST(Log, CountsWhatABusyCallSiteLeavesOut) {
  LogTo log(Log::Format::logfmt);
  constexpr int calls =
      1'000;  // takes far less than the seconds that would let all of them through
  for (int i = 0; i < calls; ++i) Log::line(Log::Level::info, "busy", {{"i", i}});
  Log::line(Log::Level::info, "another place");
  const auto lines = log.stop();
  ASSERT_GE(lines.size(), Log::lines_per_second + 1);
  EXPECT_LT(lines.size(), 100u);
  EXPECT_NE(lines.back().find("another place"), std::string::npos);
}

TEST(Log, SaysHowManyWereLeftOutWithTheNextRecordOfThePlace) {
  LogTo log(Log::Format::logfmt);
  const Log::Site here = Log::Site::here();
  // Writes until the second is over and the place may speak again.
  std::uint64_t calls = 0;
  const std::time_t begin = std::time(nullptr);
  while (std::time(nullptr) < begin + 2) {
    Log::line(Log::Level::info, "busy", {}, here);
    ++calls;
  }
  std::uint64_t told = 0;
  const auto lines = log.stop();
  for (const std::string& line : lines) {
    const std::size_t at = line.find("left_out=");
    if (at != std::string::npos) told += std::stoull(line.substr(at + 9));
  }
  EXPECT_GT(told, 0u);
  EXPECT_LE(lines.size() + told, calls);
}

TEST(Log, IsSilentBeforeStartAndAfterStop) {
  EXPECT_FALSE(Log::on(Log::Level::error));
  Log::line(Log::Level::error, "into the void");
  LogTo log(Log::Format::logfmt);
  EXPECT_TRUE(log.stop().empty());
  EXPECT_FALSE(Log::on(Log::Level::error));
}

TEST(Log, DropsTheOldestOfAFullQueueAndCountsThem) {
  // A pipe nobody reads holds the writer; every record comes from another place so none is limited.
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Log::start({.format = Log::Format::json, .fd = ends[1]});
  const std::string text(1'000, 'x');
  for (int i = 0; i < static_cast<int>(2 * Log::records_max); ++i)
    Log::line(Log::Level::info, text, {}, {.file = "somewhere", .line = i});
  EXPECT_GT(Log::dropped(), 0u);
  const auto before = signal(SIGPIPE, SIG_IGN);
  close(ends[0]);  // the writer gets EPIPE
  Log::stop();
  signal(SIGPIPE, before);
  close(ends[1]);
}

}  // namespace
}  // namespace ringroom
