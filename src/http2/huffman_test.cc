#include "http2/huffman.h"

#include <gtest/gtest.h>

#include "http2/hpack_test_words.h"
#include "http2/huffman_code.h"

namespace labcoat::http2 {
namespace {

// Empty when the code is not shorter.
std::string coded(std::string_view text) {
  std::string out(text.size() + huffman_slack, '\0');
  out.resize(huffman_encode(text, out.data()));
  return out;
}

std::string decoded(std::string_view bytes) {
  std::string out(huffman_room(bytes.size()), '\0');
  const size_t size = huffman_decode(bytes, out.data());
  if (size == huffman_broken) return "broken";
  out.resize(size);
  return out;
}

TEST(Huffman, TheStringsOfRfc7541AppendixC) {
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

// Bit by bit, as RFC 7541 section 5.2 says it.
std::string coded_slowly(std::string_view text) {
  static constexpr auto codes = make_huffman_codes();
  std::string digits;
  for (const char c : text) {
    const HuffmanCode code = codes[static_cast<u8>(c)];
    for (u32 bit = code.bits; bit-- > 0;) digits.push_back((code.code >> bit & 1) != 0 ? '1' : '0');
  }
  while (digits.size() % 8 != 0) digits.push_back('1');
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 8) {
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 8), nullptr, 2)));
  }
  return bytes;
}

TEST(Huffman, CodesAsInRfc7541AppendixB) {
  constexpr auto codes = make_huffman_codes();
  const auto expect = [&](size_t symbol, u32 code, u32 bits) {
    EXPECT_EQ(codes[symbol].code, code) << symbol;
    EXPECT_EQ(codes[symbol].bits, bits) << symbol;
  };
  expect(0, 0x1ff8, 13);
  expect(9, 0xffffea, 24);
  expect(10, 0x3ffffffc, 30);
  expect('0', 0x0, 5);
  expect('A', 0x21, 6);
  expect('\\', 0x7fff0, 19);
  expect('~', 0x1ffd, 13);
  expect(128, 0xfffe6, 20);
  expect(199, 0x1ffffec, 25);
  expect(249, 0xffffffe, 28);
  expect(255, 0x3ffffee, 26);
  expect(huffman_eos, 0x3fffffff, 30);
}

TEST(Huffman, EveryByteComesBackAtEveryPlace) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      const std::string expected = coded_slowly(text);
      EXPECT_EQ(decoded(expected), text) << byte;
      EXPECT_EQ(coded(text), expected.size() < text.size() ? expected : "") << byte;
      text.insert(text.begin() + i / 2, static_cast<char>(byte));
      text.push_back('a');
    }
  }
}

TEST(Huffman, WhatRfc7541Section52CallsAnError) {
  const std::pair<const char*, const char*> cases[] = {
      {"1fff", "padding of 8 ones and more"},
      {"1c", "padding that is not ones"},
      {"18", "padding of zeros"},
      {"ff", "nothing but padding of 8 bits"},
      {"ffff ffff", "EOS and padding"},
      {"1fff ffff ff", "EOS behind a symbol"},
      {"ffff fffc 18", "EOS, then symbols"},
      {"ffff ff", "a long code that is cut"},
      {"ffff fff0", "the code of 10, cut"},
      {"f800", "a whole symbol, and zeros that are no padding"},
  };
  for (const auto& [bytes, why] : cases) EXPECT_EQ(decoded(hex(bytes)), "broken") << why;
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded(hex("1f")), "a");
  EXPECT_EQ(decoded(hex("ffff fff3")), "\n");
}

}  // namespace
}  // namespace labcoat::http2
