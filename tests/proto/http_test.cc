#include "proto/http.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "proto/bounds.h"
#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

std::string shown(const Request& request) {
  std::string out = std::string(request.method) + " " + std::string(request.path) + "?" +
                    std::string(request.query) + " 1." + std::to_string(request.version_minor) +
                    (request.keep_alive ? " keep" : " close");
  for (const HttpHeader& field : request.headers)
    out += " [" + std::string(field.name) + "=" + std::string(field.value) + "]";
  return out + " {" + text_of(request.body) + "}";
}

using Shown = std::vector<std::string>;

class Http : public testing::Test {
 protected:
  // Pieces lie in memory of their own size, which is gone when the next one comes.
  void feed(std::string_view piece) {
    if (failed_) return;
    auto copy = std::make_unique<std::byte[]>(piece.size());
    std::memcpy(copy.get(), piece.data(), piece.size());
    std::span<std::byte> received(copy.get(), piece.size());
    for (;;) {
      const auto step = reader_.next(received, pool_);
      if (!step) {
        shown_.push_back("error " + std::to_string(row_of(step.error()).status));
        failed_ = true;
        return;
      }
      if (*step == nullptr) break;
      shown_.push_back(shown(**step));
    }
    EXPECT_TRUE(received.empty());
  }
  Shown take() {
    failed_ = false;
    reader_.reset();
    EXPECT_EQ(pool_.lent_count(), 0u);
    return std::exchange(shown_, {});
  }
  Shown whole(std::string_view text) {
    feed(text);
    return take();
  }
  Shown byte_by_byte(std::string_view text) {
    for (const char& byte : text) feed({&byte, 1});
    return take();
  }

  alloc::CoreHeap memory_;
  HttpPool pool_{memory_, 1000};
  HttpReader reader_;
  Shown shown_;
  bool failed_ = false;
};

TEST_F(Http, RequestsAreTheSameWhereverTheBytesAreCut) {
  const std::string stream =
      "GET /a/b?x=1&y HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX:  spaced out \t\r\n\r\n"
      "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "\r\nPOST /c HTTP/1.1\r\nhost:h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"
      "DELETE http://h.example:80/abs?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
      "OPTIONS * HTTP/1.0\r\n\r\n";
  const Shown wanted{
      "GET /a/b?x=1&y 1.1 keep [Host=h] [X-Empty=] [X=spaced out] {}",
      "POST /p? 1.1 keep [Host=h] [Content-Length=5] {hello}",
      "POST /c? 1.1 keep [host=h] [Transfer-Encoding=Chunked] {abc0123456789}",
      "DELETE /abs?q 1.1 close [Host=h] [Connection=close] {}",
      "OPTIONS *? 1.0 close {}",
  };
  EXPECT_EQ(whole(stream), wanted);
  EXPECT_EQ(byte_by_byte(stream), wanted);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    feed(std::string_view(stream).substr(0, cut));
    feed(std::string_view(stream).substr(cut));
    ASSERT_EQ(take(), wanted) << "cut at " << cut;
  }
}

TEST_F(Http, BytesBehindTheRequestStayWhereTheyAre) {
  Bytes bytes = bytes_of("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n\x81\x80....");
  std::span<std::byte> received(bytes);
  const auto step = reader_.next(received, pool_);
  ASSERT_TRUE(step && *step != nullptr);
  EXPECT_EQ(text_of(received), "\x81\x80....");
}

struct Attack {
  const char* name;
  std::string text;
  int status = 400;
};

