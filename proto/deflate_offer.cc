#include "proto/deflate_offer.h"

#include <algorithm>

#include "proto/extension_list.h"

namespace ringroom::proto {

namespace {

void append_parameter(alloc::BlockBuilder& out, std::string_view name, std::uint8_t bits) {
  out.append("; ");
  out.append(name);
  out.append('=');
  if (bits >= 10) out.append('1');
  out.append(static_cast<char>('0' + bits % 10));
}

// 8..15 without leading zeros (RFC 7692, 7.1.2); 0: anything else. Backslashes of a quoted value
// stand in front of what is meant.
std::uint8_t window_bits_of(std::string_view value) {
  unsigned bits = 0;
  bool is_first = true;
  for (const char c : value) {
    if (c == '\\') continue;
    if (c < '0' || c > '9' || (is_first && c == '0')) return 0;
    bits = 10 * bits + static_cast<unsigned>(c - '0');
    if (bits > whole_window_bits) return 0;
    is_first = false;
  }
  return bits >= 8 ? static_cast<std::uint8_t>(bits) : std::uint8_t{0};
}

// One element of the list, while its parameters are read.
class Offer {
 public:
  Offer() = default;
  explicit Offer(std::string_view extension) : is_good_(extension == "permessage-deflate") {}

  void take(std::string_view name, std::optional<std::string_view> value) {
    if (name == "server_no_context_takeover") {
      agreement_.server_starts_afresh = true;
      return take_once(server_afresh, !value);
    }
    if (name == "client_no_context_takeover") {
      agreement_.client_starts_afresh = true;
      return take_once(client_afresh, !value);
    }
    if (name == "client_max_window_bits") {
      // Reading afresh takes any window, so that answer leaves it out and the client chooses.
      const std::uint8_t bits = value ? window_bits_of(*value) : whole_window_bits;
      agreement_.client_window_bits = bits >= zlib_window_bits_min ? bits : std::uint8_t{0};
      return take_once(client_window, bits != 0);
    }
    if (name == "server_max_window_bits") {
      const std::uint8_t bits = value ? window_bits_of(*value) : std::uint8_t{0};
      agreement_.server_window_bits = bits;
      agreement_.window_is_asked = true;
      return take_once(server_window, bits != 0);
    }
    is_good_ = false;
  }

  std::optional<DeflateAgreement> result() const {
    return is_good_ ? std::optional(agreement_) : std::nullopt;
  }

 private:
  enum Parameter : unsigned {
    server_afresh = 1,
    client_afresh = 2,
    client_window = 4,
    server_window = 8
  };

  void take_once(Parameter parameter, bool has_good_value) {
    is_good_ = is_good_ && has_good_value && (seen_ & parameter) == 0;
    seen_ |= parameter;
  }

  bool is_good_ = false;
  unsigned seen_ = 0;
  DeflateAgreement agreement_;
};

}  // namespace

bool agree_on_deflate(std::string_view field, std::optional<DeflateAgreement>& agreed) {
  ExtensionList list(field);
  Offer offer;
  for (;;) {
    const ExtensionList::Item item = list.next();
    if (item == ExtensionList::Item::malformed) return false;
    if (item == ExtensionList::Item::parameter) {
      offer.take(list.name(), list.value());
      continue;
    }
    if (!agreed) agreed = offer.result();
    if (item == ExtensionList::Item::end) return true;
    offer = Offer(list.name());
  }
}

std::uint8_t read_window_bits(const DeflateAgreement& agreement) {
  return agreement.client_window_bits == 0
             ? whole_window_bits
             : std::min(agreement.client_window_bits, kept_window_bits);
}

void append(alloc::BlockBuilder& out, const DeflateAgreement& agreement) {
  out.append("permessage-deflate");
  if (!agreement.keeps_context) {
    out.append("; server_no_context_takeover; client_no_context_takeover");
  } else if (agreement.client_starts_afresh) {
    out.append("; client_no_context_takeover");
  } else if (agreement.client_window_bits != 0) {
    append_parameter(out, "client_max_window_bits", read_window_bits(agreement));
  }
  if (agreement.window_is_asked)
    append_parameter(out, "server_max_window_bits", agreement.server_window_bits);
}

}  // namespace ringroom::proto
