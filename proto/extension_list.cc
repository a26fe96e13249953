#include "proto/extension_list.h"

#include <cstddef>
#include <cstring>

namespace ringroom::proto {

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}

ExtensionList::Item ExtensionList::next() {
  value_.reset();
  if (at_start_ || take(',')) {
    at_start_ = false;
    name_ = take_token();
    return name_.empty() ? Item::malformed : Item::extension;
  }
  if (take(';')) {
    name_ = take_token();
    if (name_.empty()) return Item::malformed;
    if (!take('=')) return Item::parameter;
    skip_blanks();
    value_ = rest_.starts_with('"') ? take_quoted() : take_token();
    if (value_->empty()) return Item::malformed;
    return Item::parameter;
  }
  return rest_.empty() ? Item::end : Item::malformed;
}

void ExtensionList::skip_blanks() {
  while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
}

bool ExtensionList::take(char c) {
  skip_blanks();
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

std::string_view ExtensionList::take_token() {
  skip_blanks();
  std::size_t bytes = 0;
  while (bytes < rest_.size() && is_token_char(rest_[bytes])) ++bytes;
  const std::string_view token = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return token;
}

// RFC 6455, 9.1: what stands in the quotes is a token after unescaping. Empty if it
// is none.
std::string_view ExtensionList::take_quoted() {
  take('"');
  std::size_t at = 0;
  while (at < rest_.size() && rest_[at] != '"') {
    if (rest_[at] == '\\') ++at;
    if (at >= rest_.size() || !is_token_char(rest_[at])) break;
    ++at;
  }
  if (at >= rest_.size() || rest_[at] != '"') return {};
  const std::string_view value = rest_.substr(0, at);
  rest_.remove_prefix(at + 1);
  return value;
}

}  // namespace ringroom::proto
