#include "files/file_order.h"

#include <gtest/gtest.h>

using namespace labcoat;
using namespace labcoat::files;

namespace {

answer::Response order_with(std::vector<http::Field> fields) {
  answer::Response response;
  response.fields = std::move(fields);
  return response;
}

http::RequestHead request_with(std::string_view method, std::vector<http::Field> fields) {
  http::RequestHead head;
  head.method = method;
  head.host = "example.org";
  for (const http::Field& field : fields) head.fields[head.field_count++] = field;
  return head;
}

constexpr std::string_view lines_of_file =
    "ETag: \"file\"\r\nCache-Control: no-cache\r\nContent-Type: text/css\r\n";

std::string described(const FileOrder& order, int status, std::string_view lines = lines_of_file) {
  answer::Response response;
  response.status = status;
  std::string text;
  order.describe(response, lines, text);
  return text;
}

TEST(FileOrder, is_found_only_where_it_is_understood) {
  const answer::Response response =
      order_with({{"Content-Type", "a/b"}, {"x-sendfile", "/srv/a"}, {"X-Accel-Redirect", "/i/a"}});
  std::string_view value;
  EXPECT_EQ(FileOrder::find(response, {}, value), FileOrder::Kind::none);
  EXPECT_EQ(FileOrder::find(response, {.redirect = true}, value), FileOrder::Kind::redirect);
  EXPECT_EQ(value, "/i/a");
  EXPECT_EQ(FileOrder::find(response, {.path = true}, value), FileOrder::Kind::path);
  EXPECT_EQ(value, "/srv/a");
}

TEST(FileOrder, keeps_what_the_app_says_and_lets_the_file_say_what_its_bytes_are) {
  const FileOrder order(FileOrder::Kind::path, "/srv/a",
                        order_with({{"Content-Type", "application/pdf"},
                                    {"Content-Disposition", "attachment"},
                                    {"Set-Cookie", "a=b"},
                                    {"Cache-Control", "private"},
                                    {"ETag", "\"app\""},
                                    {"Last-Modified", "x"},
                                    {"X-Accel-Buffering", "no"},
                                    {"X-Sendfile", "/srv/a"}}));
  EXPECT_EQ(described(order, 200),
            "Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n"
            "Set-Cookie: a=b\r\nCache-Control: private\r\nETag: \"file\"\r\n");
  EXPECT_EQ(described(order, 304, "ETag: \"file\"\r\n"),
            "Set-Cookie: a=b\r\nCache-Control: private\r\nETag: \"file\"\r\n");
  EXPECT_EQ(described(order, 206, "Content-Type: multipart/byteranges; boundary=x\r\n"),
            "Content-Disposition: attachment\r\nSet-Cookie: a=b\r\nCache-Control: private\r\n"
            "Content-Type: multipart/byteranges; boundary=x\r\n");
}

TEST(FileOrder, has_the_files_type_when_the_app_gives_none) {
  const FileOrder order(FileOrder::Kind::path, "a", order_with({{"content-type", ""}}));
  EXPECT_EQ(described(order, 200), lines_of_file);
}

TEST(FileOrder, knows_that_the_app_has_chosen_a_coding) {
  const auto with = [](std::string_view coding) {
    return FileOrder(FileOrder::Kind::path, "a", order_with({{"Content-Encoding", coding}}));
  };
  EXPECT_TRUE(with("gzip").is_coded());
  EXPECT_FALSE(with("Identity").is_coded());
}

TEST(KeptRequest, asks_for_the_file_as_the_client_would_have) {
  const std::vector<http::Field> fields = {{"Cookie", "secret"},
                                           {"Range", "bytes=0-1"},
                                           {"If-None-Match", "\"a\""},
                                           {"Accept-Encoding", "br"}};
  const struct {
    const char* method;
    const char* becomes;
    size_t fields;
  } cases[] = {{"GET", "GET", 3}, {"HEAD", "HEAD", 3}, {"POST", "GET", 1}};
  for (const auto& one : cases) {
    const KeptRequest kept(request_with(one.method, fields), "example.org");
    http::RequestHead out;
    kept.fill(out);
    EXPECT_EQ(out.method, one.becomes);
    EXPECT_EQ(out.host, "example.org");
    EXPECT_EQ(out.field_count, one.fields) << one.method;
    EXPECT_EQ(out.find("cookie"), nullptr);
    EXPECT_EQ(out.find("accept-encoding")->value, "br");
  }
}

}  // namespace
