#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace ringroom {
namespace {

// A log that writes to a file of its own, and its records once it has stopped.
class LogTo {
 public:
  explicit LogTo(Log::Format format, Log::Level level = Log::Level::info) {
    fd_ = memfd_create("log", MFD_CLOEXEC);
    EXPECT_TRUE(Log::start({.level = level, .format = format, .fd = fd_}));
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

TEST(Log, EscapesWhatMovesACursorOrTurnsTheDirectionOfReading) {
  const struct {
    std::string_view said, written;
  } rows[] = {{"\x1b[2J\x1b]0;x\x07", R"("\u001b[2J\u001b]0;x\u0007")"},
              {std::string_view("a\0b", 3), R"("a\u0000b")"},
              {"\xc2\x9b"
               "31m",
               R"("\u009b31m")"},
              {"\xe2\x80\xae"
               "evil",
               R"("\u202eevil")"},
              {"\xe2\x80\xa8", R"("\u2028")"},
              {"\xef\xbb\xbf", R"("\ufeff")"}};
  int place = 0;  // each its own, or they would be too many for one
  for (const Log::Format format : {Log::Format::logfmt, Log::Format::json})
    for (const auto& row : rows) {
      LogTo log(format);
      Log::line(Log::Level::info, "x", {{"user", row.said}}, {.file = "", .line = ++place});
      const std::string line = log.stop().at(0);
      EXPECT_NE(line.find(row.written), std::string::npos) << line;
    }
}

TEST(Log, IsUtf8WhateverAClientSends) {
  const struct {
    std::string_view said, written;
  } rows[] = {{"\xff", R"("\ufffd")"},
              {"\xc3", R"("\ufffd")"},
              {"\xc0\xaf", R"("\ufffd\ufffd")"},
              {"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},
              {"\xf4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},
              {"gr\xc3\xbc\xc3\x9f"
               "e \xf0\x9f\x91\x8b",
               "\"gr\xc3\xbc\xc3\x9f"
               "e \xf0\x9f\x91\x8b\""}};
  for (const auto& row : rows) {
    LogTo log(Log::Format::json);
    Log::line(Log::Level::info, "x", {{"user", row.said}});
    const std::string line = log.stop().at(0);
    EXPECT_NE(line.find(row.written), std::string::npos) << line;
  }
}

TEST(Log, CutsLongTextsBetweenTwoCharacters) {
  std::string name(Log::text_bytes_max - 1, 'x');
  name += "\xc3\xbc" + std::string(1'000'000, 'y');
  LogTo log(Log::Format::json);
  Log::line(Log::Level::info, "x", {{"user", std::string_view(name)}});
  const std::string line = log.stop().at(0);
  EXPECT_LT(line.size(), Log::text_bytes_max + 100);
  EXPECT_NE(line.find("xx...\"}"), std::string::npos) << line;
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
  ASSERT_TRUE(Log::start({.format = Log::Format::json, .fd = ends[1]}));
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

TEST(Log, EndsThoughNobodyReadsIt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_TRUE(Log::start({.format = Log::Format::json, .fd = ends[1]}));
  const std::string text(1'000, 'x');
  for (int i = 0; i < 1'000; ++i)
    Log::line(Log::Level::info, "x", {{"text", std::string_view(text)}},
              {.file = "somewhere", .line = i});
  const std::time_t begin = std::time(nullptr);
  Log::stop();
  EXPECT_LE(std::time(nullptr) - begin, 5);
  EXPECT_GT(Log::dropped(), 500u);  // a pipe holds 64 KiB
  close(ends[0]);
  close(ends[1]);
}

TEST(Log, CountsWhatAFullDiskDoesNotTake) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  ASSERT_TRUE(Log::start({.format = Log::Format::json, .fd = full}));
  for (int i = 0; i < 5; ++i) Log::line(Log::Level::info, "x");
  Log::stop();
  EXPECT_EQ(Log::dropped(), 5u);
  close(full);
}

// A folder of its own, and a log in it.
class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    char name[] = "/tmp/ringroom-log-XXXXXX";
    folder_ = mkdtemp(name);
    path_ = folder_ + "/log";
  }
  ~LogFileTest() override {
    Log::stop();
    std::filesystem::remove_all(folder_);
  }
  static std::string text_of(const std::string& path) {
    std::stringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  std::string folder_, path_;
};

TEST_F(LogFileTest, IsAppendedTo) {
  for (const char* message : {"one", "two"}) {
    ASSERT_TRUE(Log::start({.path = path_}));
    Log::line(Log::Level::info, message);
    Log::stop();
  }
  const std::string text = text_of(path_);
  EXPECT_EQ(text.front(), '{');
  EXPECT_LT(text.find("one"), text.find("two"));
}

TEST_F(LogFileTest, ThatCannotBeOpenedIsAnError) {
  const auto started = Log::start({.path = folder_ + "/nowhere/log"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error(), ENOENT);
  EXPECT_FALSE(Log::on(Log::Level::error));
}

TEST_F(LogFileTest, GoesOnInANewFileWhenTheOldOneWasMovedAway) {
  ASSERT_TRUE(Log::start({.path = path_}));
  Log::line(Log::Level::info, "before");
  while (text_of(path_).empty()) usleep(1'000);
  std::filesystem::rename(path_, path_ + ".1");
  ASSERT_TRUE(Log::reopen());
  Log::line(Log::Level::info, "behind");
  Log::stop();
  EXPECT_NE(text_of(path_ + ".1").find("before"), std::string::npos);
  EXPECT_EQ(text_of(path_ + ".1").find("behind"), std::string::npos);
  EXPECT_NE(text_of(path_).find("behind"), std::string::npos);
}

TEST_F(LogFileTest, StaysWhereItWasWhenThereIsNoNewOne) {
  ASSERT_TRUE(Log::start({.path = path_}));
  std::filesystem::rename(folder_, folder_ + "-moved");
  EXPECT_FALSE(Log::reopen());
  Log::line(Log::Level::info, "still here");
  Log::stop();
  folder_ += "-moved";
  EXPECT_NE(text_of(folder_ + "/log").find("still here"), std::string::npos);
}

TEST_F(LogFileTest, EndsALineThatDidNotFitBeforeItGoesOn) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_TRUE(Log::start({.path = path_}));
  const rlimit little{.rlim_cur = 150, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  for (int i = 0; i < 4; ++i) Log::line(Log::Level::info, "does it fit?");
  while (Log::dropped() == 0) usleep(1'000);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  Log::line(Log::Level::info, "there is room");
  Log::stop();
  signal(SIGXFSZ, handler);

  std::stringstream text(text_of(path_));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  ASSERT_GE(lines.size(), 4u);
  EXPECT_NE(lines.back().find("there is room"), std::string::npos);
  EXPECT_NE(text.str().find("\"records could not be written and are lost\",\"count\":"),
            std::string::npos);
  int torn = 0;
  for (const std::string& line : lines)
    if (!line.starts_with("{\"ts\":\"") || !line.ends_with("}")) ++torn;
  EXPECT_EQ(torn, 1) << text.str();
}

}  // namespace
}  // namespace ringroom
