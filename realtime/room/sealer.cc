#include "realtime/room/sealer.h"

#include "proto/utf8.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

constexpr std::string_view sealed_begin = R"({"fernet":")";
constexpr std::string_view field = "fernet", kind_field = "of";
constexpr std::string_view kind_names[] = {"json", "text", "binary"};  // as in PayloadKind
constexpr std::string_view token_begin =
    "gAAAA";  // the version, and seconds of the next 8000 years

std::optional<PayloadKind> kind_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kind_names); ++i)
    if (kind_names[i] == name) return PayloadKind(i);
  return std::nullopt;
}

}  // namespace

std::string_view Sealer::seal(const Room& room, std::string_view payload, PayloadKind kind) {
  const FernetKey& key = room.options().fernet->keys.front();
  sealed_.assign(sealed_begin);
  sealed_ += fernet_.seal(key, payload, shard_.wall_ms / 1'000);
  sealed_ += '"';
  // A JSON object is what a payload is: only others say what they are.
  if (kind != PayloadKind::json)
    sealed_.append(R"(,"of":")").append(kind_names[std::size_t(kind)]) += '"';
  sealed_ += '}';
  shard_.counters.fernet_sealed_total.add();
  return sealed_;
}

std::string_view Sealer::token_in(std::string_view sealed) {
  sealed.remove_prefix(sealed_begin.size());
  return sealed.substr(0, sealed.find('"'));
}

std::optional<Sealer::Claimed> Sealer::claim_of(const Publish& publish) {
  if (publish.payload_kind == PayloadKind::text) return Claimed{publish.payload, PayloadKind::text};
  if (publish.payload_kind != PayloadKind::json ||
      publish.payload.find(field) == publish.payload.npos)
    return std::nullopt;
  const auto parsed = parser_.parse_copy(publish.payload);
  if (!parsed || parsed->size() > 2) return std::nullopt;
  const auto token = parsed->find(field);
  if (!token || !token->is_string()) return std::nullopt;
  std::optional kind = PayloadKind::json;
  if (const auto of = parsed->find(kind_field)) {
    kind = kind_of(of->string().value_or(""));
  } else if (parsed->size() == 2) {
    return std::nullopt;
  }
  if (!kind) return std::nullopt;
  return Claimed{*token->string(), *kind};
}

bool Sealer::fits(std::string_view clear, PayloadKind kind) {
  switch (kind) {
    case PayloadKind::json: {
      const auto parsed = parser_.parse_copy(clear);
      return parsed && parsed->is_object();
    }
    case PayloadKind::text:
      return proto::is_utf8(clear);
    case PayloadKind::binary:
    case PayloadKind::sealed:
      break;
  }
  return kind == PayloadKind::binary;
}

std::optional<Publish> Sealer::open(const Room& room, const Publish& publish) {
  const auto claimed = claim_of(publish);
  if (!claimed) return publish;
  // Raw clients have no words to say what they send, but nobody else can make a token that opens.
  const bool is_raw_text = publish.payload_kind == PayloadKind::text;
  if (is_raw_text && !claimed->token.starts_with(token_begin)) return publish;
  const Namespace& rules = room.options();
  // One that waited for its hours came in time.
  const std::uint64_t age_max_s = publish.waited ? Fernet::any_age : rules.fernet_age_ms / 1'000;
  const auto opened =
      fernet_.open(*rules.fernet, claimed->token, shard_.wall_ms / 1'000, age_max_s);
  if (!opened && is_raw_text) return publish;
  if (!opened || !fits(*opened, claimed->kind)) {
    shard_.counters.fernet_refused_total.add();
    return std::nullopt;
  }
  clear_.assign(*opened);
  shard_.counters.fernet_opened_total.add();
  Publish out = publish;
  out.payload = clear_;
  out.payload_kind = claimed->kind;
  return out;
}

}  // namespace ringroom::realtime
