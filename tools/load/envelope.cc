#include "tools/load/envelope.h"

#include <charconv>
#include <cstddef>

namespace ringroom::load {
namespace {

constexpr std::size_t npos = std::string_view::npos;

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) {
    ++at;
  }
  return at;
}

// `at` is on the opening quote; the answer is the position after the closing one.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return npos;
}

std::size_t skip_nested(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (at == npos) return npos;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at + 1;
    ++at;
  }
  return npos;
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return npos;
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] == '{' || text[at] == '[') return skip_nested(text, at);
  const std::size_t end = text.find_first_of(",} \t\r\n", at);
  return end == at ? npos : end;
}

std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

void take(Envelope& envelope, std::string_view name, std::string_view value) {
  if (name == "type") envelope.type = without_quotes(value);
  if (name == "room") envelope.room = without_quotes(value);
  if (name == "correlation_id") envelope.correlation_id = without_quotes(value);
  if (name == "payload") envelope.payload = value;
  if (name == "sequence") {
    std::from_chars(value.data(), value.data() + value.size(), envelope.sequence);
  }
}

}  // namespace

Result<Envelope, EnvelopeError> read_envelope(std::string_view message) {
  std::size_t at = skip_space(message, 0);
  if (at >= message.size() || message[at] != '{') return fail(EnvelopeError::not_an_object);

  Envelope envelope;
  at = skip_space(message, at + 1);
  while (at < message.size() && message[at] == '"') {
    const std::size_t name = at;
    at = skip_string(message, at);
    if (at == npos) return fail(EnvelopeError::broken);
    const std::size_t name_end = at;
    at = skip_space(message, at);
    if (at >= message.size() || message[at] != ':') return fail(EnvelopeError::broken);
    const std::size_t value = skip_space(message, at + 1);
    at = skip_value(message, value);
    if (at == npos) return fail(EnvelopeError::broken);
    take(envelope, message.substr(name + 1, name_end - name - 2),
         message.substr(value, at - value));
    at = skip_space(message, at);
    if (at < message.size() && message[at] == ',') at = skip_space(message, at + 1);
  }
  const bool closed = at < message.size() && message[at] == '}';
  if (!closed || skip_space(message, at + 1) != message.size()) return fail(EnvelopeError::broken);
  return envelope;
}

}  // namespace ringroom::load
