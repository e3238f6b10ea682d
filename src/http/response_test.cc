#include "http/response.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace labcoat::http {
namespace {

struct Reading {
  std::unique_ptr<char[]> bytes;  // of just the size
  ResponseHead head;
  size_t used = 0;
  Parsed verdict = Parsed::need_more;
};

Reading read(std::string_view bytes) {
  Reading r;
  r.bytes = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), r.bytes.get());
  r.verdict = parse_response({r.bytes.get(), bytes.size()}, r.head, r.used);
  return r;
}

// The verdict on the whole; shorter beginnings may only ask for more or agree.
Reading read_every_way(std::string_view bytes) {
  Reading whole = read(bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Reading part = read(bytes.substr(0, size));
    if (part.verdict == Parsed::need_more) continue;
    EXPECT_EQ(part.verdict, whole.verdict) << "after " << size << " bytes";
    EXPECT_EQ(part.used, whole.used);
  }
  return whole;
}

TEST(Response, ReadsAHead) {
  const std::string bytes =
      "HTTP/1.1 404 Not Found\r\nDate: now\r\nX-Empty:\r\nContent-Length:  12 \r\n\r\nbody";
  const Reading r = read_every_way(bytes);
  ASSERT_EQ(r.verdict, Parsed::done);
  EXPECT_EQ(r.head.status, 404);
  EXPECT_EQ(r.head.minor_version, 1);
  EXPECT_EQ(r.head.content_length, 12);
  EXPECT_FALSE(r.head.chunked);
  EXPECT_TRUE(r.head.keep_alive);
  EXPECT_EQ(r.used, bytes.size() - 4);
  EXPECT_EQ(find_field(r.head.fields, "date"), "now");
  EXPECT_EQ(find_field(r.head.fields, "CONTENT-LENGTH"), "12");
  EXPECT_EQ(find_field(r.head.fields, "x-empty"), "");
  EXPECT_EQ(find_field(r.head.fields, "x-absent"), "");
}

TEST(Response, KnowsHowTheBodyIsFramed) {
  struct Row {
    std::string head;
    int64_t length;
    bool chunked, keep_alive;
    const char* because;
  };
  const std::string h11 = "HTTP/1.1 200 OK\r\n", h10 = "HTTP/1.0 200 OK\r\n";
  const std::vector<Row> rows = {
      {h11, -1, false, true, "no length: until the end"},
      {h11 + "Content-Length: 0\r\n", 0, false, true, "nothing"},
      {h11 + "Content-Length: 5, 5\r\n", 5, false, true, "the same twice is one"},
      {h11 + "Content-Length: 5\r\nContent-Length: 5\r\n", 5, false, true, "the same twice"},
      {h11 + "Transfer-Encoding: Chunked\r\n", -1, true, true, "chunked"},
      {h11 + "Transfer-Encoding: gzip, chunked\r\n", -1, true, true, "chunked is last"},
      {h11 + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", -1, true, true,
       "two fields are one list"},
      {h11 + "Transfer-Encoding: gzip\r\n", -1, false, false, "until the end"},
      {h11 + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", -1, true, false,
       "chunked wins, the connection is not trusted further"},
      {h10 + "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", -1, true, false,
       "HTTP/1.0 knows no chunked"},
      {h10, -1, false, false, "HTTP/1.0 closes"},
      {h10 + "Connection: Keep-Alive\r\n", -1, false, true, "unless it says so"},
      {h11 + "Connection: close\r\n", -1, false, false, "close"},
      {"HTTP/1.7 200 OK\r\n", -1, false, true, "a later minor version"},
      {"HTTP/1.1 200\r\n", -1, false, true, "no reason and no space"},
      {"HTTP/1.1 200 \r\n", -1, false, true, "no reason"},
      {"HTTP/1.1 200 \xc3\xa9t\xc3\xa9\r\n", -1, false, true, "any reason"},
      {"HTTP/1.1 200 OK\nContent-Length: 3\n", 3, false, true, "bare LF"},
      {h11 + "X: a\r\n folded: yes\r\nContent-Length: 3\r\n", 3, false, true, "a folded line"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.because);
    const Reading r = read_every_way(row.head + "\r\n");
    ASSERT_EQ(r.verdict, Parsed::done);
    EXPECT_EQ(r.head.content_length, row.length);
    EXPECT_EQ(r.head.chunked, row.chunked);
    EXPECT_EQ(r.head.keep_alive, row.keep_alive);
  }
}

TEST(Response, RefusesWhatCannotBeRead) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& bytes : {
           std::string("HTTP/2 200\r\n\r\n"),
           std::string("HTTP/1.1  200 OK\r\n\r\n"),
           std::string("HTTP/1.1 20 OK\r\n\r\n"),
           std::string("HTTP/1.1 2000 OK\r\n\r\n"),
           std::string("HTTP/1.1 099 OK\r\n\r\n"),
           std::string("HTTP/1.x 200 OK\r\n\r\n"),
           std::string("ICY 200 OK\r\n\r\n"),
           std::string("<html>"),
           std::string("HTTP/1.1 200 O\x01K\r\n\r\n"),
           ok + "no colon\r\n\r\n",
           ok + "X : a\r\n\r\n",
           ok + ": a\r\n\r\n",
           ok + " folded\r\n\r\n",
           ok + "X: a\rb\r\n\r\n",
           ok + std::string("X: a\0b\r\n\r\n", 10),
           ok + "Content-Length: x\r\n\r\n",
           ok + "Content-Length: 5, 6\r\n\r\n",
           ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
           ok + "Content-Length:\r\n\r\n",
           ok + "Transfer-Encoding: chunked, gzip\r\n\r\n",
           ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       }) {
    EXPECT_EQ(read_every_way(bytes).verdict, Parsed::bad) << testing::PrintToString(bytes);
  }
}

TEST(Response, FindsFoldedFieldsWhole) {
  const std::string_view fields = "A: 1\r\n B: 2\r\nB: 3\r\n";
  EXPECT_EQ(find_field(fields, "b"), "3");
  EXPECT_EQ(find_field(fields, "a"), "1\r\n B: 2");
  EXPECT_EQ(find_field("", "a"), "");
}

}  // namespace
}  // namespace labcoat::http
