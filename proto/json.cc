#include "proto/json.h"

#include <emmintrin.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstring>

#include "proto/bounds.h"

namespace ringroom::proto {

namespace {

constexpr std::size_t tables_text_bytes_min = 4096;
static_assert(json_depth_max == 128, "a sentence below names it");

JsonError error_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return JsonError::empty;
    case simdjson::UTF8_ERROR:
      return JsonError::not_utf8;
    case simdjson::DEPTH_ERROR:
      return JsonError::too_deep;
    case simdjson::CAPACITY:
      return JsonError::too_large;
    case simdjson::NUMBER_ERROR:
    case simdjson::NUMBER_OUT_OF_RANGE:
      return JsonError::number;
    default:
      return JsonError::syntax;
  }
}

}  // namespace

std::string_view sentence_of(JsonError error) {
  switch (error) {
    case JsonError::syntax:
      return "this is not valid JSON (RFC 8259); send exactly one JSON text";
    case JsonError::not_utf8:
      return "the JSON text is not valid UTF-8; encode it as UTF-8";
    case JsonError::too_deep:
      return "the JSON text is nested too deeply; nest at most 128 objects and arrays";
    case JsonError::too_large:
      return "the JSON text is too large; send it in parts";
    case JsonError::number:
      return "a number is malformed or does not fit into 64 bits; send large numbers as strings";
    case JsonError::empty:
      return "the text is empty; send one JSON object";
  }
  return {};
}

struct JsonParser::Tables {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  simdjson::dom::document document;
  std::size_t text_bytes = 0;  // the largest text they can hold
};

JsonParser::JsonParser() : JsonParser(json_depth_max) {}

JsonParser::JsonParser(std::size_t depth_max)
    : depth_max_(depth_max),
      tables_(std::make_unique<Tables>()),
      scratch_(
          std::make_unique<std::max_align_t[]>(json_scratch_bytes / sizeof(std::max_align_t))) {
  fit(tables_text_bytes_min);
}

JsonParser::~JsonParser() = default;

// Tables of a power of two that hold the text; those of a rare large text go with the next one.
void JsonParser::fit(std::size_t text_bytes) {
  const bool too_small = text_bytes > tables_->text_bytes;
  const bool too_large =
      tables_->text_bytes > json_kept_text_bytes && text_bytes <= json_kept_text_bytes;
  if (!too_small && !too_large) return;
  const std::size_t bytes = std::bit_ceil(std::max(text_bytes, tables_text_bytes_min));
  auto fresh = std::make_unique<Tables>();
  RR_CHECK(simdjson::get_active_implementation()->create_dom_parser_implementation(
               bytes, depth_max_, fresh->parser) == simdjson::SUCCESS);
  RR_CHECK(fresh->document.allocate(bytes) == simdjson::SUCCESS);
  fresh->text_bytes = bytes;
  tables_ = std::move(fresh);
}

Result<JsonValue, JsonError> JsonParser::parse(std::string_view text) {
  scratch_used_ = 0;
  if (text.empty()) return fail(JsonError::empty);
  if (text.size() > json_text_bytes_max) return fail(JsonError::too_large);
  fit(text.size());
  const simdjson::error_code error = tables_->parser->parse(
      reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), tables_->document);
  if (error != simdjson::SUCCESS) return fail(error_of(error));

  tape_ = tables_->document.tape.get();
  strings_ = tables_->document.string_buf.get();
  marks_ = tables_->parser->structural_indexes.get();
  text_ = text;
  // The tape's word 0 is the root; all marks are its.
  return JsonValue(this, 1, 0, tables_->parser->n_structural_indexes);
}

Result<JsonValue, JsonError> JsonParser::parse_copy(std::string_view text) {
  if (text.size() > json_text_bytes_max) return fail(JsonError::too_large);
  copy_.resize(text.size() + readable_behind_bytes);
  std::copy(text.begin(), text.end(), copy_.begin());
  return parse({copy_.data(), text.size()});
}

void* JsonParser::scratch_bytes(std::size_t bytes) {
  constexpr std::size_t unit = sizeof(std::max_align_t);
  const std::size_t units = (bytes + unit - 1) / unit;
  RR_CHECK((scratch_used_ + units) * unit <= json_scratch_bytes);
  void* room = scratch_.get() + scratch_used_;
  scratch_used_ += units;
  return room;
}

// The first mark behind the container that begins at `mark`. One bit tells `{` from `[`, and one
// `}` from `]`.
std::uint32_t JsonParser::skip(std::uint32_t mark) const {
  const char* const text = text_.data();
  std::uint32_t depth = 0;
  do {
    const int c = text[marks_[mark++]] | 0x20;
    depth += c == '{';
    depth -= c == '}';
  } while (depth > 0);
  return mark;
}

std::optional<std::uint64_t> JsonValue::unsigned_integer() const {
  const char tag = tape::tag(parser_->tape_[tape_]);
  const std::uint64_t bits = parser_->tape_[tape_ + 1];
  if (tag == 'u' || (tag == 'l' && std::int64_t(bits) >= 0)) return bits;
  return std::nullopt;
}

std::optional<std::int64_t> JsonValue::integer() const {
  if (tape::tag(parser_->tape_[tape_]) != 'l') return std::nullopt;  // 'u' is beyond int64
  return static_cast<std::int64_t>(parser_->tape_[tape_ + 1]);
}

std::optional<double> JsonValue::number() const {
  const std::uint64_t bits = parser_->tape_[tape_ + 1];
  switch (tape::tag(parser_->tape_[tape_])) {
    case 'd':
      return std::bit_cast<double>(bits);
    case 'l':
      return static_cast<double>(static_cast<std::int64_t>(bits));
    case 'u':
      return static_cast<double>(bits);
    default:
      return std::nullopt;
  }
}

