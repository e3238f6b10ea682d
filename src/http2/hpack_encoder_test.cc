#include "http2/hpack_encoder.h"

#include <gtest/gtest.h>

#include "http2/hpack_test_words.h"

namespace labcoat::http2 {
namespace {

TEST(hpack_encoder, a_field_is_one_byte_the_second_time) {
  HpackEncoder encoder;
  std::string first, second;
  encoder.begin(first);
  encoder.add(first, "etag", "\"6ae2-612\"");
  encoder.begin(second);
  encoder.add(second, "etag", "\"6ae2-612\"");
  EXPECT_GT(first.size(), 1U);
  EXPECT_EQ(second, hex("be"));
}

TEST(hpack_encoder, what_it_says_is_understood) {
  HpackEncoder encoder;
  HpackDecoder decoder;
  const Fields fields = {
      {":status", "200"}, {"server", "labcoat"}, {"x-own", "a\0b"}, {"vary", ""}};
  for (int i = 0; i < 3; ++i) {
    std::string block;
    encoder.begin(block);
    for (const auto& [name, value] : fields) encoder.add(block, name, value);
    Listener listener;
    ASSERT_EQ(decoder.decode(block, listener), HpackDecoder::Outcome::done);
    EXPECT_EQ(listener.fields, fields);
  }
}

}  // namespace
}  // namespace labcoat::http2
