// A name has one form, by whichever way it comes in: what is checked, what is granted and what is
// used are the same bytes, or it is refused everywhere (AUTH-12).

#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "proto/bounds.h"
#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_json.h"
#include "proto/http.h"
#include "realtime/access/grants.h"
#include "realtime/http/workspace_query.h"
#include "realtime/workspace.h"
#include "tests/proto/binary_message.h"

namespace ringroom::realtime {
namespace {

namespace dialect = proto::dialect;
using Name = std::optional<std::string>;

class RoomNames : public testing::Test {
 protected:
  // As a JSON text, each character in one of the ways it can be written.
  std::string quoted(const std::string& name) {
    std::string out = "\"";
    for (const char c : name) {
      const auto byte = static_cast<unsigned char>(c);
      const bool must = byte < 0x20 || c == '"' || c == '\\';
      if (must || (byte < 0x80 && random_() % 4 == 0)) {
        char escape[8];
        std::snprintf(escape, sizeof escape, random_() % 2 == 0 ? "\\u%04x" : "\\u%04X",
                      unsigned{byte});
        out += escape;
      } else {
        out += c;
      }
    }
    return out + "\"";
  }
  std::string in_percent(const std::string& name) {
    std::string out;
    for (const char c : name) {
      const bool is_letter = (c >= 'a' && c <= 'z') || c == ':';
      char escape[4];
      std::snprintf(escape, sizeof escape, random_() % 2 == 0 ? "%%%02x" : "%%%02X",
                    unsigned{static_cast<unsigned char>(c)});
      out += is_letter && random_() % 2 == 0 ? std::string(1, c) : escape;
    }
    return out;
  }

  Name by_json(const std::string& name) {
    std::string text = R"({"type":"join_room","room":)" + quoted(name) + "}";
    const std::size_t size = text.size();
    text.append(proto::readable_behind_bytes, '}');
    const auto command =
        dialect::native_json::decode(std::as_writable_bytes(std::span(text).first(size)), parser_);
    return command ? Name(command->room) : std::nullopt;
  }
  Name by_binary(const std::string& name) {
    std::string text = dialect::native_binary::written(
        {.type = "join_room", .fields = R"({"room":)" + quoted(name) + "}"});
    const std::size_t size = text.size();
    text.append(proto::readable_behind_bytes, '}');
    const auto command = dialect::native_binary::decode(
        std::as_writable_bytes(std::span(text).first(size)), parser_, fields_parser_);
    return command ? Name(command->room) : std::nullopt;
  }
  // A body of the server API.
  Name by_body(const std::string& name) {
    const auto body = parser_.parse_copy(R"({"room":)" + quoted(name) + "}");
    if (!body) return std::nullopt;
    const auto room = body->find("room")->string();
    return room && dialect::is_room_name(*room) ? Name(*room) : std::nullopt;
  }
  Name by_path(const std::string& name) {
    auto room = proto::percent_decoded(in_percent(name));
    return room && dialect::is_room_name(*room) ? room : std::nullopt;
  }
  Name by_query(const std::string& name) {
    const std::string said =
        workspace_in_query("user=ann&workspace=" + in_percent(name)).value_or("default");
    const auto workspace = Workspace::of(said);
    return workspace ? Name(workspace->id()) : std::nullopt;
  }

  std::mt19937 random_{1};
  proto::JsonParser parser_, fields_parser_;
};

TEST_F(RoomNames, AreTheSameBytesHoweverTheyCome) {
  const std::vector<std::string> pieces = {"a",
                                           "lobby",
                                           "acme",
                                           ":",
                                           "..",
                                           "/",
                                           "%2e",
                                           "%1f",
                                           "%00",
                                           "+",
                                           " ",
                                           "caf\xc3\xa9",
                                           "e\xcc\x81",
                                           "\xe2\x90\x9f",
                                           "\xef\xbb\xbf",
                                           "\xe2\x80\xae",
                                           "*",
                                           "\\",
                                           "\"",
                                           "u001f",
                                           "\xd0\xb0"
                                           "cme",
                                           "A",
                                           std::string(1, '\0'),
                                           "\x1f",
                                           "\n",
                                           "\x7f",
                                           "\xc0\xaf",
                                           "\xed\xa0\x80",
                                           "\xff",
                                           "\xf0\x9f\x98\x80"};
  int accepted = 0, refused = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string name;
    for (std::size_t n = 1 + random_() % 5; n > 0; --n) name += pieces[random_() % pieces.size()];
    if (random_() % 200 == 0) name.append(250, 'x');
    const Name checked = dialect::is_room_name(name) ? Name(name) : std::nullopt;
    ASSERT_EQ(by_json(name), checked) << testing::PrintToString(name);
    ASSERT_EQ(by_binary(name), checked) << testing::PrintToString(name);
    ASSERT_EQ(by_body(name), checked) << testing::PrintToString(name);
    ASSERT_EQ(by_path(name), checked) << testing::PrintToString(name);
    ASSERT_EQ(by_query(name), checked) << testing::PrintToString(name);
    ++(checked ? accepted : refused);
    if (!checked) continue;
    const NameIn used(*Workspace::of("acme"), *checked);
    ASSERT_EQ(used->shown(), name);
    if (has_star(name) || is_personal(name)) continue;
    const Grants grants({{.pattern = name, .actions = {Action::join}}});
    ASSERT_TRUE(grants.may(Action::join, used->shown(), "ann"));
    // Whatever looks like it is another room.
    for (const Name& like :
         {proto::percent_decoded(name), Name(name + " "), Name(name + "\xe2\x80\x8b")})
      ASSERT_TRUE(!like || *like == name || !grants.may(Action::join, *like, "ann"));
  }
  EXPECT_GT(accepted, 1'000);
  EXPECT_GT(refused, 1'000);
}

TEST_F(RoomNames, OfWhoNamesAWorkspaceBadlyAreInNone) {
  EXPECT_EQ(workspace_in_query("user=ann"), std::nullopt);
  EXPECT_EQ(workspace_in_query("workspaces=acme&work=1"), std::nullopt);
  EXPECT_EQ(workspace_in_query("user=ann&workspace=acme"), "acme");
  EXPECT_EQ(workspace_in_query("w%6frkspace=acme&workspace=b"), "acme");
  for (const std::string_view query :
       {"workspace", "workspace=", "workspace=%zz", "a=b&workspace=%f"})
    EXPECT_EQ(workspace_in_query(query), "") << query;
}

}  // namespace
}  // namespace ringroom::realtime
