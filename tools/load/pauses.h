#pragma once

#include <cstdint>

namespace ringroom::load {

// When the slow listeners of a thread do not read. All pause equally long and then read equally
// long; their pauses begin evenly spread over the period, so that every batch meets listeners that
// read, that do not, and that have just changed.
//
//   listener 0   |-pause-|.. reads ..|-pause-|.. reads ..
//   listener 1       |-pause-|.. reads ..|-pause-|..
//   listener 2   .. reads |-pause-|.. reads ..|-pause-|
//
// No pause begins at or after the end, and none lasts longer. Pure: no clock.
class Pauses {
 public:
  struct Turn {
    std::uint32_t listener;
    bool reads;  // from now on
  };

  Pauses(std::uint32_t listeners, std::uint64_t pause_ns, std::uint64_t read_ns)
      : listeners_(listeners), pause_ns_(pause_ns), period_ns_(pause_ns + read_ns) {}

  void start(std::uint64_t start_ns, std::uint64_t until_ns);
  void end_early(std::uint64_t now_ns);  // whoever pauses reads now
  std::uint64_t due_ns() const;          // ~0: nobody changes any more
  Turn take();                           // the change that is due next
  std::uint64_t begun() const { return stops_; }

 private:
  std::uint64_t stop_ns() const;
  std::uint64_t resume_ns() const;

  const std::uint32_t listeners_;
  const std::uint64_t pause_ns_;
  const std::uint64_t period_ns_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t until_ns_ = 0;
  std::uint64_t stops_ = 0;    // pause k is that of listener k modulo listeners_
  std::uint64_t resumes_ = 0;  // they end in the order they begin
};

}  // namespace ringroom::load
