// Tables of request heads. Every case runs whole and dripped in pieces, and each piece lies in a
// heap buffer of just its size, so that AddressSanitizer sees the first byte read outside it.
#include "http/request.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace labcoat::http {
namespace {

using std::string_literals::operator""s;

struct Copy {
  explicit Copy(std::string_view bytes) : memory(new char[bytes.size()]), size(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), memory.get());
  }
  std::string_view view() const { return {memory.get(), size}; }
  std::unique_ptr<char[]> memory;
  size_t size;
};

struct Reading {
  Parsed verdict = Parsed::need_more;
  size_t used = 0;
  RequestHead head;
  std::unique_ptr<Copy> bytes;  // what the head's views point into
};

Reading read_whole(std::string_view bytes, const RequestLimits& limits = {}) {
  Reading reading;
  reading.bytes = std::make_unique<Copy>(bytes);
  size_t scanned = 0;
  reading.verdict =
      parse_request(reading.bytes->view(), limits, reading.head, reading.used, scanned);
  return reading;
}

// The bytes come `step` at a time, in another place and with another head each time.
Reading read_dripped(std::string_view bytes, size_t step, const RequestLimits& limits = {}) {
  Reading reading;
  size_t scanned = 0;
  for (size_t size = 0;; size = std::min(size + step, bytes.size())) {
    reading.head = RequestHead();
    reading.bytes = std::make_unique<Copy>(bytes.substr(0, size));
    reading.verdict =
        parse_request(reading.bytes->view(), limits, reading.head, reading.used, scanned);
    const Reading whole = read_whole(bytes.substr(0, size), limits);
    EXPECT_EQ(whole.verdict, reading.verdict) << "after " << size << " bytes";
    if (reading.verdict == Parsed::bad) {
      EXPECT_EQ(whole.head.status, reading.head.status);
    }
    if (reading.verdict != Parsed::need_more || size == bytes.size()) return reading;
  }
}

std::string shown(std::string_view bytes) {
  return testing::PrintToString(std::string(bytes.substr(0, 200)));
}

// Nothing but the verdict counts: 0 for a good head, 1 for one that needs more, else the status.
constexpr int good = 0;
constexpr int unfinished = 1;

int verdict_of(const Reading& reading) {
  if (reading.verdict == Parsed::done) return good;
  if (reading.verdict == Parsed::need_more) return unfinished;
  EXPECT_NE(reading.head.why[0], '\0') << "a refusal without a reason";
  return reading.head.status;
}

struct Case {
  int verdict;
  const char* because;
  std::string bytes;
};

void expect_verdicts(const std::vector<Case>& cases, const RequestLimits& limits = {}) {
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.because) + ": " + shown(c.bytes));
    EXPECT_EQ(verdict_of(read_whole(c.bytes, limits)), c.verdict);
    const size_t step = c.bytes.size() > 2000 ? 997 : 1;
    EXPECT_EQ(verdict_of(read_dripped(c.bytes, step, limits)), c.verdict);
  }
}

// A request line with a good Host behind it, and a field line behind a good start.
std::string line(const std::string& request_line) {
  return request_line + "\r\nHost: a\r\n\r\n";
}
std::string field(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n\r\n";
}
std::string get_1_0(const std::string& lines) {
  return "GET / HTTP/1.0\r\n" + lines + "\r\n";
}

TEST(Request, ReadsTheHeadOfAPost) {
  const std::string bytes =
      "POST /notes/add?draft=1&x HTTP/1.1\r\nHost: localhost:8000\r\nX-Empty:\r\n"
      "Content-Length: \t42 \t\r\nCookie:a=b; c=d\r\n\r\nbody";
  const Reading r = read_whole(bytes);
  ASSERT_EQ(r.verdict, Parsed::done);
  EXPECT_EQ(r.used, bytes.size() - 4);
  EXPECT_EQ(r.head.method, "POST");
  EXPECT_EQ(r.head.target, "/notes/add?draft=1&x");
  EXPECT_EQ(r.head.path, "/notes/add");
  EXPECT_EQ(r.head.query, "draft=1&x");
  EXPECT_TRUE(r.head.has_query);
  EXPECT_EQ(r.head.minor_version, 1);
  EXPECT_EQ(r.head.host, "localhost:8000");
  EXPECT_EQ(r.head.content_length, 42);
  EXPECT_FALSE(r.head.chunked);
  EXPECT_TRUE(r.head.keep_alive);
  ASSERT_EQ(r.head.field_count, 4u);
  EXPECT_EQ(r.head.fields[1].name, "X-Empty");
  EXPECT_EQ(r.head.fields[1].value, "");
  EXPECT_EQ(r.head.find("content-LENGTH")->value, "42");
  EXPECT_EQ(r.head.find("cookie")->value, "a=b; c=d");
  EXPECT_EQ(r.head.find("x-absent"), nullptr);
}

