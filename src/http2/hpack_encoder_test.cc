#include "http2/hpack_encoder.h"

#include <gtest/gtest.h>

#include "http2/hpack_test_words.h"

namespace labcoat::http2 {
namespace {

std::string encoded(HpackEncoder& encoder, const Fields& fields,
                    Indexing indexing = Indexing::yes) {
  std::string block;
  encoder.begin(block);
  for (const auto& [name, value] : fields) encoder.add(block, name, value, indexing);
  return block;
}

TEST(HpackEncoder, AFieldIsOneByteTheSecondTime) {
  HpackEncoder encoder;
  EXPECT_GT(encoded(encoder, cached_file).size(), cached_file.size());
  EXPECT_EQ(encoded(encoder, cached_file), hex("88 c4c3 c2c1 c0bf be"));
}

TEST(HpackEncoder, TwoHeadsInTurnsAreAsShort) {
  HpackEncoder encoder;
  Fields other = cached_file;
  other[4].second = "13";
  other[6].second = "\"other\"";
  other.push_back({"vary", "accept-encoding"});
  for (int i = 0; i < 10; ++i) {
    const size_t bytes = encoded(encoder, cached_file).size();
    const size_t other_bytes = encoded(encoder, other).size();
    if (i == 0) continue;
    EXPECT_EQ(bytes, cached_file.size());
    EXPECT_EQ(other_bytes, other.size());
  }
}

// What RFC 7541 appendix C.4 and C.6 write, we write too, where we remember the same.
TEST(HpackEncoder, RequestsOfAppendixC4) {
  HpackEncoder encoder;
  EXPECT_EQ(encoded(encoder, {{":method", "GET"},
                              {":scheme", "http"},
                              {":path", "/"},
                              {":authority", "www.example.com"}}),
            hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"));
  EXPECT_EQ(encoded(encoder, {{":method", "GET"},
                              {":scheme", "http"},
                              {":path", "/"},
                              {":authority", "www.example.com"},
                              {"cache-control", "no-cache"}}),
            hex("8286 84be 5886 a8eb 1064 9cbf"));
  EXPECT_EQ(encoded(encoder, {{":method", "GET"},
                              {":scheme", "https"},
                              {":path", "/index.html"},
                              {":authority", "www.example.com"},
                              {"custom-key", "custom-value"}}),
            hex("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"));
}

TEST(HpackEncoder, ANameItRemembersIsNotSpelledAgain) {
  HpackEncoder encoder;
  EXPECT_EQ(encoded(encoder, {{"x-own", "a"}}), hex("4084 f2b1 fc55 0161"));
  EXPECT_EQ(encoded(encoder, {{"x-own", "b"}}), hex("7e01 62"));
  EXPECT_EQ(encoded(encoder, {{"x-own", "a"}}), hex("bf"));
}

TEST(HpackEncoder, SecretsAreNeverIndexed) {
  for (const char* name : {"authorization", "proxy-authorization", "set-cookie", "cookie"}) {
    HpackEncoder encoder;
    const std::string first = encoded(encoder, {{name, "secret=1"}});
    EXPECT_EQ(first[0] & 0xf0, 0x10) << name;  // RFC 7541 section 6.2.3
    EXPECT_EQ(encoded(encoder, {{name, "secret=1"}}), first) << name;
    EXPECT_EQ(encoder.memory_bytes(), 0U);
  }
  HpackEncoder encoder;
  const Fields own = {{"x-own", "secret"}};
  EXPECT_EQ(encoded(encoder, own, Indexing::never)[0] & 0xf0, 0x10);
  EXPECT_EQ(encoder.table().count(), 0U);
  encoded(encoder, own);
  EXPECT_EQ(encoded(encoder, own, Indexing::never)[0] & 0xf0, 0x10) << "even where it is known";
  EXPECT_EQ(encoded(encoder, {{"cookie", "a cookie nobody can guess"}})[0] & 0xc0, 0x40);
}

TEST(HpackEncoder, WhatHardlyComesTwicePushesNothingOut) {
  HpackEncoder encoder;
  for (const char* name :
       {":path", "age", "content-range", "location", "if-none-match", "if-modified-since"}) {
    EXPECT_EQ(encoded(encoder, {{name, "/once"}})[0] & 0xf0, 0) << name;  // section 6.2.2
  }
  encoded(encoder, {{"x-large", std::string(3040, '!')}});
  encoded(encoder, {{"x-own", "once"}}, Indexing::no);
  EXPECT_EQ(encoder.table().count(), 0U);
  encoded(encoder, {{"x-large", std::string(3030, '!')}});
  EXPECT_EQ(encoder.table().count(), 1U);
}

// RFC 7541 section 4.2: the smallest size since the last block, then the last.
TEST(HpackEncoder, TellsThePeerWhatItsSettingsMadeOfTheTable) {
  HpackEncoder encoder;
  EXPECT_EQ(encoded(encoder, {}), "");
  encoder.set_table_max(65536);
  EXPECT_EQ(encoded(encoder, {}), "") << "no more than we want";
  encoded(encoder, {{"a", "b"}, {"c", "d"}});
  encoder.set_table_max(46);
  EXPECT_EQ(encoded(encoder, {}), hex("3f0f"));
  EXPECT_EQ(entries_of(encoder.table()), (Fields{{"c", "d"}}));
  encoder.set_table_max(0);
  encoder.set_table_max(100);
  EXPECT_EQ(encoded(encoder, {}), hex("203f 45"));
  EXPECT_EQ(encoder.table().count(), 0U);
  encoder.set_table_max(100'000);
  EXPECT_EQ(encoded(encoder, {}), hex("3fe1 1f"));
  EXPECT_EQ(encoded(encoder, {}), "");
}

TEST(HpackEncoder, GoesOnWithoutATable) {
  HpackEncoder encoder;
  encoder.set_table_max(0);
  EXPECT_EQ(encoded(encoder, {{":status", "200"}, {"vary", "x"}}), hex("2088 0f2c 01 78"));
  EXPECT_EQ(encoded(encoder, {{":status", "200"}, {"vary", "x"}}), hex("88 0f2c 01 78"));
  EXPECT_EQ(encoder.memory_bytes(), 0U);
}

TEST(HpackEncoder, HoldsLittleMemoryForFewFields) {
  HpackEncoder encoder;
  EXPECT_EQ(encoder.memory_bytes(), 0U);
  encoded(encoder, cached_file);
  EXPECT_LE(encoder.memory_bytes(), 2048U);
  for (int i = 0; i < 10'000; ++i) encoded(encoder, {{"x-" + std::to_string(i), ""}});
  EXPECT_LE(encoder.memory_bytes(), 4096U + 3072U);
}

TEST(HpackEncoder, LongStringsAndAnyBytesComeBack) {
  HpackEncoder encoder;
  HpackDecoder decoder;
  for (const size_t bytes : {0, 1, 126, 127, 128, 200, 470, 480, 490, 5000, 100'000}) {
    for (const char c : {'a', '\xff', '!'}) {
      const Fields fields = {{"x-" + std::string(bytes / 2, c), std::string(bytes, c)}};
      Listener listener;
      ASSERT_EQ(decoder.decode(encoded(encoder, fields), listener), HpackDecoder::Outcome::done);
      EXPECT_EQ(listener.fields, fields) << bytes;
    }
  }
}

}  // namespace
}  // namespace labcoat::http2
