#include "http/mime.h"

#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace labcoat::http {
namespace {

TEST(MimeTypes, GoesByTheLastExtension) {
  const MimeTypes types;
  EXPECT_EQ(types.of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.of("/a.b/x.CSS"), "text/css; charset=utf-8");
  EXPECT_EQ(types.of("app.min.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(types.of("a.tar.gz"), "application/gzip");
  EXPECT_EQ(types.of("x.json"), "application/json");
  EXPECT_EQ(types.of("x.svg"), "image/svg+xml");
  EXPECT_EQ(types.of("x.woff2"), "font/woff2");
}

TEST(MimeTypes, DoesNotGuess) {
  const MimeTypes types;
  for (const char* name : {"", "README", ".html", "a/.html", "a.html/b", "x.", "x.unheard-of"}) {
    EXPECT_EQ(types.of(name), "application/octet-stream") << name;
  }
}

class MimeFile : public testing::Test {
 protected:
  void SetUp() override {
    const int fd = mkstemp(path_);
    ASSERT_GE(fd, 0);
    close(fd);
  }
  void TearDown() override { unlink(path_); }
  char path_[64] = "/tmp/labcoat_mime_XXXXXX";
};

TEST_F(MimeFile, AddsWhatIsNewAndKeepsWhatIsBuiltIn) {
  std::ofstream(path_) << "# comment\n\napplication/x-none\n"
                       << "application/x-page\thtml  Page pg # not this\r\n"
                       << "text/x-note note\n"
                       << "nonsense zzz\n";
  MimeTypes types;
  ASSERT_TRUE(types.load(path_));
  EXPECT_EQ(types.of("a.page"), "application/x-page");
  EXPECT_EQ(types.of("a.pg"), "application/x-page");
  EXPECT_EQ(types.of("a.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.of("a.note"), "text/x-note; charset=utf-8");
  EXPECT_EQ(types.of("a.not"), "application/octet-stream");
  EXPECT_EQ(types.of("a.zzz"), "application/octet-stream");
}

TEST(MimeTypes, NamesTheFileItCannotRead) {
  MimeTypes types;
  const Status status = types.load("/nonexistent/mime.types");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text.find("/nonexistent/mime.types"), std::string::npos);
}

}  // namespace
}  // namespace labcoat::http