TEST(Request, ReadsEveryFormOfTarget) {
  struct Row {
    std::string request_line, path, query;
    bool has_query;
    std::string host;
  };
  const std::vector<Row> rows = {
      {"GET / HTTP/1.1", "/", "", false, "a"},
      {"GET /a? HTTP/1.1", "/a", "", true, "a"},
      {"GET /a?b?c HTTP/1.1", "/a", "b?c", true, "a"},
      {"GET //a//b HTTP/1.1", "//a//b", "", false, "a"},
      {"GET /a|b{}%zz HTTP/1.1", "/a|b{}%zz", "", false, "a"},
      {"GET http://example.org:81/x/y?z HTTP/1.1", "/x/y", "z", true, "example.org:81"},
      {"GET HTTPS://[::1]/ HTTP/1.1", "/", "", false, "[::1]"},
      {"GET http://example.org HTTP/1.1", "/", "", false, "example.org"},
      {"GET http://example.org?q=/ HTTP/1.1", "/", "q=/", true, "example.org"},
      {"OPTIONS * HTTP/1.1", "*", "", false, "a"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.request_line);
    const Reading r = read_dripped(line(row.request_line), 1);
    ASSERT_EQ(r.verdict, Parsed::done);
    EXPECT_EQ(r.head.path, row.path);
    EXPECT_EQ(r.head.query, row.query);
    EXPECT_EQ(r.head.has_query, row.has_query);
    EXPECT_EQ(r.head.host, row.host);
  }
}

