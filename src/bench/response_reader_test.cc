#include "bench/response_reader.h"

#include <gtest/gtest.h>
#include <string>

namespace labcoat::bench {
namespace {

using Step = ResponseReader::Step;

struct Case {
  const char* why;
  std::string bytes;
  Step step;
  bool to_head = false;
};

const Case cases[] = {
    {"a body of known length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Step::done},
    {"no body at all", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Step::done},
    {"a body that is not complete", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
     Step::need_more},
    {"bytes behind the end", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!", Step::bad},
    {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     Step::done},
    {"chunks with a trailer",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
     Step::done},
    {"chunks without their end",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", Step::need_more},
    {"a chunk size that is no number",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Step::bad},
    {"204 has no body, RFC 9110 section 15.3.5", "HTTP/1.1 204 No Content\r\n\r\n", Step::done},
    {"304 has no body though it may say a length",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Step::done},
    {"the answer to HEAD has no body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Step::done,
     true},
    {"neither length nor chunks: until the connection closes", "HTTP/1.1 200 OK\r\n\r\nabc",
     Step::need_more},
    {"an interim answer first",
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     Step::done},
    {"an upgrade that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\n\r\n", Step::bad},
    {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", Step::bad},
};

TEST(ResponseReader, KnowsWhenAnAnswerIsComplete) {
  for (const Case& row : cases) {
    HeadMemory memory;
    ResponseReader reader;
    reader.start(row.to_head);
    EXPECT_EQ(reader.feed(row.bytes, memory), row.step) << row.why;
  }
}

TEST(ResponseReader, DoesNotCareHowTheBytesArrive) {
  for (const Case& row : cases) {
    for (size_t piece = 1; piece <= 7; ++piece) {
      HeadMemory memory;
      ResponseReader reader;
      reader.start(row.to_head);
      Step step = Step::need_more;
      size_t at = 0;
      for (; at < row.bytes.size() && step == Step::need_more; at += piece) {
        step = reader.feed(std::string_view(row.bytes).substr(at, piece), memory);
      }
      // What lies behind a complete answer is then seen by the connection, not by the reader.
      if (row.step == Step::bad && step == Step::done) continue;
      EXPECT_EQ(step, row.step) << row.why << ", in pieces of " << piece;
    }
  }
}

TEST(ResponseReader, RemembersAHeadButNotItsBody) {
  HeadMemory memory;
  ResponseReader reader;
  const std::string head = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n";
  for (int i = 0; i < 3; ++i) {
    reader.start(false);
    EXPECT_EQ(reader.feed(head + "ab", memory), Step::done);
    EXPECT_EQ(reader.status(), 404);
    EXPECT_EQ(memory.bytes, head);
  }
  // The same beginning, another head: the memory must not answer for it.
  reader.start(false);
  EXPECT_EQ(reader.feed("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nab", memory),
            Step::need_more);
  reader.start(false);
  EXPECT_EQ(
      reader.feed("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", memory),
      Step::done);
  EXPECT_EQ(reader.status(), 200);
  EXPECT_FALSE(reader.keep_alive());
}

TEST(ResponseReader, EndsWithTheConnectionOnlyWhereHttpSaysSo) {
  HeadMemory memory;
  ResponseReader reader;
  reader.start(false);
  EXPECT_EQ(reader.end(), Step::bad) << "nothing arrived";
  reader.feed("HTTP/1.1 200 OK\r\n\r\nabc", memory);
  EXPECT_EQ(reader.end(), Step::done);
  EXPECT_FALSE(reader.keep_alive());
  reader.start(false);
  reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", memory);
  EXPECT_EQ(reader.end(), Step::bad) << "cut off";
  EXPECT_EQ(reader.discardable(), 6u);
}

TEST(ResponseReader, KnowsWhetherAnythingOfTheAnswerCame) {
  HeadMemory memory;
  ResponseReader reader;
  reader.start(false);
  EXPECT_TRUE(reader.untouched());
  reader.feed("H", memory);
  EXPECT_FALSE(reader.untouched());
}

TEST(ResponseReader, RefusesAHeadWithoutEnd) {
  HeadMemory memory;
  ResponseReader reader;
  reader.start(false);
  const std::string field = "X-Padding: " + std::string(1000, 'x') + "\r\n";
  Step step = reader.feed("HTTP/1.1 200 OK\r\n", memory);
  size_t fed = 0;
  while (step == Step::need_more && fed < 2 * response_head_bytes_max) {
    step = reader.feed(field, memory);
    fed += field.size();
  }
  EXPECT_EQ(step, Step::bad);
}

}  // namespace
}  // namespace labcoat::bench
