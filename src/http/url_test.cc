#include "http/url.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace labcoat::http {
namespace {

using std::string_literals::operator""s;

constexpr const char* bad = "(bad)";

// From and to heap buffers of just the path's size.
std::string normalized(const std::string& path) {
  const auto in = std::make_unique<char[]>(path.size());
  const auto out = std::make_unique<char[]>(path.size());
  std::copy(path.begin(), path.end(), in.get());
  const ptrdiff_t size = normalize_path({in.get(), path.size()}, out.get());
  if (size < 0) return bad;
  std::string in_place = path;
  in_place.resize(static_cast<size_t>(normalize_path(in_place, in_place.data())));
  const std::string result(out.get(), static_cast<size_t>(size));
  EXPECT_EQ(in_place, result) << "in its own memory";
  return result;
}

TEST(NormalizePath, MakesPathsSafeToRouteBy) {
  struct Row {
    std::string path, expected;
    const char* because;
  };
  const Row rows[] = {
      {"/", "/", "the root"},
      {"/a/b", "/a/b", "nothing to do"},
      {"/a/", "/a/", "a slash at the end stays"},
      {"//a//b//", "//a//b//", "empty segments are segments"},
      {"/a/./b", "/a/b", "."},
      {"/.", "/", ". at the end"},
      {"/a/.", "/a/", ". at the end keeps its slash"},
      {"/a/b/../c", "/a/c", ".."},
      {"/a/..", "/", ".. at the end"},
      {"/a/b/..", "/a/", ".. at the end keeps its slash"},
      {"/a//../b", "/a/b", "an empty segment is taken away too"},
      {"/a/../b/../c", "/c", "twice"},
      {"/a/b/../../c", "/c", "two up"},
      {"/...", "/...", "three dots are a name"},
      {"/.a/..b/c.", "/.a/..b/c.", "dots in names"},
      {"/%41%7e%c3%a9", "/A~\xc3\xa9", "escapes"},
      {"/%2e%2E/a", bad, "escaped dots climb as well"},
      {"/a/%2e%2e/b", "/b", "escaped .."},
      {"/a/.%2e/b", "/b", "half escaped .."},
      {"/a%2f..%2fb", "/b", "an escaped slash separates"},
      {"/a%2f%2e%2e%2f%2e%2e%2fetc", bad, "all escaped, above the root"},
      {"/%252e%252e/a", "/%2e%2e/a", "decoded once, not twice"},
      {"/a%0ab", "/a\nb", "a line feed is data"},
      {"/a\\..\\b", "/a\\..\\b", "a backslash is data"},
      {"/..", bad, "above the root"},
      {"/../a", bad, "above the root"},
      {"/a/../../b", bad, "above the root"},
      {"/./..", bad, "above the root"},
      {"/%00", bad, "NUL"},
      {"/a\0b"s, bad, "raw NUL"},
      {"/%", bad, "broken escape"},
      {"/%4", bad, "broken escape"},
      {"/%4g", bad, "broken escape"},
      {"/%-1", bad, "broken escape"},
      {"", bad, "no slash"},
      {"a/b", bad, "no slash"},
      {"*", bad, "no slash"},
      {"%2fa", bad, "the first slash may not be escaped"},
  };
  for (const Row& row : rows) EXPECT_EQ(normalized(row.path), row.expected) << row.because;
}

TEST(ParseUrl, TakesUrlsApart) {
  struct Row {
    const char *text, *scheme, *host;
    int port;
    const char *target, *authority;
  };
  const Row rows[] = {
      {"http://localhost", "http", "localhost", 80, "/", "localhost"},
      {"HTTP://localhost:8000/a?b", "http", "localhost", 8000, "/a?b", "localhost:8000"},
      {"https://example.org:443/", "https", "example.org", 443, "/", "example.org"},
      {"https://example.org:80/", "https", "example.org", 80, "/", "example.org:80"},
      {"http://[::1]:8000/x", "http", "::1", 8000, "/x", "[::1]:8000"},
      {"http://a?b", "http", "a", 80, "/?b", "a"},
      {"http://a/b?c#d", "http", "a", 80, "/b?c", "a"},
      {"http://a#d", "http", "a", 80, "/", "a"},
      {"http://a:/b", "http", "a", 80, "/b", "a"},
  };
  for (const Row& row : rows) {
    const Result<Url> url = parse_url(row.text);
    ASSERT_TRUE(url) << url.error().text;
    EXPECT_EQ(url->scheme, row.scheme);
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->target, row.target);
    EXPECT_EQ(url->authority(), row.authority);
  }
}

TEST(ParseUrl, SaysWhatIsWrong) {
  struct Row {
    const char *text, *said;
  };
  const Row rows[] = {
      {"", "http://"},
      {"localhost:8000", "has no http:// or https:// in front"},
      {"ftp://a/", "neither http nor https"},
      {"http://", "no valid host and port"},
      {"http:///a", "no valid host and port"},
      {"http://a:b/", "no valid host and port"},
      {"http://a:65536/", "no valid host and port"},
      {"http://a:0/", "has port 0"},
      {"http://u:p@a/", "user name"},
      {"http://a/b c", "percent-encoded"},
      {"http://a/\xc3\xa9", "percent-encoded"},
      {"http://a/\r\nX: y", "percent-encoded"},
  };
  for (const Row& row : rows) {
    const Result<Url> url = parse_url(row.text);
    ASSERT_FALSE(url) << row.text;
    EXPECT_NE(url.error().text.find(row.said), std::string::npos) << url.error().text;
  }
}

}  // namespace
}  // namespace labcoat::http