TEST(Request, JudgesTheRequestLine) {
  expect_verdicts({
      {good, "a plain request", line("GET / HTTP/1.1")},
      {good, "HTTP/1.0 needs no Host", get_1_0("")},
      {good, "one empty line before it is skipped", "\r\n" + line("GET / HTTP/1.1")},
      {400, "two empty lines are not", "\r\n\r\n" + line("GET / HTTP/1.1")},
      {400, "nor is a bare LF", "\n" + line("GET / HTTP/1.1")},
      {400, "nor a bare CR", "\r" + line("GET / HTTP/1.1")},
      {good, "an unknown method is the app's to refuse", line("BREW!#$%&'*+-.^_`|~09 / HTTP/1.1")},
      {good, "32 bytes of method", line(std::string(32, 'M') + " / HTTP/1.1")},
      {400, "33 bytes of method", line(std::string(33, 'M') + " / HTTP/1.1")},
      {400, "no method", line(" / HTTP/1.1")},
      {400, "method with a separator", line("G(T / HTTP/1.1")},
      {400, "method with a high byte", line("G\xc3\xa9T / HTTP/1.1")},
      {400, "TLS to a plain port", "\x16\x03\x01\x02"s},
      {400, "two spaces behind the method", line("GET  / HTTP/1.1")},
      {400, "two spaces behind the target", line("GET /  HTTP/1.1")},
      {400, "tab for a space", line("GET\t/ HTTP/1.1")},
      {400, "space behind the version", line("GET / HTTP/1.1 ")},
      {400, "space in the target", line("GET /a b HTTP/1.1")},
      {400, "fragment in the target", line("GET /a#b HTTP/1.1")},
      {400, "fragment in the query", line("GET /a?b#c HTTP/1.1")},
      {400, "NUL in the target", line("GET /a\0b HTTP/1.1"s)},
      {400, "DEL in the target", line("GET /a\x7f HTTP/1.1")},
      {400, "raw UTF-8 in the target", line("GET /\xc3\xa9 HTTP/1.1")},
      {400, "raw UTF-8 in a long target", line("GET /0123456789abcdef\xc3\xa9 HTTP/1.1")},
      {400, "HTTP/0.9", "GET /\r\n"},
      {400, "no target", line("GET HTTP/1.1")},
      {400, "only a method", line("GET")},
      {400, "* is for OPTIONS", line("GET * HTTP/1.1")},
      {400, "target without a slash", line("GET a HTTP/1.1")},
      {400, "target with a query only", line("GET ?a HTTP/1.1")},
      {400, "other scheme", line("GET ftp://a/ HTTP/1.1")},
      {400, "URL without a host", line("GET http:///a HTTP/1.1")},
      {400, "URL with a user name", line("GET http://u@a/ HTTP/1.1")},
      {400, "URL with a bad port", line("GET http://a:x/ HTTP/1.1")},
      {501, "CONNECT is for proxies", line("CONNECT a:443 HTTP/1.1")},
      {400, "CONNECT without a port", line("CONNECT a HTTP/1.1")},
      {400, "CONNECT with a path", line("CONNECT / HTTP/1.1")},
      {505, "HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {505, "HTTP/0.9 by name", line("GET / HTTP/0.9")},
      {505, "HTTP/1.2", line("GET / HTTP/1.2")},
      {505, "HTTP/3.1", line("GET / HTTP/3.1")},
      {400, "version in small letters", line("GET / http/1.1")},
      {400, "version with too many digits", line("GET / HTTP/1.10")},
      {400, "version without a dot", line("GET / HTTP/11")},
      {400, "version without a minor number", line("GET / HTTP/1.")},
      {400, "another protocol", line("GET / RTSP/1.0")},
      {400, "LF without CR", "GET / HTTP/1.1\nHost: a\n\n"},
      {400, "CR without LF", "GET / HTTP/1.1\rHost: a\r\r"},
  });
}

TEST(Request, JudgesTheFormOfFieldLines) {
  expect_verdicts({
      {good, "every tchar in a name", field("!#$%&'*+-.^_`|~0aZ: x")},
      {good, "names longer than a vector", field("X-A-Name-Of-More-Than-Sixteen_Bytes: x")},
      {good, "obs-text and tabs in a value", field("X: a\tb\xff\x80 c")},
      {good, "no space behind the colon", field("X:a")},
      {good, "an empty value", field("X: ")},
      {good, "colons in a value", field("X: :a:b")},
      {400, "no colon", field("X")},
      {400, "empty name", field(": a")},
      {400, "space before the colon", field("X : a")},
      {400, "tab before the colon", field("X\t: a")},
      {400, "space in a name", field("X Y: a")},
      {400, "separator in a name", field("X(: a")},
      {400, "high byte in a name", field("X\xe9: a")},
      {400, "NUL in a name", field("X\0Y: a"s)},
      {400, "NUL in a value", field("X: a\0b"s)},
      {400, "DEL in a value", field("X: a\x7f")},
      {400, "ESC in a long value", field("X: 0123456789012345678901234567890\x1b")},
      {400, "bare CR in a value", field("X: a\rb")},
      {400, "bare LF in a value", field("X: a\nb: c")},
      {400, "folded line", field("X: a\r\n b")},
      {400, "folded line with a tab", field("X: a\r\n\tb")},
      {400, "folded line that looks like a field", field("X: a\r\n Y: b")},
      {400, "space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {400, "line of spaces", field("  ")},
      {400, "CR CR LF at the end", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"},
      {400, "LF alone ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n"},
      {400, "CR alone ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\rX"},
  });
}

TEST(Request, JudgesHost) {
  const auto host = [](const std::string& value) {
    return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
  };
  expect_verdicts({
      {good, "name and port", host("example.org:8080")},
      {good, "address", host("127.0.0.1")},
      {good, "IPv6 and port", host("[2001:db8::1]:80")},
      {good, "escape", host("a%20b")},
      {good, "empty port", host("a:")},
      {400, "missing in HTTP/1.1", "GET / HTTP/1.1\r\n\r\n"},
      {400, "missing beside an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n"},
      {400, "twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"},
      {400, "twice in HTTP/1.0", get_1_0("Host: a\r\nHost: b\r\n")},
      {400, "empty", host("")},
      {400, "empty in HTTP/1.0", get_1_0("Host:\r\n")},
      {400, "bad beside an absolute target", "GET http://a/ HTTP/1.1\r\nHost: /\r\n\r\n"},
      {400, "only a port", host(":80")},
      {400, "with a path", host("a/b")},
      {400, "with a space", host("a b")},
      {400, "with a user name", host("u@a")},
      {400, "with a backslash", host("a\\b")},
      {400, "raw UTF-8", host("\xc3\xa9.org")},
      {400, "broken escape", host("a%2")},
      {400, "port not a number", host("a:8x")},
      {400, "port too large", host("a:65536")},
      {400, "two ports", host("a:1:2")},
      {400, "IPv6 without brackets", host("::1")},
      {400, "bracket not closed", host("[::1")},
      {400, "not an IPv6 address", host("[::g]")},
      {400, "text behind the bracket", host("[::1]a")},
  });
}

TEST(Request, JudgesFraming) {
  const std::string both = "Content-Length: 5\r\nTransfer-Encoding: chunked";
  expect_verdicts({
      {good, "a length", field("Content-Length: 5")},
      {good, "no length at all", field("content-length: 0")},
      {good, "the largest length", field("Content-Length: 9223372036854775807")},
      {400, "one larger", field("Content-Length: 9223372036854775808")},
      {400, "far too many digits", field("Content-Length: 99999999999999999999999")},
      {400, "empty", field("Content-Length:")},
      {400, "plus sign", field("Content-Length: +5")},
      {400, "minus sign", field("Content-Length: -5")},
      {400, "space inside", field("Content-Length: 5 5")},
      {400, "hexadecimal", field("Content-Length: 0x5")},
      {400, "decimal point", field("Content-Length: 5.0")},
      {400, "list of equals", field("Content-Length: 5, 5")},
      {400, "repeated and equal", field("Content-Length: 5\r\nContent-Length: 5")},
      {400, "repeated and different", field("Content-Length: 5\r\nContent-Length: 6")},
      {good, "chunked", field("Transfer-Encoding: chunked")},
      {good, "codings are case-insensitive", field("TRANSFER-ENCODING: Chunked")},
      {400, "both, length first", field(both)},
      {400, "both, chunked first", field("Transfer-Encoding: chunked\r\nContent-Length: 5")},
      {400, "both, with an unknown coding", field("Content-Length: 5\r\nTransfer-Encoding: ")},
      {400, "chunked in HTTP/1.0", get_1_0("Transfer-Encoding: chunked\r\n")},
      {501, "unknown coding", field("Transfer-Encoding: gzip")},
      {501, "unknown coding and chunked", field("Transfer-Encoding: gzip, chunked")},
      {501, "identity", field("Transfer-Encoding: identity")},
      {501, "like chunked", field("Transfer-Encoding: xchunked")},
      {400, "chunked not last", field("Transfer-Encoding: chunked, gzip")},
      {400, "chunked in a list twice", field("Transfer-Encoding: chunked, chunked")},
      {400, "chunked in two fields",
       field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
      {501, "unknown coding, then chunked",
       field("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked")},
      {400, "chunked with a parameter", field("Transfer-Encoding: chunked;a=b")},
      {400, "empty coding", field("Transfer-Encoding:")},
      {400, "empty element", field("Transfer-Encoding: ,chunked")},
      {400, "comma behind", field("Transfer-Encoding: chunked,")},
      {400, "quoted", field("Transfer-Encoding: \"chunked\"")},
      {400, "vertical tab", field("Transfer-Encoding: \vchunked")},
  });
}

TEST(Request, JudgesExpectations) {
  expect_verdicts({
      {good, "the one there is", field("Expect: 100-Continue")},
      {417, "another", field("Expect: 200-ok")},
      {417, "one more", field("Expect: 100-continue, x")},
      {417, "none", field("Expect:")},
  });
  EXPECT_TRUE(read_whole(field("Expect: 100-continue")).head.expect_continue);
  EXPECT_FALSE(read_whole(get_1_0("Expect: 100-continue\r\n")).head.expect_continue);
}

TEST(Request, KnowsWhatBecomesOfTheConnection) {
  struct Row {
    int minor;
    const char* fields;
    bool keep_alive, upgrade;
  };
  const std::vector<Row> rows = {
      {1, "", true, false},
      {1, "Connection: close\r\n", false, false},
      {1, "Connection: Keep-Alive, CLOSE\r\n", false, false},
      {1, "Connection: x\r\nConnection: close\r\n", false, false},
      {1, "Connection: closed\r\n", true, false},
      {1, "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", true, true},
      {1, "Connection: upgrade\r\n", true, false},
      {1, "Upgrade: websocket\r\n", true, false},
      {0, "", false, false},
      {0, "Connection: keep-alive\r\n", true, false},
      {0, "Connection: keep-alive, close\r\n", false, false},
      {0, "Connection: upgrade\r\nUpgrade: websocket\r\n", false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(testing::Message() << row.minor << ' ' << row.fields);
    const Reading r = read_dripped(
        "GET / HTTP/1." + std::to_string(row.minor) + "\r\nHost: a\r\n" + row.fields + "\r\n", 1);
    ASSERT_EQ(r.verdict, Parsed::done);
    EXPECT_EQ(r.head.minor_version, row.minor);
    EXPECT_EQ(r.head.keep_alive, row.keep_alive);
    EXPECT_EQ(r.head.upgrade, row.upgrade);
  }
}

TEST(Request, EveryLimitHasItsAnswer) {
  const RequestLimits limits = {.target_bytes_max = 100, .header_bytes_max = 1000, .fields_max = 5};
  const auto fields = [](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += "X: y\r\n";
    return "GET / HTTP/1.1\r\nHost: a\r\n" + text + "\r\n";
  };
  const auto head_of = [](size_t bytes) {
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
  };
  expect_verdicts(
      {
          {good, "target at the limit", line("GET /" + std::string(99, 'a') + " HTTP/1.1")},
          {414, "target over it", line("GET /" + std::string(100, 'a') + " HTTP/1.1")},
          {414, "target without an end", "GET /" + std::string(200, 'a')},
          {414, "query over it", line("GET /?" + std::string(100, 'a') + " HTTP/1.1")},
          {414, "request line longer than the whole head may be", "GET /" + std::string(5000, 'a')},
          {414, "method without an end", std::string(5000, 'G')},
          {good, "fields at the limit", fields(4)},
          {431, "fields over it", fields(5)},
          {good, "head at the limit", head_of(1000)},
          {431, "head over it", head_of(1001)},
          {unfinished, "a field line that may still end", head_of(1001).substr(0, 1000)},
          {431, "a field line without an end", head_of(5000).substr(0, 4000)},
          {431, "many fields without an end", fields(300).substr(0, 1500)},
      },
      limits);
  expect_verdicts({{414, "request line over a head limit below the target limit",
                    "GET /" + std::string(60, 'a')}},
                  {.target_bytes_max = 100, .header_bytes_max = 50});
  expect_verdicts({
      {good, "100 fields by default", fields(99)},
      {431, "101 fields", fields(100)},
      {good, "8 KiB of target", line("GET /" + std::string(8191, 'a') + " HTTP/1.1")},
      {414, "8 KiB and one", line("GET /" + std::string(8192, 'a') + " HTTP/1.1")},
      {good, "32 KiB of head", head_of(32768)},
      {431, "32 KiB and one", head_of(32769)},
  });
  expect_verdicts({{good, "never more fields than there is room for", fields(127)},
                   {431, "one more", fields(128)}},
                  {.fields_max = 1000});
}

TEST(Request, UnfinishedHeadsNeedMore) {
  const std::string whole = "\r\nGET /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
  for (size_t size = 0; size < whole.size(); ++size) {
    const Copy bytes(whole.substr(0, size));
    RequestHead head;
    size_t used = 0, scanned = 0;
    EXPECT_EQ(parse_request(bytes.view(), {}, head, used, scanned), Parsed::need_more) << size;
    EXPECT_EQ(scanned > 0, size > 0) << "callers see by it whether bytes were looked at";
  }
  EXPECT_EQ(read_whole(whole).verdict, Parsed::done);
}

TEST(Request, PipelinedRequestsFollowEachOther) {
  const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: 0\r\n\r\n";
  const std::string second = "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n";
  const Copy bytes(first + second);
  RequestHead head;
  size_t used = 0, scanned = 0;
  ASSERT_EQ(parse_request(bytes.view(), {}, head, used, scanned), Parsed::done);
  EXPECT_EQ(used, first.size());
  ASSERT_EQ(parse_request(bytes.view().substr(used), {}, head, used, scanned), Parsed::done);
  EXPECT_EQ(used, second.size());
  EXPECT_EQ(head.path, "/2");
  EXPECT_EQ(head.host, "b");
  EXPECT_EQ(head.content_length, -1) << "kept from the request before";
  EXPECT_EQ(head.field_count, 1u);
}

}  // namespace
}  // namespace labcoat::http