std::string with(std::string_view fields, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

const Attack attacks[] = {
    {"length and chunks", with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"chunks and length", with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")},
    {"two lengths", with("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")},
    {"the same length twice", with("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")},
    {"a list of lengths", with("Content-Length: 3, 3\r\n", "abc")},
    {"a signed length", with("Content-Length: +3\r\n", "abc")},
    {"a negative length", with("Content-Length: -1\r\n", "abc")},
    {"a hexadecimal length", with("Content-Length: 0x3\r\n", "abc")},
    {"a blank inside the length", with("Content-Length: 1 0\r\n", "abc")},
    {"an empty length", with("Content-Length:\r\n", "abc")},
    {"a length with a fraction", with("Content-Length: 3.0\r\n", "abc")},
    {"a length with an underscore", with("Content-Length: 1_0\r\n", "abc")},
    {"a blank before the colon", with("Content-Length : 3\r\n", "abc")},
    {"a tab before the colon", with("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")},
    {"a folded line", with("X: a\r\n b\r\n")},
    {"a folded line with a tab", with("Transfer-Encoding:\r\n\tchunked\r\n", "0\r\n\r\n")},
    {"a first field that begins with a blank", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"},
    {"a field without a colon", with("JustAName\r\n")},
    {"a field without a name", with(": value\r\n")},
    {"a name with a blank", with("A B: c\r\n")},
    {"a name with a colon-like byte", with("A\xef\xbc\x9a: c\r\n")},
    {"a line that ends with LF", "GET / HTTP/1.1\nHost: h\r\n\r\n"},
    {"a field that ends with LF", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"},
    {"a head that ends with LF", "GET / HTTP/1.1\r\nHost: h\r\n\n"},
    {"a lone CR in a value", with("X: a\rb\r\n")},
    {"a lone CR before the end", with("X: a\r\r\n")},
    {"a NUL in a value", with(std::string("X: a\0b\r\n", 8))},
    {"a NUL in a name", with(std::string("X\0: a\r\n", 7))},
    {"a control character in a value", with("X: a\x0b\r\n")},
    {"a vertical tab before chunked", with("Transfer-Encoding: \x0b"
                                           "chunked\r\n",
                                           "0\r\n\r\n")},
    {"a NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28)},
    {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a target without a slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a target of another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a target without a host", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a target in UTF-8", "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tunnel", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"two blanks behind the method", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"two blanks before the version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"tabs in the request line", "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n"},
    {"no version", "GET /\r\nHost: h\r\n\r\n"},
    {"a version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n"},
    {"a version without a digit", "GET / HTTP/1.x\r\nHost: h\r\n\r\n"},
    {"a version with more digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n"},
    {"no host", "GET / HTTP/1.1\r\n\r\n"},
    {"two hosts", with("Host: other\r\n")},
    {"a host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"},
    {"a list of hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
    {"a method with a bracket", "G[T / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"an empty method", " / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)},
    {"HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"another version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
    {"version 0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505},
    {"version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
    {"chunks twice",
     with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"identity", with("Transfer-Encoding: identity\r\n"), 501},
    {"gzip, chunked", with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
    {"chunked, identity", with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 501},
    {"xchunked", with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
    {"quoted chunked", with("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 501},
    {"a chunk extension", with("Transfer-Encoding: chunked\r\n", "1;a=b\r\nx\r\n0\r\n\r\n")},
    {"a blank behind the chunk size",
     with("Transfer-Encoding: chunked\r\n", "1 \r\nx\r\n0\r\n\r\n")},
    {"a chunk size with 0x", with("Transfer-Encoding: chunked\r\n", "0x1\r\nx\r\n0\r\n\r\n")},
    {"a signed chunk size", with("Transfer-Encoding: chunked\r\n", "+1\r\nx\r\n0\r\n\r\n")},
    {"an empty chunk size", with("Transfer-Encoding: chunked\r\n", "\r\nx\r\n0\r\n\r\n")},
    {"a chunk line that ends with LF", with("Transfer-Encoding: chunked\r\n", "1\nx\r\n0\r\n\r\n")},
    {"a chunk that ends with LF", with("Transfer-Encoding: chunked\r\n", "1\r\nx\n0\r\n\r\n")},
    {"a chunk longer than its size",
     with("Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n0\r\n\r\n")},
    {"a trailer", with("Transfer-Encoding: chunked\r\n", "0\r\nX: y\r\n\r\n")},
    {"an endless last chunk", with("Transfer-Encoding: chunked\r\n", "000000000\r\n\r\n")},
    {"a chunk size that overflows", with("Transfer-Encoding: chunked\r\n", "100000000\r\n")},
    {"a large chunk", with("Transfer-Encoding: chunked\r\n", "ffffffff\r\n"), 413},
    {"chunks over the limit together",
     with("Transfer-Encoding: chunked\r\n", "3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\n"), 413},
    {"a length over the limit", with("Content-Length: 1001\r\n"), 413},
    {"a length beyond 64 bits", with("Content-Length: 99999999999999999999\r\n")},
};

TEST_F(Http, RefusesWhatTwoServersCouldReadDifferently) {
  for (const Attack& attack : attacks) {
    const Shown wanted{"error " + std::to_string(attack.status)};
    EXPECT_EQ(whole(attack.text), wanted) << attack.name;
    EXPECT_EQ(byte_by_byte(attack.text), wanted) << attack.name << ", byte by byte";
  }
}

TEST_F(Http, AsksForMoreForEveryPrefixOfARequest) {
  for (const std::string& text :
       {with("Content-Length: 3\r\n", "abc"),
        with("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")}) {
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      EXPECT_EQ(whole(text.substr(0, cut)), Shown{}) << cut;
    EXPECT_EQ(whole(text).size(), 1u);
  }
}

TEST_F(Http, TakesBodiesUpToTheLimit) {
  const std::string body(1000, 'b');
  EXPECT_EQ(whole(with("Content-Length: 1000\r\n", body)).size(), 1u);
  EXPECT_EQ(byte_by_byte(with("Content-Length: 1000\r\n", body)).size(), 1u);
  EXPECT_EQ(
      whole(with("Transfer-Encoding: chunked\r\n", "3e8\r\n" + body + "\r\n0\r\n\r\n")).size(), 1u);
}

TEST_F(Http, BoundsTheHeadInBytesFieldsAndTarget) {
  const auto of_bytes = [](std::size_t bytes) {
    const std::string fixed = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n";
    return "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(bytes - fixed.size(), 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(whole(of_bytes(http_head_bytes_max - 1)).front().substr(0, 3), "GET");
  EXPECT_EQ(whole(of_bytes(http_head_bytes_max)).front().substr(0, 3), "GET");
  EXPECT_EQ(whole(of_bytes(http_head_bytes_max + 1)), Shown{"error 431"});
  EXPECT_EQ(byte_by_byte(of_bytes(http_head_bytes_max + 1)), Shown{"error 431"});
  EXPECT_EQ(whole("GET / HTTP/1.1\r\nX: " + std::string(http_head_bytes_max, 'x')),
            Shown{"error 431"});

  const auto of_fields = [](std::size_t count) {
    std::string fields;
    for (std::size_t i = 1; i < count; ++i) fields += "X: y\r\n";
    return with(fields);
  };
  EXPECT_EQ(whole(of_fields(http_headers_max)).front().substr(0, 4), "POST");
  EXPECT_EQ(whole(of_fields(http_headers_max + 1)), Shown{"error 431"});

  const auto of_target = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 1, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  EXPECT_EQ(whole(of_target(http_target_bytes_max)).front().substr(0, 3), "GET");
  EXPECT_EQ(whole(of_target(http_target_bytes_max + 1)), Shown{"error 414"});
  EXPECT_EQ(byte_by_byte(of_target(http_target_bytes_max + 1)), Shown{"error 414"});
  EXPECT_EQ(whole("GET /" + std::string(9000, 'a')), Shown{"error 414"});
}

TEST_F(Http, StoresWhatArrivedAndNotWhatWasAnnounced) {
  HttpPool pool(memory_, 1024 * 1024);
  HttpReader reader;
  Bytes bytes = bytes_of(with("Content-Length: 1048576\r\n", "x"));
  std::span<std::byte> received(bytes);
  ASSERT_TRUE(reader.next(received, pool));
  EXPECT_LE(pool.assembly_bytes(), 2 * assembly_bytes_min);
}

TEST_F(Http, RefusesABodyInCountlessChunks) {
  HttpPool pool(memory_, 1024 * 1024);
  HttpReader reader;
  std::string text = with("Transfer-Encoding: chunked\r\n");
  for (std::size_t i = 0; i < chunk_count_max + 1; ++i) text += "1\r\nx\r\n";
  Bytes bytes = bytes_of(text);
  std::span<std::byte> received(bytes);
  EXPECT_FALSE(reader.next(received, pool));
}

TEST_F(Http, KnowsWhetherTheConnectionStaysOpen) {
  struct Case {
    const char* head;
    bool keep;
  };
  for (const auto& [head, keep] :
       {Case{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
        Case{"GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", false},
        Case{"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, close\r\n\r\n", false},
        Case{"GET / HTTP/1.0\r\n\r\n", false},
        Case{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true}}) {
    const Shown got = whole(head);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].find(" keep") != std::string::npos, keep) << head;
  }
}

TEST_F(Http, SaysOnceThatThePeerWaitsForLeaveToSendItsBody) {
  feed(with("Expect: 100-continue\r\nContent-Length: 3\r\n"));
  EXPECT_TRUE(reader_.wants_continue());
  EXPECT_FALSE(reader_.wants_continue());
  feed("abc");
  EXPECT_FALSE(reader_.wants_continue());
  EXPECT_EQ(take().size(), 1u);
  feed(with("Content-Length: 3\r\n"));
  EXPECT_FALSE(reader_.wants_continue());
  take();
}

TEST_F(Http, FindsHeadersInAnyCaseAndTheFirstOfTwo) {
  Bytes bytes = bytes_of(with("X-One: 1\r\nx-one: 2\r\nEmpty:\r\n"));
  std::span<std::byte> received(bytes);
  const auto step = reader_.next(received, pool_);
  ASSERT_TRUE(step && *step != nullptr);
  EXPECT_EQ((*step)->header("X-ONE"), "1");
  EXPECT_EQ((*step)->header("absent"), "");
  EXPECT_TRUE((*step)->has_header("empty"));
  EXPECT_FALSE((*step)->has_header("absent"));
}

TEST_F(Http, AReaderThatGoesAwayInTheMiddleGivesItsStateBack) {
  {
    HttpReader gone;
    Bytes bytes = bytes_of("GET / HT");
    std::span<std::byte> received(bytes);
    ASSERT_TRUE(gone.next(received, pool_));
    HttpReader moved(std::move(gone));
    EXPECT_EQ(pool_.lent_count(), 1u);
  }
  EXPECT_EQ(pool_.lent_count(), 0u);
  EXPECT_EQ(whole(with("")).size(), 1u);
}

}  // namespace
}  // namespace ringroom::proto
