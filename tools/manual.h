#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ringroom::tools {

// A command of the program, as its help and the texts below show it.
struct CommandHelp {
  std::string_view name, help;
};

// What packages install, printed from the tables of commands and options, so that they cannot
// disagree with the program: the completion of bash, and ringroom(1).
std::string bash_completion(std::span<const CommandHelp> commands);
std::string man_page(std::span<const CommandHelp> commands);

}  // namespace ringroom::tools
