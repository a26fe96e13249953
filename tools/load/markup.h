#pragma once

#include <string>
#include <string_view>

namespace ringroom::load {

// Text as it may stand between tags and in quoted attributes, of HTML and of XML alike: characters
// that mean something are written as references, those that neither allows, and bytes that are not
// UTF-8, as question marks.
std::string escaped(std::string_view text);

}  // namespace ringroom::load
