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

TEST(hpack_decoder, requests_of_appendix_c_3_without_huffman) {
  HpackDecoder decoder;
  expect_examples(decoder,
                  {{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", request_1, table_1, 57},
                   {"8286 84be 5808 6e6f 2d63 6163 6865", request_2, table_2, 110},
                   {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                    request_3, table_3, 164}});
}

TEST(hpack_decoder, requests_of_appendix_c_4_with_huffman) {
  HpackDecoder decoder;
  expect_examples(decoder, {{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", request_1, table_1, 57},
                            {"8286 84be 5886 a8eb 1064 9cbf", request_2, table_2, 110},
                            {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
                             request_3, table_3, 164}});
}

}  // namespace
}  // namespace labcoat::http2
