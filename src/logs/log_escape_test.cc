#include "logs/log_escape.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <string>

namespace labcoat::logs {
namespace {

using Put = char* (*)(std::string_view, LogEscape, char*);

std::string escaped(Put put, const std::string& text, LogEscape how) {
  const std::string padded = text + std::string(log_block_bytes, '"');
  std::string out(text.size() * log_escape_bytes_max + log_block_bytes, '?');
  const char* const end = put({padded.data(), text.size()}, how, out.data());
  out.resize(static_cast<size_t>(end - out.data()));
  return out;
}

// Byte by byte, as docs/logs.md says it.
std::string as_documented(char c, LogEscape how) {
  const auto byte = static_cast<unsigned char>(c);
  const bool json = how == LogEscape::json;
  if (json && (c == '"' || c == '\\')) return std::string("\\") + c;
  const bool mark = c == '"' || c == '\\' || (c == ' ' && how == LogEscape::bare);
  if (byte >= 0x20 && byte < 0x7f && !mark) return {c};
  char text[8];
  std::snprintf(text, sizeof text, json ? "\\u%04x" : "\\x%02x", byte);
  return text;
}

TEST(LogEscape, EachByteIsWrittenAsDocumentedWhereverItStands) {
  for (const LogEscape how : {LogEscape::quoted, LogEscape::bare, LogEscape::json}) {
    for (int byte = 0; byte < 256; ++byte) {
      // Up to, in and behind the blocks that are looked at together.
      for (const size_t length : {1, 15, 16, 17, 33}) {
        for (size_t at = 0; at < length; ++at) {
          std::string text(length, 'a'), expected;
          text[at] = static_cast<char>(byte);
          for (const char c : text) expected += as_documented(c, how);
          for (const Put put : {put_escaped, put_escaped_padded}) {
            ASSERT_EQ(escaped(put, text, how), expected) << "byte " << byte << " at " << at;
          }
        }
      }
    }
  }
}

TEST(LogEscape, ATextOfNothingButEscapesFitsItsRoom) {
  for (const Put put : {put_escaped, put_escaped_padded}) {
    EXPECT_EQ(escaped(put, std::string(40, '\0'), LogEscape::json).size(),
              40 * log_escape_bytes_max);
    EXPECT_EQ(escaped(put, std::string(40, '"'), LogEscape::quoted).size(), size_t{40} * 4);
    EXPECT_EQ(escaped(put, "", LogEscape::bare), "");
  }
}

}  // namespace
}  // namespace labcoat::logs