std::optional<bool> JsonValue::boolean() const {
  const char tag = tape::tag(parser_->tape_[tape_]);
  if (tag == 't') return true;
  if (tag == 'f') return false;
  return std::nullopt;
}

std::string_view JsonValue::raw() const {
  const std::string_view text = parser_->text_;
  const std::size_t begin = parser_->marks_[mark_];
  if (tape::is_container(tape::tag(parser_->tape_[tape_]))) {
    const std::uint32_t end = end_ != 0 ? end_ : parser_->skip(mark_);
    const std::size_t last = parser_->marks_[end - 1];
    return text.substr(begin, last + 1 - begin);
  }
  // A scalar goes on to the next mark (behind the last one stands the size of the text), less the
  // white space between.
  std::size_t end = parser_->marks_[mark_ + 1];
  while (end > begin + 1 &&
         (text[end - 1] == ' ' || (text[end - 1] >= '\t' && text[end - 1] <= '\r')))
    --end;
  return text.substr(begin, end - begin);
}

std::optional<JsonValue> JsonValue::find(std::string_view name) const {
  for (const JsonField& field : fields())
    if (field.name == name) return field.value;
  return std::nullopt;
}

std::size_t JsonValue::size() const {
  std::size_t count = 0;
  if (is_array()) {
    for ([[maybe_unused]] const JsonValue& item : items()) ++count;
  } else {
    for ([[maybe_unused]] const JsonField& field : fields()) ++count;
  }
  return count;
}

namespace {

// Bytes at the front of `text` that may stand in a JSON string as they are.
std::size_t plain_bytes(std::string_view text) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control_max = _mm_set1_epi8(0x1f);
  std::size_t i = 0;
  for (; i + 16 <= text.size(); i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(bytes, control_max), bytes));
    const int found = _mm_movemask_epi8(special);
    if (found != 0) return i + static_cast<std::size_t>(std::countr_zero(unsigned(found)));
  }
  for (; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == '"' || c == '\\') break;
  }
  return i;
}

constexpr char hex_digits[] = "0123456789abcdef";

void append_escape(alloc::BlockBuilder& out, char c) {
  constexpr std::string_view short_of = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  if (const std::size_t at = short_of.find(c); at != std::string_view::npos) {
    const char escape[] = {'\\', letters[at]};
    return out.append(std::string_view(escape, 2));
  }
  const char escape[] = {'\\', 'u', '0', '0', hex_digits[c >> 4 & 15], hex_digits[c & 15]};
  out.append(std::string_view(escape, 6));
}

template <class Integer>
void append_integer(alloc::BlockBuilder& out, Integer value) {
  constexpr std::size_t digits_max = 20;  // of -2^63 and of 2^64 - 1
  char* const begin = reinterpret_cast<char*>(out.reserve(digits_max));
  out.advance(
      static_cast<std::size_t>(std::to_chars(begin, begin + digits_max, value).ptr - begin));
}

}  // namespace

void append_json_string(alloc::BlockBuilder& out, std::string_view text) {
  out.reserve(text.size() + 2);
  out.append('"');
  for (;;) {
    const std::size_t plain = plain_bytes(text);
    out.append(text.substr(0, plain));
    if (plain == text.size()) break;
    append_escape(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
  out.append('"');
}

void append_number(alloc::BlockBuilder& out, std::uint64_t value) { append_integer(out, value); }
void append_number(alloc::BlockBuilder& out, std::int64_t value) { append_integer(out, value); }

void append_hex(alloc::BlockBuilder& out, std::span<const std::byte> bytes) {
  auto* at = reinterpret_cast<char*>(out.reserve(2 * bytes.size()));
  for (const std::byte byte : bytes) {
    *at++ = hex_digits[std::to_integer<unsigned>(byte) >> 4];
    *at++ = hex_digits[std::to_integer<unsigned>(byte) & 15];
  }
  out.advance(2 * bytes.size());
}

void append_timestamp(alloc::BlockBuilder& out, std::uint64_t wall_ms) {
  append_number(out, wall_ms / 1000);
  const auto ms = static_cast<unsigned>(wall_ms % 1000);
  const char fraction[] = {'.', static_cast<char>('0' + ms / 100),
                           static_cast<char>('0' + ms / 10 % 10), static_cast<char>('0' + ms % 10)};
  out.append(std::string_view(fraction, sizeof fraction));
}

void append_iso_timestamp(alloc::BlockBuilder& out, std::uint64_t wall_ms) {
  namespace chrono = std::chrono;
  constexpr std::uint64_t day_ms = 24 * 60 * 60 * 1000;
  constexpr std::uint64_t last_day = 2932896;  // 9999-12-31
  const std::uint64_t day = std::min(wall_ms / day_ms, last_day);
  const chrono::year_month_day date{chrono::sys_days{chrono::days{static_cast<int>(day)}}};
  char text[] = "\"0000-00-00T00:00:00.000Z\"";
  const auto write = [&text](std::size_t at, std::size_t digits, std::uint64_t value) {
    for (std::size_t i = digits; i-- > 0; value /= 10)
      text[at + i] = static_cast<char>('0' + value % 10);
  };
  write(1, 4, static_cast<std::uint64_t>(int(date.year())));
  write(6, 2, unsigned(date.month()));
  write(9, 2, unsigned(date.day()));
  write(12, 2, wall_ms / 3600000 % 24);
  write(15, 2, wall_ms / 60000 % 60);
  write(18, 2, wall_ms / 1000 % 60);
  write(21, 3, wall_ms % 1000);
  out.append(std::string_view(text, sizeof text - 1));
}

}  // namespace ringroom::proto
