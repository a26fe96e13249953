#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringroom {

// Where the lines of the log go: a descriptor that was lent, or a file by its path.
//
// Threads: write() by the writer of the log only; the others by any.
// Errors:  a line that cannot be written is lost: a full disk, a reader that is gone. A line that
//          was begun is ended before the next one, so every other line is whole.
class LogFile {
 public:
  explicit LogFile(int fd);
  explicit LogFile(std::string path) : path_(std::move(path)) {}
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Opens the path, again too: the next line goes into the file that has it now. Does nothing for a
  // descriptor. 0, or why not (errno); what was written to before is kept then.
  int open();

  // Waits for a reader that does not read, as long as there is time for that. False: lost.
  bool write(std::string_view line);
  // From here on nobody is waited for longer than `patience_ms` in all.
  void hurry(std::uint64_t patience_ms);

 private:
  void take_next();
  bool wait() const;
  bool append(std::string_view bytes);

  const std::string path_;
  int fd_ = -1;
  bool is_lent_ = false;
  bool is_file_ = false;  // takes everything at once
  bool is_torn_ = false;  // the last line has no end
  std::atomic<int> next_fd_{-1};
  std::atomic<std::uint64_t> give_up_ms_{~std::uint64_t{0}};
};

}  // namespace ringroom
