// The vectors of Project Wycheproof for JSON Web Signatures and Keys: what other verifiers have
// believed and should not have.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "proto/json.h"
#include "realtime/access/base64url.h"
#include "realtime/access/jwk.h"
#include "realtime/access/jwt.h"

namespace ringroom::realtime {
namespace {

std::string text_of(const std::string& name) {
  std::ifstream file(std::string(WYCHEPROOF) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Vector {
  std::string id, comment, token;
  bool is_valid;
};
struct Group {
  std::string jwk;  // or a set of them
  std::vector<Vector> vectors;
};

std::string string_in(const proto::JsonValue& object, std::string_view name) {
  const auto value = object.find(name);
  return std::string(value ? value->string().value_or("") : "");
}

std::vector<Group> read(const std::string& name) {
  static proto::JsonParser parser(64);
  const std::string text = text_of(name);
  const auto root = parser.parse_copy(text);
  EXPECT_TRUE(root) << name;
  std::vector<Group> out;
  if (!root) return out;
  for (const proto::JsonValue& row : root->find("testGroups")->items()) {
    auto key = row.find("public");
    if (!key) key = row.find("private");
    Group& group = out.emplace_back(Group{.jwk = std::string(key->raw()), .vectors = {}});
    for (const proto::JsonValue& test : row.find("tests")->items())
      group.vectors.push_back(
          {.id = std::to_string(test.find("tcId")->unsigned_integer().value_or(0)),
           .comment = string_in(test, "comment"),
           .token = string_in(test, "jws"),
           .is_valid = string_in(test, "result") == "valid"});
  }
  return out;
}

// What their tokens say is "foo", which are no claims; so one that is believed is refused for that,
// as the last thing of all. No other token comes so far: its signature is right by a key of its
// name.
bool is_believed(const Group& group, const Vector& vector) {
  const auto set = read_jwks(group.jwk, JwkOrigin::file);
  if (!set) return false;
  // A file with a key that is broken is refused as a whole (token_keys.cc).
  for (const JwkSet::LeftOut& left_out : set->left_out)
    if (left_out.error != KeyError::unsupported) return false;
  KeySet keys;
  for (const Key& key : set->keys)
    if (!keys.add(key)) return false;
  const auto judged = TokenVerifier({}).verify(vector.token, keys, 1'700'000'000);
  if (judged) return true;
  if (judged.error() != TokenError::malformed && judged.error() != TokenError::no_expiry)
    return false;

  const std::size_t first = vector.token.find('.'), last = vector.token.rfind('.');
  if (first == last || std::ranges::count(vector.token, '.') != 2) return false;
  const auto header = decode_base64url(std::string_view(vector.token).substr(0, first));
  if (!decode_base64url(std::string_view(vector.token).substr(first + 1, last - first - 1)))
    return false;
  const auto signature = decode_base64url(std::string_view(vector.token).substr(last + 1));
  proto::JsonParser parser;
  if (!header || !signature || !parser.parse_copy(*header)) return false;
  return std::ranges::any_of(keys.keys(), [&](const Key& key) {
    return key.verify(std::string_view(vector.token).substr(0, last), *signature);
  });
}

// Where our answer is another than theirs, and why.
using Differences = std::map<std::string, std::string>;

void judge_all(const std::string& name, const Differences& differences, std::size_t count) {
  std::size_t judged = 0;
  Differences met;
  for (const Group& group : read(name))
    for (const Vector& vector : group.vectors) {
      ++judged;
      const auto known = differences.find(vector.id);
      if (known != differences.end()) met.insert(*known);
      EXPECT_EQ(is_believed(group, vector), vector.is_valid != (known != differences.end()))
          << name << " " << vector.id << " " << vector.comment << "\n"
          << vector.token << "\n"
          << group.jwk.substr(0, 300);
    }
  EXPECT_EQ(judged, count);
  EXPECT_EQ(met, differences) << "a difference that is none any more";
}

TEST(Wycheproof, SignaturesAreJudgedAsTheirVectorsSay) {
  constexpr auto other_algorithm =
      "the key says PS256 and the token PS384: the key decides, not the token";
  constexpr auto es512 = "ES512 is not offered";
  constexpr auto canonical = "as it stands there it is as RFC 7515 wants it";
  constexpr auto foreign_character = "what is no base64url is refused, wherever it is";
  judge_all("json_web_signature_test.json",
            {{"346", other_algorithm},
             {"347", es512},
             {"350", other_algorithm},
             {"351", es512},
             {"367", canonical},
             {"370", canonical},
             {"372", foreign_character},
             {"373", foreign_character}},
            401);
}

TEST(Wycheproof, KeysAreJudgedAsTheirVectorsSay) {
  judge_all("json_web_key_test.json",
            {{"1",
              "secrets and public keys may stand in one file: `kid` chooses by comparison, and "
              "each key has one algorithm"}},
            26);
}

}  // namespace
}  // namespace ringroom::realtime
