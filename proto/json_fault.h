#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringroom::proto {

// Where a text that JsonParser refused stops being JSON, in words for whoever wrote it. A second,
// slow reading, of broken texts only.
//
//   {"payload":{"user":tru}}    offset 19, "$.payload.user"
struct JsonFault {
  std::size_t offset;  // of the first byte that cannot be there; the text's size: it ends too early
  std::string path;    // of the innermost value that was begun, as append_json_path writes it
};
// nullopt: it is JSON, or too deep.
std::optional<JsonFault> find_json_fault(std::string_view text);

// A step down to the field of that name, as in RFC 9535: ".name", or "['a name']" for one that is
// not a plain word. Foreign names are cut at 64 bytes.
void append_json_path(std::string& path, std::string_view name);

}  // namespace ringroom::proto
