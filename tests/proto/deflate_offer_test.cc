#include "proto/deflate_offer.h"

#include <gtest/gtest.h>

#include <string>

namespace ringroom::proto {
namespace {

constexpr std::string_view plain_answer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

enum class Context { afresh, kept_if_allowed };

// What the server answers: "-" for no compression, "malformed" for a request to refuse.
std::string answer_to(std::initializer_list<std::string_view> fields,
                      Context context = Context::afresh) {
  std::optional<DeflateAgreement> agreed;
  for (const std::string_view field : fields)
    if (!agree_on_deflate(field, agreed)) return "malformed";
  if (!agreed) return "-";
  if (context == Context::kept_if_allowed) agreed->keeps_context = allows_context(*agreed);
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  alloc::BlockBuilder out(heap);
  append(out, *agreed);
  return std::string(out.text());
}

struct Case {
  std::string_view offer;
  std::string_view answer;  // what follows plain_answer; "-": declined; "malformed"
};

constexpr Case cases[] = {
    // What browsers, ws, websockets and Autobahn send.
    {"permessage-deflate", ""},
    {"permessage-deflate; client_max_window_bits", ""},
    {"permessage-deflate; client_max_window_bits=15", ""},
    {"permessage-deflate; client_max_window_bits=8", ""},
    {"permessage-deflate; server_no_context_takeover", ""},
    {"permessage-deflate; client_no_context_takeover", ""},
    {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", ""},
    {"permessage-deflate; client_no_context_takeover; client_max_window_bits", ""},
    {"permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15"},
    {"permessage-deflate; server_max_window_bits=12; client_max_window_bits=9",
     "; server_max_window_bits=12"},
    {"permessage-deflate; server_max_window_bits=8", "; server_max_window_bits=8"},
    {"permessage-deflate;server_max_window_bits=10", "; server_max_window_bits=10"},
    {"permessage-deflate ;\tserver_max_window_bits = 9 ", "; server_max_window_bits=9"},
    // Quoted values.
    {R"(permessage-deflate; server_max_window_bits="11")", "; server_max_window_bits=11"},
    {R"(permessage-deflate; server_max_window_bits="\1\4")", "; server_max_window_bits=14"},
    {R"(permessage-deflate; client_max_window_bits="15")", ""},
    {R"(permessage-deflate; client_max_window_bits="16")", "-"},
    {R"(permessage-deflate; client_max_window_bits="")", "malformed"},
    {R"(permessage-deflate; client_max_window_bits="1 5")", "malformed"},
    {R"(permessage-deflate; client_max_window_bits="15)", "malformed"},
    {R"(permessage-deflate; client_max_window_bits="15\)", "malformed"},
    // Values that are none.
    {"permessage-deflate; server_max_window_bits", "-"},
    {"permessage-deflate; server_max_window_bits=7", "-"},
    {"permessage-deflate; server_max_window_bits=16", "-"},
    {"permessage-deflate; server_max_window_bits=0", "-"},
    {"permessage-deflate; server_max_window_bits=09", "-"},
    {"permessage-deflate; server_max_window_bits=+9", "-"},
    {"permessage-deflate; server_max_window_bits=9x", "-"},
    {"permessage-deflate; server_max_window_bits=4294967305", "-"},
    {"permessage-deflate; client_max_window_bits=7", "-"},
    {"permessage-deflate; client_max_window_bits=16", "-"},
    {"permessage-deflate; client_max_window_bits=abc", "-"},
    {"permessage-deflate; client_max_window_bits=-9", "-"},
    {"permessage-deflate; server_no_context_takeover=1", "-"},
    {"permessage-deflate; client_no_context_takeover=true", "-"},
    {"permessage-deflate; server_max_window_bits=", "malformed"},
    // Given twice, unknown, or spelled otherwise.
    {"permessage-deflate; client_max_window_bits; client_max_window_bits", "-"},
    {"permessage-deflate; client_max_window_bits=9; client_max_window_bits=10", "-"},
    {"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", "-"},
    {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", "-"},
    {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", "-"},
    {"permessage-deflate; constructor", "-"},
    {"permessage-deflate; Server_max_window_bits=10", "-"},
    {"Permessage-Deflate", "-"},
    {"permessage-deflat", "-"},
    {"permessage-deflate-x", "-"},
    {"x-webkit-deflate-frame", "-"},
    {"constructor", "-"},
    {"__proto__; toString=1", "-"},
    // Several offers: the first that we can keep.
    {"permessage-deflate; server_max_window_bits=7, permessage-deflate", ""},
    {"permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9",
     "; server_max_window_bits=9"},
    {"permessage-deflate; server_max_window_bits=10, permessage-deflate",
     "; server_max_window_bits=10"},
    {"permessage-deflate, permessage-deflate; server_max_window_bits=10", ""},
    {"constructor, permessage-deflate; nonsense, foo; bar=\"baz\", permessage-deflate", ""},
    {"permessage-deflate; a, permessage-deflate; b", "-"},
    {"foo; server_max_window_bits=10, permessage-deflate", ""},
    // A field that is no list is refused whole, whatever stands before.
    {"permessage-deflate,", "malformed"},
    {"permessage-deflate;", "malformed"},
    {"permessage-deflate; =9", "malformed"},
    {"permessage-deflate client_max_window_bits", "malformed"},
    {"", "malformed"},
};

TEST(DeflateOffers, AreAnsweredAsTheTableSays) {
  for (const Case& row : cases) {
    const bool is_agreed = row.answer != "-" && row.answer != "malformed";
    const std::string wanted =
        is_agreed ? std::string(plain_answer) + std::string(row.answer) : std::string(row.answer);
    EXPECT_EQ(answer_to({row.offer}), wanted) << row.offer;
  }
}

// What is answered where the operator lets a connection keep its context.
constexpr Case kept_cases[] = {
    {"permessage-deflate", "permessage-deflate"},
    // The client leaves its window to us: smaller is enough.
    {"permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=13"},
    {"permessage-deflate; client_max_window_bits=15",
     "permessage-deflate; client_max_window_bits=13"},
    {"permessage-deflate; client_max_window_bits=13",
     "permessage-deflate; client_max_window_bits=13"},
    {"permessage-deflate; client_max_window_bits=9",
     "permessage-deflate; client_max_window_bits=9"},
    // zlib would write with 9; with no answer it may.
    {"permessage-deflate; client_max_window_bits=8", "permessage-deflate"},
    // The client says that it will not: nothing is kept to read with.
    {"permessage-deflate; client_no_context_takeover; client_max_window_bits",
     "permessage-deflate; client_no_context_takeover"},
    {"permessage-deflate; server_max_window_bits=10",
     "permessage-deflate; server_max_window_bits=10"},
    {"permessage-deflate; server_max_window_bits=15; client_max_window_bits=12",
     "permessage-deflate; client_max_window_bits=12; server_max_window_bits=15"},
    // The client wants each message to start afresh: then both sides do.
    {"permessage-deflate; server_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
    // A window that zlib does not write with.
    {"permessage-deflate; server_max_window_bits=8",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
     "server_max_window_bits=8"},
    {"permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
    {"permessage-deflate; server_max_window_bits=7, permessage-deflate", "permessage-deflate"},
    {"permessage-deflate; server_max_window_bits=7", "-"},
    {"permessage-deflate; client_max_window_bits=7", "-"},
};

TEST(DeflateOffers, AreAnsweredForAContextThatIsKept) {
  for (const Case& row : kept_cases)
    EXPECT_EQ(answer_to({row.offer}, Context::kept_if_allowed), row.answer) << row.offer;
}

TEST(DeflateOffers, OfEveryWindowAreKeptOrDeclined) {
  for (int bits = 0; bits <= 300; ++bits) {
    const std::string parameter = "; server_max_window_bits=" + std::to_string(bits);
    const bool is_kept = bits >= 8 && bits <= 15;
    EXPECT_EQ(answer_to({"permessage-deflate" + parameter}),
              is_kept ? std::string(plain_answer) + parameter : "-");
  }
}

TEST(DeflateOffers, InSeveralFieldsAreOneList) {
  EXPECT_EQ(answer_to({"foo", "permessage-deflate; server_max_window_bits=7",
                       "permessage-deflate; server_max_window_bits=13", "permessage-deflate"}),
            std::string(plain_answer) + "; server_max_window_bits=13");
  EXPECT_EQ(answer_to({"permessage-deflate", "a,,b"}), "malformed");
}

TEST(DeflateOffers, NeverMakeUsAgreeToHalfOfAField) {
  const std::string offer = R"(permessage-deflate; server_max_window_bits="10", foo; bar=baz)";
  for (std::size_t cut = 0; cut < offer.size(); ++cut) {
    const std::string answer = answer_to({std::string_view(offer).substr(0, cut)});
    EXPECT_TRUE(answer == "-" || answer == "malformed" || answer.starts_with(plain_answer)) << cut;
    if (answer.ends_with("bits=10")) {
      EXPECT_GT(cut, offer.find("10\""));
    }
  }
}

}  // namespace
}  // namespace ringroom::proto
