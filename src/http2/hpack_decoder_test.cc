#include "http2/hpack_decoder.h"

#include <gtest/gtest.h>

#include "http2/hpack_test_words.h"

namespace labcoat::http2 {
namespace {

using Outcome = HpackDecoder::Outcome;

struct Example {
  std::string block;
  Fields fields;
  Fields table;
  size_t table_bytes;
};

void expect_examples(HpackDecoder& decoder, const std::vector<Example>& examples) {
  for (const Example& example : examples) {
    Listener listener;
    ASSERT_EQ(decoder.decode(hex(example.block), listener), Outcome::done) << example.block;
    EXPECT_EQ(listener.fields, example.fields) << example.block;
    EXPECT_EQ(entries_of(decoder.table()), example.table) << example.block;
    EXPECT_EQ(decoder.table().bytes(), example.table_bytes) << example.block;
  }
}

const Fields request_1 = {
    {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}};
const Fields request_2 = {{":method", "GET"},
                          {":scheme", "http"},
                          {":path", "/"},
                          {":authority", "www.example.com"},
                          {"cache-control", "no-cache"}};
const Fields request_3 = {{":method", "GET"},
                          {":scheme", "https"},
                          {":path", "/index.html"},
                          {":authority", "www.example.com"},
                          {"custom-key", "custom-value"}};
const Fields table_1 = {{":authority", "www.example.com"}};
const Fields table_2 = {{"cache-control", "no-cache"}, {":authority", "www.example.com"}};
const Fields table_3 = {{"custom-key", "custom-value"},
                        {"cache-control", "no-cache"},
                        {":authority", "www.example.com"}};

TEST(HpackDecoder, RequestsOfAppendixC3WithoutHuffman) {
  HpackDecoder decoder;
  expect_examples(decoder,
                  {{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", request_1, table_1, 57},
                   {"8286 84be 5808 6e6f 2d63 6163 6865", request_2, table_2, 110},
                   {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                    request_3, table_3, 164}});
}

TEST(HpackDecoder, RequestsOfAppendixC4WithHuffman) {
  HpackDecoder decoder;
  expect_examples(decoder, {{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", request_1, table_1, 57},
                            {"8286 84be 5886 a8eb 1064 9cbf", request_2, table_2, 110},
                            {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
                             request_3, table_3, 164}});
}

TEST(HpackDecoder, LiteralsOfAppendixC2) {
  HpackDecoder decoder;
  const Fields custom = {{"custom-key", "custom-header"}};
  expect_examples(
      decoder,
      {{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", custom, custom, 55},
       {"040c 2f73 616d 706c 652f 7061 7468", {{":path", "/sample/path"}}, custom, 55},
       {"1008 7061 7373 776f 7264 0673 6563 7265 74", {{"password", "secret"}}, custom, 55},
       {"82", {{":method", "GET"}}, custom, 55}});
}

const std::string early = "Mon, 21 Oct 2013 20:13:21 GMT";
const std::string late = "Mon, 21 Oct 2013 20:13:22 GMT";
const std::string url = "https://www.example.com";
const std::string cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const Fields response_1 = {
    {":status", "302"}, {"cache-control", "private"}, {"date", early}, {"location", url}};
const Fields response_2 = {
    {":status", "307"}, {"cache-control", "private"}, {"date", early}, {"location", url}};
const Fields response_3 = {
    {":status", "200"}, {"cache-control", "private"}, {"date", late},
    {"location", url},  {"content-encoding", "gzip"}, {"set-cookie", cookie}};
const Fields response_table_1 = {
    {"location", url}, {"date", early}, {"cache-control", "private"}, {":status", "302"}};
const Fields response_table_2 = {
    {":status", "307"}, {"location", url}, {"date", early}, {"cache-control", "private"}};
const Fields response_table_3 = {
    {"set-cookie", cookie}, {"content-encoding", "gzip"}, {"date", late}};

// With a table of 256 bytes, so that entries are evicted.
TEST(HpackDecoder, ResponsesOfAppendixC5WithoutHuffman) {
  HpackDecoder decoder(256);
  expect_examples(
      decoder,
      {{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a "
        "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        response_1, response_table_1, 222},
       {"4803 3330 37c1 c0bf", response_2, response_table_2, 222},
       {"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 "
        "677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 "
        "553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        response_3, response_table_3, 215}});
}

TEST(HpackDecoder, ResponsesOfAppendixC6WithHuffman) {
  HpackDecoder decoder(256);
  expect_examples(
      decoder,
      {{"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e "
        "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        response_1, response_table_1, 222},
       {"4883 640e ffc1 c0bf", response_2, response_table_2, 222},
       {"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 "
        "821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed "
        "4ee5 b106 3d50 07",
        response_3, response_table_3, 215}});
}

// RFC 7541 section 5.1: 1337 with a prefix of 5 bits is 1f9a0a, 10 is 0a.
TEST(HpackDecoder, IntegersOfAppendixC1) {
  HpackDecoder decoder;
  Listener listener;
  EXPECT_EQ(decoder.decode(hex("3f9a0a"), listener), Outcome::done);
  EXPECT_EQ(decoder.table().bytes_max(), 1337U);
  EXPECT_EQ(decoder.decode(hex("2a"), listener), Outcome::done);
  EXPECT_EQ(decoder.table().bytes_max(), 10U);
}

struct HostileBlock {
  const char* why;
  std::string block;
};

TEST(HpackDecoder, WhatRfc7541CallsAnError) {
  const HostileBlock blocks[] = {
      {"2.3.3: index 0 in an indexed field", "80"},
      {"2.3.3: an index behind the table", "be"},
      {"2.3.3: far behind the table", "ff80 8001"},
      {"2.3.3: a name's index behind the table", "7e00"},
      {"2.3.3: a name's index far behind it", "0fff ff03 00"},
      {"4.2: a size behind a field", "8220"},
      {"4.2: a size behind a literal", "0001 6101 6220"},
      {"5.1: an integer that is cut", "ff"},
      {"5.1: cut behind its first byte", "ff80"},
      {"5.1: an index of more than 32 bits", "ffff ffff ff7f"},
      {"5.1: an integer that does not end", "ff80 8080 8080 8080 8080 80"},
      {"5.1: zeros without end", "7f80 8080 8080 8000 0161"},
      {"5.1: a length that overflows", "007f ffff ffff 7f61"},
      {"5.2: a name that is cut", "4002 61"},
      {"5.2: no value", "4001 61"},
      {"5.2: a value that is cut", "4001 6103 6263"},
      {"5.2: a length of 2^32 - 1", "4001 617f 80ff ffff 0f"},
      {"5.2: no length", "00"},
      {"5.2: padding of eight ones", "0001 6182 1fff"},
      {"5.2: padding of zeros", "0001 6181 18"},
      {"5.2: EOS in a value", "0001 6185 1fff ffff ff"},
      {"5.2: EOS in a name", "0084 ffff fffc 00"},
      {"5.2: a code that is cut", "0001 6182 ffff"},
      {"6.1: nothing but the first byte of a long index", "82ff"},
      {"6.3: a size above the limit", "3fe2 1f"},
      {"6.3: far above the limit", "3fff ffff ff0f"},
      {"6.3: one of two above the limit", "203f e21f"},
      {"6.3: a size that is cut", "3f"},
  };
  for (const auto& [why, block] : blocks) {
    HpackDecoder decoder;
    Listener listener;
    EXPECT_EQ(decoder.decode(hex(block), listener), Outcome::broken) << why;
  }
}

TEST(HpackDecoder, WhatLooksOddAndIsAllowed) {
  const HostileBlock blocks[] = {
      {"an empty block", ""},
      {"4.2: nothing but sizes", "203f e11f"},
      {"4.2: more than two sizes", "2020 203f e11f 82"},
      {"5.1: an integer longer than it need be", "3f80 8080 8000"},
      {"5.2: an empty string, coded", "0001 6180"},
      {"5.2: empty name and value", "0000 00"},
      {"4.4: an entry larger than the table", "2040 0161 0162"},
  };
  for (const auto& [why, block] : blocks) {
    HpackDecoder decoder;
    Listener listener;
    decoder.decode(hex("4001 6101 6240 0161 0162 4001 6101 6240 0161 0162 4001 6101 62"), listener);
    EXPECT_EQ(decoder.decode(hex(block), listener), Outcome::done) << why;
  }
}

// RFC 7541 section 4.3.
TEST(HpackDecoder, ASizeUpdateEvicts) {
  HpackDecoder decoder;
  Listener listener;
  ASSERT_EQ(decoder.decode(hex("4001 6101 6240 0163 0164"), listener), Outcome::done);
  ASSERT_EQ(decoder.decode(hex("3f0f"), listener), Outcome::done);  // 46 bytes
  EXPECT_EQ(entries_of(decoder.table()), (Fields{{"c", "d"}}));
  ASSERT_EQ(decoder.decode(hex("203f e11f"), listener), Outcome::done);
  EXPECT_EQ(decoder.table().count(), 0U);
  EXPECT_EQ(decoder.table().bytes_max(), 4096U);
}

// RFC 7541 section 7.3: 4 KiB said once, then a byte for each time.
TEST(HpackDecoder, ASinkStopsABlockThatStandsForAHugeList) {
  HpackDecoder decoder;
  std::string bomb = hex("4001 617f bf1e") + std::string(4030, 'x') + std::string(60'000, '\xbe');
  bomb += hex("4001 6201 63");
  Listener listener(10);
  ASSERT_EQ(decoder.decode(bomb, listener), Outcome::stopped);
  EXPECT_EQ(listener.fields.size(), 10U);
  // What came behind the stop is in the table all the same, and the next block is heard.
  EXPECT_EQ(entries_of(decoder.table()), (Fields{{"b", "c"}}));
  Listener next;
  EXPECT_EQ(decoder.decode(hex("be"), next), Outcome::done);
  EXPECT_EQ(next.fields, (Fields{{"b", "c"}}));
  EXPECT_LE(decoder.table().memory_bytes(), 4096U + 1024U);
}

TEST(HpackDecoder, AStoppedBlockMayStillTurnOutBroken) {
  HpackDecoder decoder;
  Listener listener(1);
  EXPECT_EQ(decoder.decode(hex("8280"), listener), Outcome::broken);
}

TEST(HpackDecoder, StringsOfAnyLengthAreDecoded) {
  for (const size_t bytes : {2557, 2559, 2560, 4000, 40'000}) {
    HpackDecoder decoder;
    // "0" has five bits of zeros.
    const std::string coded(bytes / 5 * 5, '\0');
    std::string length;
    size_t rest = coded.size() - 127;
    for (; rest >= 128; rest >>= 7) length.push_back(static_cast<char>(0x80 | (rest & 0x7f)));
    length.push_back(static_cast<char>(rest));
    std::string field(1, '\0');
    for (int i = 0; i < 2; ++i) field.append("\xff").append(length).append(coded);
    Listener listener;
    ASSERT_EQ(decoder.decode(field, listener), Outcome::done);
    const std::string zeros(coded.size() / 5 * 8, '0');
    EXPECT_EQ(listener.fields, (Fields{{zeros, zeros}}));
  }
}

TEST(HpackDecoder, HoldsNoMemoryForWhoWantsNothingRemembered) {
  HpackDecoder decoder;
  Listener listener;
  ASSERT_EQ(decoder.decode(hex("8286 8404 822f 6100 0161 0162"), listener), Outcome::broken);
  ASSERT_EQ(decoder.decode(hex("8286 8404 022f 6100 0161 0162"), listener), Outcome::done);
  EXPECT_EQ(decoder.table().memory_bytes(), 0U);
}

}  // namespace
}  // namespace labcoat::http2
