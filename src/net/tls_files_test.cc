#include "net/tls_files.h"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/sealed_file.h"
#include "base/text.h"

namespace labcoat::net {
namespace {

class TlsFilesTest : public testing::Test {
 protected:
  TlsFilesTest() {
    char name[] = "/tmp/labcoat-tls-files-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~TlsFilesTest() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, std::string_view text) {
    EXPECT_TRUE(write_file(directory_ + "/" + name, text));
    return directory_ + "/" + name;
  }

  std::string directory_;
};

TEST_F(TlsFilesTest, a_text_is_read_once) {
  const std::string file = write("a", "first");
  TlsFiles files;
  EXPECT_EQ(files.text(file).value(), "first");
  write("a", "second");
  EXPECT_EQ(files.text(file).value(), "first");
  EXPECT_EQ(TlsFiles().text(file).value(), "second");
}

TEST_F(TlsFilesTest, what_was_saved_is_there_without_the_disk) {
  const std::string numbers = write("12 3", "1 2 3"), zero = write("b", {"\0\xff 7 \n", 6}),
                    empty = write("c", ""), unasked = write("d", "d");
  TlsFiles files;
  for (const std::string& file : {numbers, zero, empty}) ASSERT_TRUE(files.text(file));
  const auto kept = files.save();
  ASSERT_TRUE(kept);
  EXPECT_TRUE(is_sealed_file(kept->get()));
  for (const std::string& file : {numbers, zero, empty}) std::filesystem::remove(file);
  for (int time = 0; time < 2; ++time) {
    auto saved = TlsFiles::saved(kept->get());
    ASSERT_TRUE(saved);
    EXPECT_EQ(saved->text(numbers).value(), "1 2 3");
    EXPECT_EQ(saved->text(zero).value(), std::string_view("\0\xff 7 \n", 6));
    EXPECT_EQ(saved->text(empty).value(), "");
    EXPECT_FALSE(saved->text(unasked)) << "it was not asked for then";
  }
}

TEST_F(TlsFilesTest, what_makes_no_sense_is_refused) {
  for (const char* text :
       {"1", "x", "1 a", "1 a2 b", "-1 a1 b", "99999999999999999999 a", "1 a1 b ", "1 a 1 b"}) {
    const auto file = sealed_file("test", text);
    ASSERT_TRUE(file);
    EXPECT_FALSE(TlsFiles::saved(file->get())) << text;
  }
  const auto nothing = sealed_file("test", "");
  EXPECT_TRUE(TlsFiles::saved(nothing->get()));
}

TEST(SealedFile, other_files_are_none) {
  const Fd disk(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(is_sealed_file(disk.get()));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd reading(ends[0]), writing(ends[1]);
  EXPECT_FALSE(is_sealed_file(reading.get()));
}

}  // namespace
}  // namespace labcoat::net
