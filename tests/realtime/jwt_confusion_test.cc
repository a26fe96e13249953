// Tokens made to be believed for the wrong reason: the sender chooses the algorithm, brings the
// key, says where one is, or speaks so that two readers hear different things. All are refused, and
// while they are judged the kernel kills the process that opens a file or a socket.

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "realtime/access/base64url.h"
#include "realtime/access/jwt.h"
#include "tests/realtime/token_keys_made.h"

namespace ringroom::realtime {
namespace {

constexpr std::uint64_t now_s = 1'700'000'000;
constexpr std::string_view claims = R"({"sub":"mallory","exp":1700003600})";
const std::string secret = "0123456789abcdef0123456789abcdef";

// What the server was given, and the private halves, which it was not.
struct Keys {
  MadeKey rsa = MadeKey::of(Algorithm::rs256), ps = MadeKey::of(Algorithm::ps256),
          ec = MadeKey::of(Algorithm::es256), ec384 = MadeKey::of(Algorithm::es384),
          ed = MadeKey::of(Algorithm::eddsa), mallory = MadeKey::of(Algorithm::es256);
  KeySet set;

  Keys() {
    const auto add = [this](Result<Key, KeyError> key) { RR_CHECK(key && set.add(*key)); };
    add(Key::of_public(Algorithm::rs256, "rsa", rsa.another_hold()));
    add(Key::of_public(Algorithm::ps256, "ps", ps.another_hold()));
    add(Key::of_public(Algorithm::es256, "ec", ec.another_hold()));
    add(Key::of_public(Algorithm::es384, "ec384", ec384.another_hold()));
    add(Key::of_public(Algorithm::eddsa, "ed", ed.another_hold()));
    add(Key::of_secret(Algorithm::hs256, "hs", secret));
  }
};
Keys& keys() {
  static Keys made;
  return made;
}

std::string signing_input(std::string_view header) {
  return encode_base64url(header) + "." + encode_base64url(claims);
}
std::string with_signature(std::string_view header, std::string_view signature) {
  return signing_input(header) + "." + encode_base64url(signature);
}
// The header says what it likes; the key signs with its own algorithm.
std::string signed_by(const Key& key, std::string_view header) {
  return with_signature(header, key.sign(signing_input(header)));
}
std::string header_of(std::string_view algorithm, std::string_view id) {
  return R"({"alg":")" + std::string(algorithm) + R"(","kid":")" + std::string(id) + R"("})";
}
// HMAC with a public key for a secret: what a verifier does that lets the token choose.
std::string hmac_with(Algorithm algorithm, std::string bytes, std::string_view id) {
  bytes.resize(std::max(bytes.size(), row_of(algorithm).bytes));
  return signed_by(*Key::of_secret(algorithm, "", bytes), header_of(row_of(algorithm).name, id));
}

struct Case {
  std::string what, token, verdict;
};

void add_unsigned(std::vector<Case>& out) {
  for (const std::string_view name :
       {"none", "None", "nOnE", "NONE", "none ", " none", "no\\u006ee", "", "null", "HS0", "0"}) {
    for (const std::string_view signature : {"", "AAAA"})
      out.push_back({"alg " + std::string(name), with_signature(header_of(name, "hs"), signature),
                     "wrong_algorithm"});
  }
  for (const std::string_view value : {"null", "0", "false", "[]", "{}", R"(["none"])"})
    out.push_back({"alg is " + std::string(value),
                   with_signature(R"({"kid":"hs","alg":)" + std::string(value) + "}", ""),
                   "wrong_algorithm"});
  out.push_back({"no alg", with_signature(R"({"kid":"hs"})", ""), "wrong_algorithm"});
  out.push_back({"ALG", with_signature(R"({"kid":"hs","ALG":"HS256"})", ""), "wrong_algorithm"});
  for (const std::string_view id : {"rsa", "ps", "ec", "ec384", "ed"})
    out.push_back({"none for " + std::string(id), with_signature(header_of("none", id), ""),
                   "wrong_algorithm"});
}

void add_other_algorithms(std::vector<Case>& out) {
  const Keys& k = keys();
  for (const Algorithm hs : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
    const std::string name(row_of(hs).name);
    const auto add = [&](std::string what, std::string bytes, std::string_view id) {
      out.push_back(
          {name + " with " + what, hmac_with(hs, std::move(bytes), id), "wrong_algorithm"});
    };
    add("the RSA key's PEM", k.rsa.public_pem(), "rsa");
    add("the RSA key's PEM, no line end",
        k.rsa.public_pem().substr(0, k.rsa.public_pem().size() - 1), "rsa");
    add("the RSA key's DER", k.rsa.public_der(), "rsa");
    add("the RSA key's modulus", k.rsa.number(OSSL_PKEY_PARAM_RSA_N), "rsa");
    add("the EC key's PEM", k.ec.public_pem(), "ec");
    add("the EC key's x", k.ec.number(OSSL_PKEY_PARAM_EC_PUB_X, 32), "ec");
    add("the Ed25519 key's bytes", k.ed.raw_public(), "ed");
  }
  const auto add = [&](std::string what, const Key& key, std::string_view name,
                       std::string_view id) {
    out.push_back({std::move(what), signed_by(key, header_of(name, id)), "wrong_algorithm"});
  };
  add("the right RSA key, RS384", k.rsa.signer(Algorithm::rs384, ""), "RS384", "rsa");
  add("the right RSA key, RS512", k.rsa.signer(Algorithm::rs512, ""), "RS512", "rsa");
  add("the right RSA key, PS256", k.rsa.signer(Algorithm::ps256, ""), "PS256", "rsa");
  add("the right PS key, RS256", k.ps.signer(Algorithm::rs256, ""), "RS256", "ps");
  add("the right secret, HS384", *Key::of_secret(Algorithm::hs384, "", secret + secret), "HS384",
      "hs");
  add("ES256 for the secret", k.mallory.signer(Algorithm::es256, ""), "ES256", "hs");
  add("ES256 for the RSA key", k.mallory.signer(Algorithm::es256, ""), "ES256", "rsa");
  add("ES256 for the P-384 key", k.mallory.signer(Algorithm::es256, ""), "ES256", "ec384");
  add("RS256 for the EC key", k.rsa.signer(Algorithm::rs256, ""), "RS256", "ec");
  add("Ed25519 for EdDSA", k.ed.signer(Algorithm::eddsa, ""), "Ed25519", "ed");
  add("ES256K", k.ec.signer(Algorithm::es256, ""), "ES256K", "ec");
  add("es256", k.ec.signer(Algorithm::es256, ""), "es256", "ec");
}

void add_signatures(std::vector<Case>& out) {
  const Keys& k = keys();
  const auto add = [&out](std::string what, std::string token, std::string verdict) {
    out.push_back({std::move(what), std::move(token), std::move(verdict)});
  };
  const std::string ec_header = header_of("ES256", "ec");
  const std::string good = k.ec.signer(Algorithm::es256, "").sign(signing_input(ec_header));
  const std::string order = *decode_base64url("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
  add("r and s are 0", with_signature(ec_header, std::string(64, '\0')), "bad_signature");
  add("r is 0", with_signature(ec_header, std::string(32, '\0') + good.substr(32)),
      "bad_signature");
  add("s is 0", with_signature(ec_header, good.substr(0, 32) + std::string(32, '\0')),
      "bad_signature");
  add("r and s are the order", with_signature(ec_header, order + order), "bad_signature");
  add("r and s are 1",
      with_signature(ec_header, std::string(31, '\0') + "\x01" + std::string(31, '\0') + "\x01"),
      "bad_signature");
  add("r and s are the largest", with_signature(ec_header, std::string(64, '\xff')),
      "bad_signature");
  add("a byte short", with_signature(ec_header, good.substr(0, 63)), "bad_signature");
  add("a byte long", with_signature(ec_header, good + std::string(1, '\0')), "bad_signature");
  add("s before r", with_signature(ec_header, good.substr(32) + good.substr(0, 32)),
      "bad_signature");
  add("as DER",
      with_signature(ec_header,
                     "\x30\x44\x02\x20" + good.substr(0, 32) + "\x02\x20" + good.substr(32)),
      "bad_signature");
  add("none", with_signature(ec_header, ""), "bad_signature");
  add("with padding", with_signature(ec_header, good) + "==", "malformed");
  add("with a line end", with_signature(ec_header, good) + "\n", "malformed");
  std::string loose = with_signature(header_of("HS256", "hs"), std::string(32, '\0'));
  loose.back() = 'B';
  add("with bits behind its end", loose, "malformed");
  add("another EC key", signed_by(k.mallory.signer(Algorithm::es256, ""), ec_header),
      "bad_signature");
  add("RSA: all zero", with_signature(header_of("RS256", "rsa"), std::string(256, '\0')),
      "bad_signature");
  add("RSA: 1", with_signature(header_of("RS256", "rsa"), std::string(255, '\0') + "\x01"),
      "bad_signature");
  add("RSA: none", with_signature(header_of("RS256", "rsa"), ""), "bad_signature");
  add("Ed25519: all zero", with_signature(header_of("EdDSA", "ed"), std::string(64, '\0')),
      "bad_signature");
  add("Ed25519: of 63 bytes", with_signature(header_of("EdDSA", "ed"), std::string(63, 'x')),
      "bad_signature");
  add("HMAC with nothing", hmac_with(Algorithm::hs256, "", "hs"), "bad_signature");
  add("HMAC cut to 16 bytes",
      with_signature(header_of("HS256", "hs"), Key::of_secret(Algorithm::hs256, "", secret)
                                                   ->sign(signing_input(header_of("HS256", "hs")))
                                                   .substr(0, 16)),
      "bad_signature");
}

void add_key_ids(std::vector<Case>& out) {
  const Key empty_file = *Key::of_secret(Algorithm::hs256, "", std::string(32, '\0'));
  const auto add = [&](std::string what, std::string_view id, std::string verdict = "unknown_key") {
    out.push_back({std::move(what),
                   signed_by(empty_file, R"({"alg":"HS256","kid":)" + std::string(id) + "}"),
                   std::move(verdict)});
  };
  add("/dev/null", R"("/dev/null")");
  add("up to /dev/null", R"("../../../../../../dev/null")");
  add("a file", R"("/proc/sys/kernel/randomize_va_space")");
  add("a file URL", R"("file:///dev/null")");
  add("a URL", R"("http://127.0.0.1:9/keys")");
  add("a command", R"("|/bin/true")");
  add("a query", R"("x' UNION SELECT 'AA' --")");
  add("a template", R"("${jndi:ldap://127.0.0.1/a}")");
  add("a NUL behind a good one", R"("hs\u0000")");
  add("a good one in capitals", R"("HS")");
  add("a good one with a blank", R"(" hs")");
  add("nothing", R"("")");
  add("a number", "0");
  add("null", "null");
  add("a list of good ones", R"(["hs"])");
  add("an object", R"({"hs":1})");
  add("of 256 bytes", "\"" + std::string(256, 'k') + "\"");
  add("of 700 bytes", "\"" + std::string(700, 'k') + "\"");
  add("of 2 KiB", "\"" + std::string(2048, 'k') + "\"", "too_large");
  add("of 64 KiB", "\"" + std::string(64 * 1024, 'k') + "\"", "too_large");
  out.push_back({"not at all", signed_by(empty_file, R"({"alg":"HS256"})"), "unknown_key"});
}

// Signed by the very key that the header speaks of, and by a good one: neither helps.
void add_headers(std::vector<Case>& out) {
  const Keys& k = keys();
  const std::string jwk =
      R"({"kty":"EC","crv":"P-256","x":")" +
      encode_base64url(k.mallory.number(OSSL_PKEY_PARAM_EC_PUB_X, 32)) + R"(","y":")" +
      encode_base64url(k.mallory.number(OSSL_PKEY_PARAM_EC_PUB_Y, 32)) + R"("})";
  const Key mallory = k.mallory.signer(Algorithm::es256, "");
  const Key good = k.ec.signer(Algorithm::es256, "");
  struct Member {
    std::string text, verdict;
  };
  for (const auto& [text, verdict] : std::vector<Member>{
           {R"("jwk":)" + jwk, "brings_key"},
           {R"("jwk":null)", "brings_key"},
           {R"("jku":"http://127.0.0.1:9/jwks.json")", "brings_key"},
           {R"("jku":"file:///etc/passwd")", "brings_key"},
           {R"("x5u":"https://127.0.0.1:9/cert.pem")", "brings_key"},
           {R"("x5c":["MIIB"])", "brings_key"},
           {R"("\u006aku":"http://127.0.0.1:9/")", "brings_key"},
           {R"("crit":["exp"],"exp":1)", "unknown_critical"},
           {R"("crit":[])", "unknown_critical"},
           {R"("crit":null)", "unknown_critical"},
           {R"("b64":false,"crit":["b64"])", "unknown_critical"},
           {R"("b64":false)", "unknown_critical"},
           {R"("b64":true)", "unknown_critical"},
           {R"("typ":"JWE")", "wrong_type"},
           {R"("typ":"dpop+jwt")", "wrong_type"},
           {R"("typ":"logout+jwt")", "wrong_type"},
           {R"("typ":["JWT"])", "wrong_type"},
           {R"("alg":"ES256")", "member_twice"},
           {R"("alg":"none")", "member_twice"},
           {R"("\u0061lg":"none")", "member_twice"},
           {R"("kid":"ec")", "member_twice"},
           {R"("x":1,"x":2)", "member_twice"},
       }) {
    const std::string header = R"({"alg":"ES256","kid":"ec",)" + text + "}";
    out.push_back({"good key, " + text, signed_by(good, header), verdict});
    out.push_back({"other key, " + text, signed_by(mallory, header), verdict});
  }
}

void add_forms(std::vector<Case>& out) {
  const Key good = keys().ec.signer(Algorithm::es256, "");
  const std::string header = header_of("ES256", "ec");
  const std::string token = signed_by(good, header);
  const auto add = [&out](std::string what, std::string text, std::string verdict = "malformed") {
    out.push_back({std::move(what), std::move(text), std::move(verdict)});
  };
  add("five parts, as JWE has", "e30.e30.e30.e30.e30");
  add("a dot in front", "." + token);
  add("JSON serialization",
      R"({"payload":"e30","signatures":[{"header":{"alg":"none"},"signature":""}]})");
  add("a blank in front", " " + token);
  add("Bearer in front", "Bearer " + token);
  add("a header with something behind it", signed_by(good, header + " {}"));
  add("a header of two objects", signed_by(good, header + header));
  add("a header that is a list", signed_by(good, "[" + header + "]"));
  add("a header with a byte order mark", signed_by(good, "\xef\xbb\xbf" + header));
  add("a header that is not UTF-8", signed_by(good, R"({"alg":"ES256","kid":"ec","x":")"
                                                    "\xff\"}"));
  add("a header as deep as it goes",
      signed_by(good, R"({"alg":"ES256","kid":"ec","x":)" + std::string(300, '[') + "}"));
  add("a header with NUL", signed_by(good, header + std::string(1, '\0')));
  std::string wide = R"({"alg":"ES256","kid":"ec")";
  for (int i = 0; i < 70; ++i) wide += ",\"" + std::to_string(i) + "\":0";
  add("a header of 72 members", signed_by(good, wide + "}"));
  std::string plus = token;
  plus.replace(plus.find('.') + 1, 1, "+");
  add("base64 of the other alphabet", plus, "bad_signature");
}

std::vector<Case> cases() {
  std::vector<Case> out;
  add_unsigned(out);
  add_other_algorithms(out);
  add_signatures(out);
  add_key_ids(out);
  add_headers(out);
  add_forms(out);
  return out;
}

std::string verdict_on(std::string_view token) {
  const auto read = TokenVerifier({}).verify(token, keys().set, now_s);
  return read ? "good" : std::string(row_of(read.error()).name);
}

// From here on this process may not open, and may not connect: SIGSYS.
bool forbid_files_and_sockets() {
  constexpr unsigned forbidden[] = {
#ifdef SYS_open
      SYS_open,
#endif
      SYS_openat, SYS_openat2, SYS_socket, SYS_connect};
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const unsigned number : forbidden) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr int no_filter_here = 77;

// How a child process ends that runs `body` without the right to open anything.
template <class Body>
int status_of_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    if (!forbid_files_and_sockets()) _exit(no_filter_here);
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

TEST(JwtConfusion, TheKeysOfTheTableAreGoodForHonestTokens) {
  const Keys& k = keys();
  const auto verdict_with = [](const Key& key) {
    return verdict_on(signed_by(key, header_of(row_of(key.algorithm()).name, key.id())));
  };
  EXPECT_EQ(verdict_with(k.rsa.signer(Algorithm::rs256, "rsa")), "good");
  EXPECT_EQ(verdict_with(k.ps.signer(Algorithm::ps256, "ps")), "good");
  EXPECT_EQ(verdict_with(k.ec.signer(Algorithm::es256, "ec")), "good");
  EXPECT_EQ(verdict_with(k.ec384.signer(Algorithm::es384, "ec384")), "good");
  EXPECT_EQ(verdict_with(k.ed.signer(Algorithm::eddsa, "ed")), "good");
  EXPECT_EQ(verdict_with(*Key::of_secret(Algorithm::hs256, "hs", secret)), "good");
}

TEST(JwtConfusion, ATokenThatWasSeenIsSparedItsSignatureAndNothingElse) {
  const Key signer = keys().ec.signer(Algorithm::es256, "ec");
  const std::string token = signed_by(signer, header_of("ES256", "ec"));
  TokenVerifier verifier({});
  const auto verdict = [&](std::string_view text, const KeySet& set, std::uint64_t at_s) {
    const auto read = verifier.verify(text, set, at_s);
    return read ? "good" : std::string(row_of(read.error()).name);
  };
  EXPECT_EQ(verdict(token, keys().set, now_s), "good");
  EXPECT_EQ(verdict(token, keys().set, now_s), "good");
  EXPECT_EQ(verifier.signatures_checked(), 1u);
  EXPECT_EQ(verdict(token, keys().set, now_s + 10'000), "expired");
  EXPECT_EQ(verifier.signatures_checked(), 1u);

  // Whatever differs from it was not seen, also where only the signature does.
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(verdict(changed, keys().set, now_s), "good") << "changed at " << i;
  }
  // A bad one is not remembered, neither as good nor in the place of a good one.
  EXPECT_EQ(verdict(token, keys().set, now_s), "good");
  const std::uint64_t checked = verifier.signatures_checked();
  EXPECT_EQ(verdict(token, keys().set, now_s), "good");
  EXPECT_EQ(verifier.signatures_checked(), checked);

  // Other keys have seen nothing, even one more beside the same.
  KeySet other;
  ASSERT_TRUE(other.add(keys().mallory.signer(Algorithm::es256, "ec")));
  EXPECT_EQ(verdict(token, other, now_s), "bad_signature");
  KeySet more = keys().set;
  ASSERT_TRUE(more.add(keys().mallory.signer(Algorithm::es256, "more")));
  EXPECT_EQ(verdict(token, more, now_s), "good");
  EXPECT_EQ(verifier.signatures_checked(), checked + 2);
}

TEST(JwtConfusion, EveryCaseIsRefusedForItsOwnReason) {
  const std::vector<Case> table = cases();
  EXPECT_GE(table.size(), 60u);
  for (const Case& each : table) EXPECT_EQ(verdict_on(each.token), each.verdict) << each.what;
  std::printf("%zu cases\n", table.size());
}

TEST(JwtConfusion, NoCaseOpensAFileOrASocket) {
  const std::vector<Case> table = cases();
  verdict_on(table.front().token);
  const int status = status_of_child([&table] {
    int believed = 0;
    for (const Case& each : table) believed += verdict_on(each.token) == "good" ? 1 : 0;
    return believed;
  });
  if (WIFEXITED(status) && WEXITSTATUS(status) == no_filter_here)
    GTEST_SKIP() << "this machine lets nobody set a seccomp filter";
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(JwtConfusion, TheTrapWouldHaveCaughtIt) {
  const auto caught = [](int status) {
    return (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
           (WIFEXITED(status) && WEXITSTATUS(status) == no_filter_here);
  };
  EXPECT_TRUE(caught(status_of_child([] { return std::fopen("/dev/null", "r") != nullptr; })));
  EXPECT_TRUE(caught(status_of_child([] { return socket(AF_INET, SOCK_STREAM, 0); })));
}

}  // namespace
}  // namespace ringroom::realtime
