#include "http2/huffman.h"

#include <gtest/gtest.h>

#include "http2/hpack_test_words.h"

namespace labcoat::http2 {
namespace {

std::string coded(std::string_view text) {
  std::string out(huffman_bytes(text) + huffman_slack, '\0');
  huffman_encode(text, out.data());
  out.resize(huffman_bytes(text));
  return out;
}

std::string decoded(std::string_view bytes) {
  std::string out(huffman_room(bytes.size()), '\0');
  const size_t size = huffman_decode(bytes, out.data());
  if (size == huffman_broken) return "broken";
  out.resize(size);
  return out;
}

TEST(huffman, the_strings_of_rfc_7541_appendix_c) {
  const std::pair<const char*, const char*> cases[] = {
      {"www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"},
      {"no-cache", "a8eb10649cbf"},
      {"custom-value", "25a849e95bb8e8b4bf"},
      {"Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"},
  };
  for (const auto& [text, bytes] : cases) {
    EXPECT_EQ(coded(text), hex(bytes)) << text;
    EXPECT_EQ(decoded(hex(bytes)), text);
  }
}

TEST(huffman, every_byte_comes_back_at_every_place) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      EXPECT_EQ(decoded(coded(text)), text) << byte;
      text.insert(text.begin() + i / 2, static_cast<char>(byte));
      text.push_back('a');
    }
  }
}

}  // namespace
}  // namespace labcoat::http2
